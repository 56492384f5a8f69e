"""Videos, masks and videos.jsonl of a layout that is not ours, joined by video_id into records."""

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
    """The masks of a video that has none."""

    def read(self) -> Iterator[FrameLabels]:
        """No frame."""
        return iter(())


@dataclass(frozen=True, slots=True)
class FoundMasks:
    """Where a layout keeps the masks of one video. `source` is None when they cannot be read; a problem says why."""

    where: str
    source: MaskSource | None
    annotated_frames: Sequence[int] | None
    """Frames that were looked at, as far as the masks tell; None: all. An entry of videos.jsonl goes first."""
    annotator: str | None = None
    """Goes into the row's source unless videos.jsonl names one."""
    objects: Mapping[int, str | None] | None = None
    """object_id → artifact type name, as far as the masks tell; None: they do not. An entry of videos.jsonl goes first."""
    generator: str | None = None
    prompt: str | None = None
    split: str | None = None
    notes: str | None = None
    """These four go into the row unless videos.jsonl gives them."""


def objects_of_labels(labels: Mapping[int, str], artifact_type: str | None) -> Mapping[int, str | None] | None:
    """object_id → artifact type name, from the label that each object has in its layout; a label that is no type gets
    `artifact_type`. None when that is None and would be needed."""
    types = {object_id: label if label in ARTIFACT_TYPES else artifact_type for object_id, label in labels.items()}
    known = {object_id: name for object_id, name in types.items() if name is not None}
    return known if len(known) == len(types) else None


def missing_video(video_id: str) -> str:
    """What to say of masks or a line whose video is not there."""
    return f"no video videos/{video_id}.mp4 (or {SUFFIX_LIST.removeprefix('.mp4, ')}); add it, or take this out"


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
    """Records of the videos that have all they need, by video_id, and a problem for every one that has not.

    Args:
        videos, masks: what was found, by video_id.
        masks_wanted: where masks of a video are expected, with `{video_id}` in it, for messages.
        artifact_type: of every object of the videos for which videos.jsonl gives no `objects`.
        generator: of the videos for which neither videos.jsonl nor the masks give one.
        missing: what to say of a video_id without a video.
        unread: whether a file that holds masks of several videos has a problem, from which it may follow that a video has none.
    """
    entries, problems = read_videos_jsonl(raw / FILE_NAME, required=())
    records: list[RawVideo] = []
    untyped: list[Path] = []
    for video_id in sorted({*videos, *masks, *entries}):
        entry, found, path = entries.get(video_id), masks.get(video_id), videos.get(video_id)
        if path is None:
            where = f"{FILE_NAME} line {entry.line}" if entry is not None else masks[video_id].where
            problems.append(Problem(where, missing(video_id)))
            continue
        if entry is not None and not entry.sound:
            continue  # its faults are listed; what else it lacks may follow from them
        if unread if found is None else found.source is None:
            continue  # as are those of its masks
        normal = entry is not None and entry.label == "normal"
        if found is None and not normal:
            wanted = masks_wanted.format(video_id=video_id)
            what = f'no masks; wanted {wanted}: add them, or say label "normal" in {FILE_NAME} if nothing is marked'
            problems.append(Problem(path.relative_to(raw).as_posix(), what))
            continue
        has_types = (entry is not None and entry.objects is not None) or (
            found is not None and found.objects is not None
        )
        if artifact_type is None and not normal and not has_types:
            untyped.append(path)
        else:
            records.append(_record(video_id, path, entry, found, artifact_type=artifact_type, generator=generator))
    if untyped:
        more = f" (and {len(untyped) - 1} more)" if len(untyped) > 1 else ""
        names = f"{', '.join(ARTIFACT_TYPES)} or {NOT_GIVEN}"
        what = f"no artifact type; give --artifact-type (of all objects: {names}) or objects in {FILE_NAME}"
        problems.append(Problem(f"{untyped[0].relative_to(raw).as_posix()}{more}", what))
    if not videos and not masks and not problems:
        problems.append(Problem(".", f"no video found; wanted {SUFFIX_LIST} files in videos/"))
    return records, problems


def _record(
    video_id: str,
    path: Path,
    entry: VideoEntry | None,
    found: FoundMasks | None,
    *,
    artifact_type: str | None,
    generator: str | None,
) -> RawVideo:
    objects = entry.objects if entry is not None else None
    if objects is None and found is not None:
        objects = found.objects
    if objects is None and artifact_type is None:
        objects = {}  # only a video of the label "normal" comes here: a mark in it is then of an unknown object
    annotated_frames = entry.annotated_frames if entry is not None else None
    if annotated_frames is None and found is not None:
        annotated_frames = found.annotated_frames
    source = dict(entry.source) if entry is not None else {}
    said = found or FoundMasks("", None, None)
    if said.annotator is not None:
        source.setdefault("annotator", said.annotator)
    notes = [source.get("notes", said.notes), still_note(path) if is_still(path) else None]
    if any(notes):
        source["notes"] = "; ".join(filter(None, notes))
    return RawVideo(
        video_id=video_id,
        video_path=path,
        masks=found.source if found is not None and found.source is not None else NothingMarked(),
        objects=objects,
        default_artifact_type=artifact_type if objects is None else None,
        annotated_frames=annotated_frames,
        label=entry.label if entry is not None else None,
        generator=(entry.generator if entry is not None else None) or said.generator or generator or UNKNOWN_GENERATOR,
        prompt=entry.prompt if entry is not None and entry.prompt is not None else said.prompt,
        split=entry.split if entry is not None and entry.split is not None else said.split,
        source=source,
        subtypes=entry.subtypes if entry is not None else {},
        review=entry.review if entry is not None else None,
    )
