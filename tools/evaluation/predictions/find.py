"""Finds the form of predictions, and reads them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import groupby
from pathlib import Path

from ....builder.raw import Problem, RawError
from ....release import records_in
from ..truth import EvaluationError
from . import formats
from .form import Format, PredictedFrame, PredictedVideo, Predictions, Reading
from .place import Place


def formats_in(folders: Iterable[str], package: str) -> tuple[Format, ...]:
    """The `FORMAT` of every file in these folders, in the order in which they are tried.

    Args:
        package: the package whose files they are.
    """
    return tuple(
        sorted(
            records_in(folders, package, record="FORMAT"), key=lambda form: (form.order, form.name)
        )
    )


@cache
def known_formats() -> tuple[Format, ...]:
    """All forms of predictions."""
    return formats_in(formats.__path__, formats.__name__)


def formats_table() -> str:
    """The forms as a Markdown table: name, content, and what else must be given."""
    rows = [
        f"| {form.name} | {form.what} | {form.needs or 'nothing else'} |"
        for form in known_formats()
    ]
    return "\n".join(["| form | what is read | what it needs |", "|---|---|---|", *rows])


def find_predictions(
    path: Path, *, reading: Reading | None = None, known: Sequence[Format] | None = None
) -> Predictions:
    """The predictions at `path`; their masks are not read yet.

    Args:
        path: a file or folder of one of the forms.
        reading: settings for what the form does not determine; None: the defaults.
        known: the forms to look for; None: `known_formats()`.

    Raises:
        EvaluationError: there are no predictions of these forms, or files of two forms.
    """
    reading = reading or Reading()
    known = known_formats() if known is None else known
    wanted = f"wanted one of these: {'; '.join(form.what for form in known)}"
    if not path.exists():
        raise EvaluationError([Problem(str(path), f"no such file or folder; {wanted}")])
    place = Place(path)
    form, claimed = _claimed(place, known, wanted)
    if reading.first_frame not in (None, 0, 1):
        raise EvaluationError([Problem("first frame", f"{reading.first_frame}, wanted 0 or 1")])
    if reading.first_frame == 1 and not form.numbered:
        what = f"read as {form.name}, which counts frames from 0 by itself; leave --first-frame out"
        raise EvaluationError([Problem(str(path), what)])
    predictions = form.read(place, claimed, reading)
    if not predictions.videos and not predictions.problems:
        raise EvaluationError([Problem(str(path), f"no prediction in it; {wanted}")])
    return _counted_from_1(predictions) if reading.first_frame == 1 else predictions


def _claimed(place: Place, known: Sequence[Format], wanted: str) -> tuple[Format, Sequence[Path]]:
    for _, group in groupby(
        sorted(known, key=lambda form: (form.order, form.name)), key=lambda form: form.order
    ):
        claims = {form.name: (form, files) for form in group if (files := form.detect(place))}
        if len(claims) > 1:
            clashes = "; ".join(f"{name}: {files[0].name}" for name, (_, files) in claims.items())
            what = (
                f"files of {len(claims)} forms ({clashes}); give the file of the predictions itself"
            )
            raise EvaluationError([Problem(str(place.path), what)])
        if claims:
            return next(iter(claims.values()))
    for file in place.with_suffix(".json"):
        try:
            place.json(file)
        except RawError as error:
            raise EvaluationError([Problem(str(file), str(error))]) from error
    raise EvaluationError(
        [Problem(str(place.path), f"not a prediction that can be read; {wanted}")]
    )


@dataclass(frozen=True, slots=True)
class _FromOne:
    """A video whose frame numbers count from 1."""

    video: PredictedVideo

    @property
    def where(self) -> str:
        return self.video.where

    @property
    def frames(self) -> Sequence[int]:
        return [number - 1 for number in self.video.frames]

    def read(self, frames: Sequence[int], *, height: int, width: int) -> Iterator[PredictedFrame]:
        for frame in self.video.read(
            [frame_index + 1 for frame_index in frames], height=height, width=width
        ):
            yield replace(frame, frame_index=frame.frame_index - 1)

    def objects(self) -> Mapping[int, PredictedVideo] | None:
        objects = self.video.objects()
        return (
            None
            if objects is None
            else {object_id: _FromOne(video) for object_id, video in objects.items()}
        )


def _counted_from_1(predictions: Predictions) -> Predictions:
    videos: Mapping[str, PredictedVideo] = {
        video_id: _FromOne(video) for video_id, video in predictions.videos.items()
    }
    with_zero = [video for video in predictions.videos.values() if 0 in video.frames]
    problems = [
        Problem(video.where, "has a frame 0, so it does not count from 1; leave --first-frame out")
        for video in with_zero
    ]
    return replace(predictions, videos=videos, problems=(*predictions.problems, *problems))
