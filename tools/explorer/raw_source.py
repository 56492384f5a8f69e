"""The videos of a raw folder in any layout. Facts in its files are known at once; sizes and masks
are read when they are needed.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...builder.layouts import detect, read_layout
from ...builder.raw import MasksAre, RawError, RawVideo, encode_still, is_still
from ...frames import VideoError, VideoIndex, VideoSource, index_video
from ...masks import ARTIFACT_TYPES
from ..evaluation import AnnotatedVideo, annotated_raw
from .video import ExploreError, Listed, MeasureTask, Shown, ShownObject

KEPT_INDEXES = 64


@dataclass(frozen=True, slots=True)
class _Measure:
    """The task to measure some videos of a raw folder."""

    videos: tuple[RawVideo, ...]

    def read(self) -> Iterator[Shown]:
        for video in self.videos:
            try:
                shown = _shown(video, annotated_raw(video), None)
            except (RawError, VideoError, OSError):
                continue  # said when somebody comes to the video
            yield shown


class RawSource:
    """A raw folder as a `Source`. Problems that its reader reports are in `notices`; all other
    videos are shown.
    """

    kind = "raw folder"
    is_remote = False

    def __init__(
        self, raw: Path, *, void: int | None = None, masks_are: MasksAre | None = None
    ) -> None:
        """
        Args:
            void, masks_are: as in `builder.layouts.read_layout`.

        Raises:
            RawError: no such folder, or no layout that is known.
        """
        self.name = str(raw)
        layout = detect(raw)
        # A layout that names no types asks for one; `_type_of` keeps the stand-in from passing for
        # what somebody said.
        records, problems = read_layout(
            raw, layout=layout, artifact_type=ARTIFACT_TYPES[0], void=void, masks_are=masks_are
        )
        self.notices = [f"{raw}: {problem}" for problem in problems]
        self._raw = raw
        self._records = {record.video_id: record for record in records}
        self.videos: Sequence[Listed] = [
            _listed(record) for record in sorted(records, key=lambda r: r.video_id)
        ]
        self._indexes: OrderedDict[str, VideoIndex] = OrderedDict()
        self._lock = threading.Lock()

    def measure_tasks(self) -> list[MeasureTask]:
        return [_Measure(tuple(self._records.values()))]

    def near_duplicates(self) -> None:
        return None  # perceptual hashes are made when a release is built

    def show(self, video_id: str) -> Shown:
        record = self._record(video_id)
        try:
            return _shown(record, annotated_raw(record), self._index(record))
        except (RawError, VideoError, OSError) as error:
            raise ExploreError(f"video {video_id} cannot be read: {error}") from error

    def video(self, video_id: str) -> tuple[VideoSource, VideoIndex]:
        record = self._record(video_id)
        try:
            return _content(record), self._index(record)
        except (VideoError, OSError) as error:
            raise ExploreError(f"video {video_id} cannot be read: {error}") from error

    def verify(self, video_id: str) -> list[str]:
        from ...builder import verify_raw

        return verify_raw(self._record(video_id), layout=detect(self._raw))

    def python(self, video_id: str) -> str:
        return (
            "from pathlib import Path\n"
            "from brokenvideos.tools.evaluation import read_annotation\n\n"
            f'parts = read_annotation(Path("{self._raw.resolve()}")).parts\n'
            "video = next(video for part in parts for video in part.read() if video.video_id == "
            f'"{video_id}")\n'
            "masks = video.union()  # COCO RLE by frame, 1 = artifact\n"
        )

    def _record(self, video_id: str) -> RawVideo:
        if video_id not in self._records:
            raise ExploreError(f"{self.name}: no video {video_id}")
        return self._records[video_id]

    def _index(self, record: RawVideo) -> VideoIndex:
        with self._lock:
            if record.video_id not in self._indexes:
                self._indexes[record.video_id] = index_video(_content(record))
                if len(self._indexes) > KEPT_INDEXES:
                    self._indexes.popitem(last=False)
            self._indexes.move_to_end(record.video_id)
            return self._indexes[record.video_id]


def _content(record: RawVideo) -> bytes | Path:
    """The file of a video. For an image: the bytes of the one-frame video that a build makes from
    it.
    """
    return encode_still(record.video_path) if is_still(record.video_path) else record.video_path


def _type_of(record: RawVideo, object_id: int) -> str | None:
    entry = record.objects.get(object_id) if record.objects is not None else None
    return entry if entry in ARTIFACT_TYPES else None


def _listed(record: RawVideo) -> Listed:
    objects = record.objects
    types = None if objects is None else {_type_of(record, object_id) for object_id in objects}
    return Listed(
        video_id=record.video_id,
        split=record.split,
        label=record.label or (None if objects is None else "broken" if objects else "normal"),
        artifact_types=None
        if types is None or None in types
        else tuple(sorted(map(str, types), key=ARTIFACT_TYPES.index)),
        generator=record.generator,
        prompt=record.prompt,
        num_objects=None if objects is None else len(objects),
    )


def _shown(record: RawVideo, annotated: AnnotatedVideo, index: VideoIndex | None) -> Shown:
    ids, frames, counts = [], [], []
    for masklet in annotated.masklets:
        for frame, string in sorted(masklet.counts.items()):
            ids.append(masklet.object_id)
            frames.append(frame)
            counts.append(string)
    listed = _listed(record)
    times: tuple[float, ...] = ()
    num_frames, annotated_frames = annotated.num_frames, annotated.frames
    if index is not None:
        num_frames = index.num_frames
        seconds = (index.frame_pts - index.frame_pts[0]).astype(np.float64) * float(index.time_base)
        times = tuple(seconds.tolist())
        if record.annotated_frames is None:
            annotated_frames = tuple(range(num_frames))
    return Shown(
        listed=listed,
        height=annotated.height,
        width=annotated.width,
        num_frames=num_frames,
        rotation=0 if annotated.orientation is None else annotated.orientation.rotation,
        times_s=times,
        annotated_frames=annotated_frames,
        objects=tuple(
            ShownObject(
                m.object_id, _type_of(record, m.object_id), record.subtypes.get(m.object_id), None
            )
            for m in annotated.masklets
        ),
        object_ids=ids,
        frame_indices=frames,
        counts=counts,
        facts={
            "video": str(record.video_path),
            **({"review": record.review} if record.review else {}),
            **record.source,
        },
    )
