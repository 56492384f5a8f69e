"""Frames of one video by index, as pixels and as picture files. Our own reader decodes them; the
last ones are kept.
"""

import io
import threading
from collections import OrderedDict
from collections.abc import Generator
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from ...frames import VideoIndex, VideoSource, frames_from

UInt8Array = npt.NDArray[np.uint8]
PictureFormat = Literal["jpg", "png"]

PIXEL_BYTES = 32 * 2**20
"""Bytes of decoded frames that are kept per video: 12 frames of 720p. At least MIN_FRAMES are kept,
of any size.
"""
PICTURE_BYTES = 24 * 2**20
"""Bytes of JPEGs that are kept per video: about 100 frames of 720p."""
MIN_FRAMES = 3
SKIP_FRAMES = 12
"""Largest distance of a frame ahead that is reached by decoding on. A new start at a keyframe costs
about as much.
"""
STEPS_BACK = 16
"""Number of earlier frames that are kept after a new start: a person who goes back one frame often
goes further back.
"""
JPEG_QUALITY = 92
PNG_LEVEL = 1


class Pictures:
    """The frames of one video. May be called from several threads; only one decodes at a time.

    It fits the interface `Frames` of annotation engines, so that an engine gets exactly the frames
    that people see.
    """

    def __init__(
        self, video: VideoSource, index: VideoIndex, *, pixel_bytes: int = PIXEL_BYTES
    ) -> None:
        """
        Args:
            pixel_bytes: bytes of decoded frames that are kept.
        """
        self.index = index
        self._video = video
        self._lock = threading.Lock()
        self._kept = max(MIN_FRAMES, pixel_bytes // (index.height * index.width * 3))
        # Frames are copied into one block of memory. Separate blocks would fragment the memory when
        # they are freed.
        self._pixels: UInt8Array | None = None
        self._slots: OrderedDict[int, int] = OrderedDict()
        self._files: OrderedDict[tuple[int, int], bytes] = OrderedDict()
        self._files_bytes = 0
        self._coming: Generator[tuple[int, UInt8Array], None, None] | None = None
        self._next = 0
        self._last_asked = -1

    @property
    def height(self) -> int:
        return self.index.height

    @property
    def width(self) -> int:
        return self.index.width

    def __len__(self) -> int:
        return self.index.num_frames

    def __getitem__(self, frame_index: int, /) -> UInt8Array:
        """The frame, RGB uint8[H, W, 3].

        Raises:
            IndexError: no such frame. VideoError: the frame cannot be decoded. OSError: the file
                does not exist any more.
        """
        if not 0 <= frame_index < len(self):
            raise IndexError(frame_index)
        with self._lock:
            return self._frame(frame_index).copy()

    def file(self, frame_index: int, kind: PictureFormat, *, height: int | None = None) -> bytes:
        """The frame as a picture file; a JPEG of quality 92, or a PNG with its exact pixels.

        Args:
            height: height of a smaller JPEG in pixels, with the same aspect ratio.

        Raises:
            The errors of `__getitem__`.
        """
        key = (frame_index, height or 0)
        with self._lock:
            if kind == "jpg" and key in self._files:
                self._files.move_to_end(key)
                return self._files[key]
        image = Image.fromarray(self[frame_index])
        if height is not None and height < image.height:
            image = image.resize(
                (max(1, round(image.width * height / image.height)), height), Image.Resampling.BOX
            )
        stream = io.BytesIO()
        if kind == "png":
            image.save(stream, "PNG", compress_level=PNG_LEVEL)
            return stream.getvalue()
        image.save(stream, "JPEG", quality=JPEG_QUALITY)
        content = stream.getvalue()
        with self._lock:
            self._keep_file(key, content)
        return content

    def close(self) -> None:
        """Frees all kept frames. Later requests decode them again."""
        with self._lock:
            self._pixels = None
            self._slots.clear()
            self._files.clear()
            self._files_bytes = 0
            self._coming = None

    def _keep_file(self, key: tuple[int, int], content: bytes) -> None:
        self._files_bytes += len(content) - len(self._files.get(key, b""))
        self._files[key] = content
        while self._files_bytes > PICTURE_BYTES and len(self._files) > 1:
            self._files_bytes -= len(self._files.popitem(last=False)[1])

    def _frame(self, frame_index: int) -> UInt8Array:
        previous, self._last_asked = self._last_asked, frame_index
        if frame_index in self._slots:
            self._slots.move_to_end(frame_index)
            found: UInt8Array = self._memory()[self._slots[frame_index]]
            return found
        if self._coming is None or not self._next <= frame_index <= self._next + SKIP_FRAMES:
            back = (
                min(STEPS_BACK, self._kept - 1)
                if previous > frame_index >= previous - SKIP_FRAMES
                else 0
            )
            self._next = max(0, frame_index - back)
            if self._coming is not None:
                self._coming.close()
            self._coming = frames_from(self._video, self._next, index=self.index)
        for number, rgb in self._coming:
            self._next = number + 1
            kept = self._keep_frame(number, rgb)
            if number == frame_index:
                return kept
        self._coming = None
        raise IndexError(frame_index)

    def _keep_frame(self, number: int, rgb: UInt8Array) -> UInt8Array:
        memory = self._memory()
        if number not in self._slots:
            full = len(self._slots) == self._kept
            self._slots[number] = self._slots.popitem(last=False)[1] if full else len(self._slots)
        self._slots.move_to_end(number)
        kept: UInt8Array = memory[self._slots[number]]
        kept[:] = rgb
        return kept

    def _memory(self) -> UInt8Array:
        if self._pixels is None:
            self._pixels = np.empty((self._kept, self.index.height, self.index.width, 3), np.uint8)
        return self._pixels
