"""The answers to the page, without HTTP: the list, measured numbers, one video, its frames. Use it
from one event loop.
"""

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...release import __version__
from ..page import FrameQueue, Pictures
from .measure import MEASURED_FIELDS, TIME_BINS, frame_areas
from .measuring import Measuring
from .posters import Posters
from .video import ExploreError, Listed, Shown, Source, as_json

if TYPE_CHECKING:
    from ..page import FrameRequest
    from .others import Other

OPEN_VIDEOS = 3
"""Whose decoded frames are kept."""
LISTED_FIELDS = (
    *("video_id", "split", "label", "artifact_types", "generator", "prompt"),
    *("height", "width", "num_frames", "fps", "num_objects"),
)


def listed_json(
    source: Source, others: Sequence["Other"], videos: Sequence[Listed] | None = None
) -> dict[str, Any]:
    """The list of videos (None: all of the source), one column per field, and everything else that
    the page shows at once.
    """
    videos = source.videos if videos is None else videos
    return {
        "name": source.name,
        "kind": source.kind,
        "remote": source.is_remote,
        "version": __version__,
        "notices": [*source.notices, *(notice for other in others for notice in other.notices)],
        "others": [{"name": other.name, "kind": other.kind} for other in others],
        "measured_fields": list(MEASURED_FIELDS),
        "time_bins": TIME_BINS,
        "columns": {name: [getattr(video, name) for video in videos] for name in LISTED_FIELDS},
    }


def video_json(source: Source, video_id: str, others: Sequence["Other"]) -> dict[str, Any]:
    """One video with its masks, the marked pixels of each frame, the scores of the other sources
    that have it, and the Python code that loads it.

    Raises:
        ExploreError, RLEError: it cannot be read.
    """
    shown = source.show(video_id)
    return shown_json(shown, source, others, areas=frame_areas(shown))


def shown_json(
    shown: Shown, source: Source, others: Sequence["Other"], *, areas: Mapping[int, int]
) -> dict[str, Any]:
    """As `video_json`, of a video that is read, with the marked pixels of its frames."""
    video_id = shown.listed.video_id
    return {
        **as_json(shown),
        "areas": list(map(list, areas.items())),
        "others": [number for number, other in enumerate(others) if video_id in other.videos],
        "python": source.python(video_id),
    }


class Service:
    """One source that is shown to people."""

    def __init__(self, source: Source, others: Sequence["Other"]) -> None:
        self.source = source
        self.others = others
        self.measuring = Measuring(source, others)
        self.posters = Posters(source)
        self._ids = frozenset(video.video_id for video in source.videos)
        self._frames = FrameQueue()
        self._pictures: OrderedDict[str, Pictures] = OrderedDict()
        self._opening = threading.Lock()

    def measured(self, first: int) -> dict[str, Any]:
        """The videos measured from number `first` on. Measuring starts with the first page that
        asks for it; if it needs a download, only when a person asks for it.

        Measuring begins with the first page that asks; where it costs a download, only when
        somebody wants it.
        """
        if not self.source.is_remote:
            self.measuring.start()
        return self.measuring.since(first)

    def stop(self) -> None:
        """Ends all work in the background."""
        self.measuring.stop()
        self.posters.close()
        self._frames.close()

    def known(self, video_id: str) -> str:
        """Checks a video_id and returns it.

        Raises:
            ExploreError: no such video.
        """
        if video_id not in self._ids:
            raise ExploreError(f"{self.source.name}: no video {video_id}")
        return video_id

    async def video(self, video_id: str) -> dict[str, Any]:
        """One video with its masks."""
        return await asyncio.to_thread(self._video, self.known(video_id))

    def _video(self, video_id: str) -> dict[str, Any]:
        return video_json(self.source, video_id, self.others)

    async def compared(self, video_id: str, number: int) -> dict[str, Any]:
        """The masks of another source in a video, compared with those of the source.

        Raises:
            ExploreError: there is no such other source, or it does not have the video.
        """
        if (
            not 0 <= number < len(self.others)
            or self.known(video_id) not in self.others[number].videos
        ):
            raise ExploreError(f"video {video_id}: nothing else was given that has it")
        return await asyncio.to_thread(self._compared, video_id, self.others[number])

    def _compared(self, video_id: str, other: "Other") -> dict[str, Any]:
        from .others import compared, compared_json

        comparison = compared(self.source.show(video_id), other)
        if comparison is None:
            raise ExploreError(f"video {video_id}: {other.name} does not have it")
        return compared_json(comparison)

    async def verify(self, video_id: str) -> list[str]:
        """The problems of a video."""
        return await asyncio.to_thread(self.source.verify, self.known(video_id))

    async def frame(
        self, video_id: str, page: str, asked: "FrameRequest"
    ) -> tuple[bytes, int, float]:
        """A frame as a picture file, its presentation time in ticks, and in seconds from the first
        frame.

        Args:
            page: who asks; a frame that the same page wants later goes first.

        Raises:
            ExploreError: no such video or frame. VideoError, OSError: it cannot be read.
                SupersededError: a newer one is wanted.
        """
        pictures = await asyncio.to_thread(self._pictures_of, self.known(video_id))
        if asked.frame_index >= len(pictures):
            raise ExploreError(
                f"video {video_id}: no frame {asked.frame_index}, the last is {len(pictures) - 1}"
            )
        content = await self._frames.get(
            video_id,
            page,
            asked.lane,
            lambda: pictures.file(asked.frame_index, asked.kind, height=asked.height),
        )
        pts = int(pictures.index.frame_pts[asked.frame_index])
        first = int(pictures.index.frame_pts[0])
        return content, pts, float((pts - first) * pictures.index.time_base)

    def _pictures_of(self, video_id: str) -> Pictures:
        with self._opening:
            pictures = self._pictures.get(video_id)
            if pictures is None:
                pictures = self._pictures[video_id] = Pictures(*self.source.video(video_id))
                if len(self._pictures) > OPEN_VIDEOS:
                    self._pictures.popitem(last=False)[1].close()
            self._pictures.move_to_end(video_id)
            return pictures
