"""Decides which pixels of a grey mask video are marked. Layouts and code that converts data use
this rule.
"""

import numpy as np
import numpy.typing as npt

GREY_THRESHOLD = 127
"""Pixels brighter than this are marked."""
DARK_MAX = 31
BRIGHT_MIN = 224
MAX_GREY_OF_MARKED = 0.02
"""Pixels in [32, 223] per pixel in [32, 255].

Measured on x264 masks (disks, 8 px dots, 3 px lines, blobs; 214x120 and 854x480): at most 0.0100 at
crf 23 and 0.0139 at crf 28, both exact at > 127; 0.0224 to 0.74, all above crf 32, where more than
one in 5,000 marked pixels came out wrong. Counted against the bright part, not the whole video, or
small objects would hide it.
"""

Histogram = npt.NDArray[np.int64]
"""int64[256]: pixels by grey value, of all frames of a video."""


def dark_middle_bright(histogram: Histogram) -> tuple[int, int, int]:
    """Pixels in [0, DARK_MAX], between, and in [BRIGHT_MIN, 255]."""
    dark, bright = histogram[: DARK_MAX + 1].sum(), histogram[BRIGHT_MIN:].sum()
    return int(dark), int(histogram.sum() - dark - bright), int(bright)


def is_bimodal(histogram: Histogram) -> bool:
    """Whether a video is black and white enough for `GREY_THRESHOLD`; True also if all pixels are
    black.
    """
    _, middle, bright = dark_middle_bright(histogram)
    return middle <= MAX_GREY_OF_MARKED * (middle + bright)
