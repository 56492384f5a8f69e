"""The rotation that players apply to the stored frames of a video. Decoding does not apply it."""

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame

Plane = TypeVar("Plane", bound=npt.NDArray[Any])


@dataclass(frozen=True, slots=True)
class Orientation:
    """How players show a stored frame.

    It is mirrored left to right if `mirrored`, then rotated clockwise by `quarter_turns` times 90
    degrees (0 to 3). `quarter_turns` is None if the display matrix has another transformation,
    which only a few players apply.
    """

    quarter_turns: int | None = 0
    mirrored: bool = False

    @property
    def rotation(self) -> int:
        """The number in a row: degrees clockwise, plus 360 if the frame is mirrored first; 0 for
        other angles.
        """
        return 90 * (self.quarter_turns or 0) + (360 if self.mirrored else 0)

    @property
    def is_upright(self) -> bool:
        """Whether players show the frame as it is stored."""
        return self.quarter_turns == 0 and not self.mirrored

    def __str__(self) -> str:
        if self.quarter_turns is None:
            return "turned by no quarter turn"
        turn = (
            f"turned clockwise by {90 * self.quarter_turns} degrees" if self.quarter_turns else ""
        )
        return " and ".join(filter(None, ["mirrored" if self.mirrored else "", turn])) or "upright"


UPRIGHT = Orientation()


def orientation_of_rotation(rotation: int) -> Orientation:
    """The orientation for the number in a row: the inverse of `Orientation.rotation`."""
    return Orientation(rotation % 360 // 90, mirrored=rotation >= 360)


_TURNS = {(1, 0): 0, (0, 1): 1, (-1, 0): 2, (0, -1): 3}


def orientation_of(frame: VideoFrame) -> Orientation:
    """The orientation in the display matrix of a decoded frame; upright if it has none."""
    matrix: Any = frame.side_data.get("DISPLAYMATRIX")
    return UPRIGHT if matrix is None else _of_matrix(np.frombuffer(bytes(matrix), np.int32))


def _of_matrix(matrix: npt.NDArray[np.int32]) -> Orientation:
    """The orientation of a matrix a b u, c d v, x y w: the point (x, y) is shown at (a·x + c·y, b·x
    + d·y), y downwards.

    Source: ISO/IEC 14496-12, 8.3.2 and FFmpeg's libavutil/display.h.
    """
    a, b, c, d = (int(sign) for sign in np.sign(matrix[[0, 1, 3, 4]]))
    if (a, b, c, d) == (0, 0, 0, 0):  # written by programs that leave the field out
        return UPRIGHT
    mirrored = a * d - b * c < 0
    turns = _TURNS.get((-a, -b) if mirrored else (a, b))
    is_turn = turns is not None and (a, b) in ((d, -c), (-d, c))
    return Orientation(turns, mirrored) if is_turn else Orientation(None)


def displayed_size(orientation: Orientation, height: int, width: int) -> tuple[int, int]:
    """(height, width) of the displayed frame."""
    return (width, height) if (orientation.quarter_turns or 0) % 2 else (height, width)


def to_coded(shown: Plane, orientation: Orientation) -> Plane:
    """Rotates a plane [H, W] of the displayed frame back onto the stored frame.

    Raises:
        ValueError: the orientation has no quarter turns.
    """
    if orientation.quarter_turns is None:
        raise ValueError(
            f"a frame {orientation}: wanted quarter turns, which alone can be turned back exactly"
        )
    turned: Any = np.rot90(shown, orientation.quarter_turns)
    return np.ascontiguousarray(turned[:, ::-1] if orientation.mirrored else turned)  # type: ignore[return-value]


def to_displayed(stored: Plane, orientation: Orientation) -> Plane:
    """Rotates a plane [H, W] or picture [H, W, C] of the stored frame as players show it: undoes
    `to_coded`.

    Raises:
        ValueError: the orientation has no quarter turns.
    """
    if orientation.quarter_turns is None:
        raise ValueError(
            f"a frame {orientation}: wanted quarter turns, which alone can be followed exactly"
        )
    mirrored: Any = stored[:, ::-1] if orientation.mirrored else stored
    return np.ascontiguousarray(np.rot90(mirrored, -orientation.quarter_turns))  # type: ignore[return-value]
