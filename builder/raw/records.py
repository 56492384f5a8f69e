"""Joins the videos, masks and videos.jsonl of another tool's layout into records, by video_id."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...masks import ARTIFACT_TYPES
from .stills import is_still, still_note
from .video import NOT_GIVEN, FrameLabels, MaskSource, Problem, RawVideo
from .video_files import SUFFIX_LIST
from .videos_jsonl import FILE_NAME, VideoEntry, read_videos_jsonl

UNKNOWN_GENERATOR = "unknown"


@dataclass(frozen=True, slots=True)
class NothingMarked:
    """The masks of a video without any mask."""

    def read(self) -> Iterator[FrameLabels]:
        """Gives no frame."""
        return iter(())


@dataclass(frozen=True, slots=True)
class FoundMasks:
    """The masks of one video, as a layout found them. `source` is None if they cannot be read; a
    problem then says why.
    """

    where: str
    source: MaskSource | None
    annotated_frames: Sequence[int] | None
    """Annotated frames, if the masks tell; None: all frames. A value in videos.jsonl takes
    precedence.
    """
    annotator: str | None = None
    """The annotator in the row's source, unless videos.jsonl names one."""
    objects: Mapping[int, str | None] | None = None
    """Artifact type name by object_id, if the masks tell; otherwise None. A value in videos.jsonl
    takes precedence.
    """
    generator: str | None = None
    prompt: str | None = None
    split: str | None = None
    notes: str | None = None
    """This field and the next three go into the row, unless videos.jsonl gives them."""


def objects_of_labels(
    labels: Mapping[int, str], artifact_type: str | None
) -> Mapping[int, str | None] | None:
    """Artifact type name by object_id, from the label of each object in its layout. A label that is
    not a type gets `artifact_type`. The result is None if that is needed and None.
    """
    types = {
        object_id: label if label in ARTIFACT_TYPES else artifact_type
        for object_id, label in labels.items()
    }
    known = {object_id: name for object_id, name in types.items() if name is not None}
    return known if len(known) == len(types) else None


def missing_video(video_id: str) -> str:
    """The problem of masks or a line whose video is missing."""
    return (
        f"no video videos/{video_id}.mp4 (or {SUFFIX_LIST.removeprefix('.mp4, ')}); add it, or "
        "remove this"
    )


def join_records(
    raw: Path,
    *,
    videos: Mapping[str, Path],
    masks: Mapping[str, FoundMasks],
    masks_wanted: str,
    artifact_type: str | None,
    generator: str | None,
    missing: Callable[[str], str] = missing_video,
    unread: bool = False,
) -> tuple[list[RawVideo], list[Problem]]:
    """Records of the complete videos, by video_id, and a problem for every other video.

    Args:
        videos, masks: the videos and masks of the raw folder, by video_id.
        masks_wanted: the path where masks of a video are expected, with `{video_id}` in it, for
            messages.
        artifact_type: the type of every object of videos for which videos.jsonl gives no `objects`.
        generator: the generator of videos for which neither videos.jsonl nor the masks give one.
        missing: gives the problem of a video_id without a video.
        unread: True if a file with masks of several videos has a problem, so that a video may lack
            masks because of it.
    """
    entries, problems = read_videos_jsonl(raw / FILE_NAME, required=())
    records: list[RawVideo] = []
    untyped: list[Path] = []
    for video_id in sorted({*videos, *masks, *entries}):
        entry, masks_of_video, path = (
            entries.get(video_id),
            masks.get(video_id),
            videos.get(video_id),
        )
        if path is None:
            where = f"{FILE_NAME} line {entry.line}" if entry is not None else masks[video_id].where
            problems.append(Problem(where, missing(video_id)))
            continue
        if entry is not None and not entry.sound:
            continue  # its faults are listed already; other missing values may follow from them
        if unread if masks_of_video is None else masks_of_video.source is None:
            continue  # the faults of its masks are listed already
        normal = entry is not None and entry.label == "normal"
        if masks_of_video is None and not normal:
            wanted = masks_wanted.format(video_id=video_id)
            what = (
                f'no masks; wanted {wanted}: add them, or say label "normal" in {FILE_NAME} if '
                "nothing is marked"
            )
            problems.append(Problem(path.relative_to(raw).as_posix(), what))
            continue
        has_types = (entry is not None and entry.objects is not None) or (
            masks_of_video is not None and masks_of_video.objects is not None
        )
        if artifact_type is None and not normal and not has_types:
            untyped.append(path)
        else:
            records.append(
                _record(
                    video_id,
                    path,
                    entry,
                    masks_of_video,
                    artifact_type=artifact_type,
                    generator=generator,
                )
            )
    if untyped:
        more = f" (and {len(untyped) - 1} more)" if len(untyped) > 1 else ""
        names = f"{', '.join(ARTIFACT_TYPES)} or {NOT_GIVEN}"
        what = (
            f"no artifact type; give --artifact-type (of all objects: {names}) or objects in "
            f"{FILE_NAME}"
        )
        problems.append(Problem(f"{untyped[0].relative_to(raw).as_posix()}{more}", what))
    if not videos and not masks and not problems:
        problems.append(Problem(".", f"no video found; wanted {SUFFIX_LIST} files in videos/"))
    return records, problems


def _record(
    video_id: str,
    path: Path,
    entry: VideoEntry | None,
    masks_of_video: FoundMasks | None,
    *,
    artifact_type: str | None,
    generator: str | None,
) -> RawVideo:
    objects = entry.objects if entry is not None else None
    if objects is None and masks_of_video is not None:
        objects = masks_of_video.objects
    if objects is None and artifact_type is None:
        # only for a video with label "normal": a marked pixel in it then belongs to an unknown
        # object
        objects = {}
    annotated_frames = entry.annotated_frames if entry is not None else None
    if annotated_frames is None and masks_of_video is not None:
        annotated_frames = masks_of_video.annotated_frames
    source = dict(entry.source) if entry is not None else {}
    from_masks = masks_of_video or FoundMasks("", None, None)
    if from_masks.annotator is not None:
        source.setdefault("annotator", from_masks.annotator)
    notes = [source.get("notes", from_masks.notes), still_note(path) if is_still(path) else None]
    if any(notes):
        source["notes"] = "; ".join(filter(None, notes))
    return RawVideo(
        video_id=video_id,
        video_path=path,
        masks=masks_of_video.source
        if masks_of_video is not None and masks_of_video.source is not None
        else NothingMarked(),
        objects=objects,
        default_artifact_type=artifact_type if objects is None else None,
        annotated_frames=annotated_frames,
        label=entry.label if entry is not None else None,
        generator=(entry.generator if entry is not None else None)
        or from_masks.generator
        or generator
        or UNKNOWN_GENERATOR,
        prompt=entry.prompt
        if entry is not None and entry.prompt is not None
        else from_masks.prompt,
        split=entry.split if entry is not None and entry.split is not None else from_masks.split,
        source=source,
        subtypes=entry.subtypes if entry is not None else {},
        review=entry.review if entry is not None else None,
    )
