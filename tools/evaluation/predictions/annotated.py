"""Reads an annotation as a prediction."""

from pathlib import Path

from ....builder.raw import Problem, RawError
from ....masks import RLEError
from ..truth import read_annotation
from .entries import Entries
from .form import Predictions, Reading
from .rle import Rle


def read_annotated_videos(path: Path, reading: Reading, *, kind: str) -> Predictions:
    """The masks of an annotation on the stored frames of its videos; all objects of a frame count
    together.

    Raises:
        EvaluationError, ReleaseError: as `read_annotation`.
    """
    entries = Entries(path, kind)
    for part in read_annotation(path, masks_are=reading.masks_are).parts:
        try:
            for video in part.read():
                size = (video.height, video.width)
                frames = entries.masks[video.video_id]
                entries.orientations[video.video_id] = video.orientation
                for frame_index in video.frames:
                    frames[frame_index] = [
                        Rle(masklet.counts[frame_index], size, None, masklet.object_id)
                        for masklet in video.masklets
                        if frame_index in masklet.counts
                    ]
        except (RawError, RLEError) as error:
            entries.problems.append(Problem(f"{path} {', '.join(part.video_ids[:3])}", str(error)))
            entries.incomplete.update(part.video_ids)
    return entries.predictions()
