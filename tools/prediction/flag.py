"""When a video counts as broken: enough frames with enough of them marked."""

from dataclasses import dataclass

from ...masks import BoolArray, Float64Array


@dataclass(frozen=True, slots=True)
class Flag:
    """A frame is broken where at least `min_area` of its pixels are marked and its score is at
    least `min_score`; a video is flagged with `min_frames` broken frames, or all of them where it
    has fewer.

    Raises:
        ValueError: a share outside [0, 1], or fewer than one frame.
    """

    min_area: float = 0.001
    min_score: float = 0.0
    min_frames: int = 2

    def __post_init__(self) -> None:
        for name in ("min_area", "min_score"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}, wanted a share from 0 to 1.")
        if self.min_frames < 1:
            raise ValueError(f"min_frames is {self.min_frames}, wanted 1 or more.")

    def broken_frames(self, areas: Float64Array, scores: Float64Array) -> BoolArray:
        """bool[T] of marked shares and scores, float64[T] each. A frame without a marked pixel is
        not broken, whatever min_area.
        """
        broken: BoolArray = (areas > 0) & (areas >= self.min_area) & (scores >= self.min_score)
        return broken

    def is_broken(self, broken_frames: BoolArray) -> bool:
        """Whether a video with these frames is flagged; one without frames is not."""
        return bool(0 < min(self.min_frames, len(broken_frames)) <= broken_frames.sum())
