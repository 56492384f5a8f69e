"""A brush as Label Studio's own converter writes it, and the picture that it is of."""

# label_studio_sdk 2.1.2, converter.brush.mask2rle.
RLE = list(bytes.fromhex("0000008c391bfe17008ffe3008fff0b8047ff85c0309ffe1f000"))
PICTURE = ["0000001", "0100000", "0100000", "0111110", "0000000"]
