"""What is marked in a mask PNG is the same in every form in which people have it, for a build and
for an evaluation.
"""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from brokenvideos.builder.layouts.davis import DavisMasks
from brokenvideos.builder.layouts.own import OwnMasks
from brokenvideos.builder.layouts.pal4vst import StillMask
from brokenvideos.builder.raw import RawError, decode_png, foreground

MARKED = np.zeros((6, 8), bool)
MARKED[1:4, 2:5] = True
WHITE = MARKED * np.uint8(255)


def stored(image, **options) -> bytes:
    image = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    out = io.BytesIO()
    image.save(out, "PNG", **options)
    return out.getvalue()


def with_palette(indices, colours):
    image = Image.fromarray(indices.astype(np.uint8), "L").convert("P")
    image.putdata(indices.reshape(-1).tolist())
    image.putpalette([part for colour in colours for part in colour])
    return image


def with_alpha(grey, alpha):
    return Image.merge("RGBA", [Image.fromarray(grey)] * 3 + [Image.fromarray(alpha)])


BLACK_OF, WHITE_OF = (0, 0, 0), (255, 255, 255)
OF_ONE_OBJECT = {
    "0 and 1": MARKED.astype(np.uint8),
    "0 and 255": WHITE,
    "1 bit": MARKED,
    "16 bit, 0 and 1": MARKED.astype(np.uint16),
    "16 bit, 0 and 255": MARKED * np.uint16(255),
    "16 bit, 0 and 65535": MARKED * np.uint16(65535),
    "palette, black first": with_palette(MARKED, [BLACK_OF, WHITE_OF]),
    "palette, white first": with_palette(~MARKED, [WHITE_OF, BLACK_OF]),
    "palette, white first, near black and near white": with_palette(
        ~MARKED, [(250, 251, 250), (3, 3, 3)]
    ),
    "palette, as it comes from reducing colours": Image.fromarray(WHITE).convert("RGB").quantize(2),
    "palette of grey levels, 0 and 255": Image.fromarray(WHITE).convert("P"),
    "palette of grey levels, 0 and 1": Image.fromarray(MARKED.astype(np.uint8)).convert("P"),
    "palette whose first colour is white and whose second is red": with_palette(
        MARKED, [WHITE_OF, (255, 0, 0)]
    ),
    "RGB": Image.fromarray(WHITE).convert("RGB"),
    "RGBA": Image.fromarray(WHITE).convert("RGBA"),
    "grey with alpha": Image.fromarray(WHITE).convert("LA"),
    "white, transparent where not marked": with_alpha(WHITE, WHITE),
    "alpha alone, over black": with_alpha(WHITE * 0, WHITE),
    "alpha alone, over white": with_alpha(WHITE * 0 + 255, WHITE),
}


