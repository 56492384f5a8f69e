"""Posters: the worst frame of a video with its masks, made when it comes on the screen, the newest
request first.
"""

import asyncio
import io
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from ...frames import orientation_of_rotation, read_frames, to_displayed
from ...masks import BoolArray, Colour, decode, object_colours, overlay
from .measure import frame_areas, marked_most
from .video import Shown, Source

UInt8Array = npt.NDArray[np.uint8]

COMPARED_COLOURS: tuple[Colour, ...] = ((0, 158, 115), (213, 94, 0), (240, 228, 66))
"""Of what both mark, of what only the source marks, of what only the other does; as in colours.js
of tools/page.
"""
LONG_SIDE_PX = 320
JPEG_QUALITY = 80
KEPT_BYTES = 32 * 2**20
"""Of posters: about 2,000."""
THREADS = 2


def worst_frame(shown: Shown) -> int:
    """The frame with the largest marked share; the middle frame if there is no mask."""
    return worst_of(frame_areas(shown), num_frames=shown.num_frames)


def worst_of(areas: Mapping[int, int], *, num_frames: int) -> int:
    """As `worst_frame`, of the marked pixels of each frame that has a mask."""
    worst = marked_most(areas)
    return num_frames // 2 if worst is None else worst


def poster(shown: Shown, frame: UInt8Array, *, frame_index: int) -> bytes:
    """One frame with its masks, upright, as a JPEG whose longer side is LONG_SIDE_PX.

    Args:
        frame: uint8[H, W, 3] RGB.

    Raises:
        RLEError: a mask that is none.
    """
    places = [place for place, other in enumerate(shown.frame_indices) if other == frame_index]
    colours = dict(
        zip(
            [found.object_id for found in shown.objects],
            object_colours([found.artifact_type or "" for found in shown.objects]),
            strict=True,
        )
    )
    masks = decode(
        [shown.counts[place] for place in places], height=shown.height, width=shown.width
    )
    return painted(
        shown, frame, masks.astype(np.bool_), [colours[shown.object_ids[place]] for place in places]
    )


def painted(shown: Shown, frame: UInt8Array, masks: BoolArray, colours: Sequence[Colour]) -> bytes:
    """A frame with masks as a JPEG, in the form of `poster`.

    Args:
        frame: uint8[H, W, 3] RGB.
        masks: bool[K, H, W].
        colours: K colours.
    """
    scale = LONG_SIDE_PX / max(shown.height, shown.width)
    size = (max(1, round(shown.height * scale)), max(1, round(shown.width * scale)))
    picture = overlay(frame, masks, colours, size=size, line_px=2)
    return jpeg(upright(picture, shown.rotation), quality=JPEG_QUALITY)


def upright(rgb: UInt8Array, rotation: int) -> UInt8Array:
    """Turns a picture of the stored frame as players show it."""
    orientation = orientation_of_rotation(rotation)
    return rgb if orientation.is_upright else to_displayed(rgb, orientation)


def jpeg(rgb: UInt8Array, *, quality: int) -> bytes:
    """Encodes a picture as JPEG."""
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, "JPEG", quality=quality)
    return stream.getvalue()


@dataclass(slots=True, eq=False)
class _Request:
    video_id: str
    is_gone: Callable[[], Awaitable[bool]]
    answer: "asyncio.Future[bytes]"


class Posters:
    """Makes posters of a source and keeps the latest ones. Use `get` from the event loop only."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()
        self._requests: list[_Request] = []
        self._working = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="posters")

    async def get(self, video_id: str, is_gone: Callable[[], Awaitable[bool]]) -> bytes:
        """The poster of a video. A request whose page has scrolled on is served last, or not at
        all.

        Args:
            is_gone: whether nobody waits any more.

        Raises:
            ExploreError, VideoError, RLEError: it cannot be made.
        """
        if video_id in self._kept:
            self._kept.move_to_end(video_id)
            return self._kept[video_id]
        request = _Request(video_id, is_gone, asyncio.get_running_loop().create_future())
        self._requests.append(request)
        if self._working < THREADS:
            self._working += 1
            task = asyncio.create_task(self._work())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await request.answer

    def close(self) -> None:
        """Ends the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _work(self) -> None:
        try:
            while self._requests:
                request = self._requests.pop()  # what came on the screen last
                if await request.is_gone():
                    request.answer.set_result(b"")
                    continue
                try:
                    content = await asyncio.get_running_loop().run_in_executor(
                        self._threads, self._make, request.video_id
                    )
                except (ValueError, OSError) as error:
                    if not request.answer.done():
                        request.answer.set_exception(error)
                    continue
                self._keep(request.video_id, content)
                if not request.answer.done():
                    request.answer.set_result(content)
        finally:
            self._working -= 1

    def _make(self, video_id: str) -> bytes:
        shown = self._source.show(video_id)
        video, index = self._source.video(video_id)
        worst = worst_frame(shown)
        return poster(shown, read_frames(video, [worst], index=index)[0], frame_index=worst)

    def _keep(self, video_id: str, content: bytes) -> None:
        self._bytes += len(content) - len(self._kept.get(video_id, b""))
        self._kept[video_id] = content
        while self._bytes > KEPT_BYTES and len(self._kept) > 1:
            self._bytes -= len(self._kept.popitem(last=False)[1])