def four_bit(values: np.ndarray) -> bytes:
    """A 4-bit grey PNG, which Pillow does not write: of 8-bit grey, its header and rows are
    changed.
    """

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    height, width = values.shape
    rows = b"".join(b"\0" + bytes(row[0::2] << 4 | row[1::2]) for row in values.astype(np.uint8))
    header = struct.pack(">IIBBBBB", width, height, 4, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


FILES = {name: stored(image) for name, image in OF_ONE_OBJECT.items()} | {
    "4 bit, 0 and 15": four_bit(MARKED * 15)
}


@pytest.mark.parametrize("name", FILES)
def test_one_object_is_object_1_in_every_form_and_layout(tmp_path, name):
    (tmp_path / "00000.png").write_bytes(FILES[name])
    sources = [
        DavisMasks(tmp_path, None),
        OwnMasks(tmp_path),
        OwnMasks(tmp_path, (1,)),
        StillMask(tmp_path / "00000.png"),
    ]
    for source in sources:
        (frame,) = source.read()
        assert np.array_equal(frame.planes[0], MARKED), source
        assert frame.planes[0].dtype == np.uint16


@pytest.mark.parametrize(
    "image",
    [
        WHITE * 0,
        MARKED & False,
        WHITE.astype(np.uint16) * 0,
        with_alpha(WHITE * 0, WHITE * 0),
        Image.new("RGB", (8, 6)),
    ],
    ids=["grey", "1 bit", "16 bit", "all transparent", "RGB"],
)
def test_nothing_marked_is_nothing_marked(image):
    mode, labels = decode_png(stored(image), where="m.png")
    assert foreground(mode, labels, where="m.png").kind == "nothing"
    assert not labels.any()


IDS = np.array([[0, 1, 2, 7]], np.uint8)
OF_OBJECTS = {
    "grey": IDS,
    "16 bit": IDS.astype(np.uint16) * 300,
    "palette": with_palette(IDS, [(0, 0, 0)] * 8),
    "palette with white in it": with_palette(
        IDS, [(255, 255, 255), (0, 0, 0), (200, 0, 0), *[(9, 9, 9)] * 5]
    ),
    "palette of black and white, black first": with_palette(
        IDS, [(0, 0, 0), *[(255, 255, 255)] * 7]
    ),
}


@pytest.mark.parametrize("name", OF_OBJECTS)
def test_values_are_object_ids(name):
    mode, labels = decode_png(stored(OF_OBJECTS[name]), where="m.png")
    found = foreground(mode, labels, where="m.png")
    assert found.kind == "ids"
    assert found.labels.tolist() == [[0, 300, 600, 2100] if name == "16 bit" else [0, 1, 2, 7]]


SOFT = np.arange(60, dtype=np.uint8).reshape(6, 10) * 4
ONE_OF_TWO = "give --void 255 if 255 is void, else write the mask as one of the two"
EDGES = "or black and white alone: draw the mask without soft edges"
WANTED = "wanted 8-bit grey or palette; export object ids, not colours"
REFUSED = {
    "soft greys": (
        SOFT,
        "59 grey values beside 0, at most 32 are read as object ids: a soft mask? Write what is "
        "marked as 255 and the rest as 0, or that many object ids into a palette PNG",
    ),
    "soft edges": (
        np.array([[0, 90, 180, 255]], np.uint8),
        f"value 255 beside 90, 180; wanted object ids, or 0 and 255 alone: {ONE_OF_TWO}",
    ),
    "ids with white": (
        np.array([[0, 1, 255]], np.uint8),
        f"value 255 beside 1; wanted object ids, or 0 and 255 alone: {ONE_OF_TWO}",
    ),
    "soft RGB": (
        Image.fromarray(SOFT).convert("RGB"),
        f"the PNG is RGB with the grey value 4, {WANTED}, {EDGES}",
    ),
    "soft alpha": (
        with_alpha(SOFT * 0, SOFT),
        f"the PNG is RGB with alpha with 59 half-transparent pixels, {WANTED}, {EDGES}",
    ),
    "white where transparent": (
        with_alpha(255 - WHITE, WHITE),
        f"the PNG is RGB with alpha, black where it is opaque and white where it is not; {WANTED}",
    ),
}


@pytest.mark.parametrize(("image", "what"), REFUSED.values(), ids=REFUSED)
def test_what_can_be_read_in_two_ways_is_refused(image, what):
    with pytest.raises(RawError) as caught:
        foreground(*decode_png(stored(image), where="m.png"), where="m.png")
    assert str(caught.value) == f"m.png: {what}"


def test_listed_ids_decide_whether_white_is_one():
    mode, labels = decode_png(stored(WHITE), where="m.png")
    assert foreground(mode, labels, where="m.png", listed=(255,)).labels.max() == 255
    assert foreground(mode, labels, where="m.png", listed=(1,)).labels.max() == 1
    assert (
        foreground("L", SOFT.astype(np.uint16), where="m.png", listed=()).kind == "ids"
    )  # the list is held against them
