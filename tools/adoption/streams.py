"""Streams of frames of clips and masks, which are videos or folders of images."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from ...builder.raw import read_still
from ...frames import UPRIGHT, Orientation, VideoError, demux_index, iter_frames, probe, where
from .entries import content_of, contents_in_order, fetched
from .names import Media

UInt8Array = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Stream:
    """One clip or mask, on this machine.

    Attributes:
        video: the bytes or path of a video; None for images.
        num_frames, height, width: of the stored frames, before a player rotates them.
        orientation: the rotation that players apply.
    """

    media: Media
    video: Path | bytes | None
    num_frames: int
    height: int
    width: int
    orientation: Orientation

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.height, self.width

    def frames(self, *, size: tuple[int, int] | None = None) -> Iterator[UInt8Array]:
        """RGB uint8[H, W, 3] of every frame in order, scaled to `size` (height, width) if it is
        given.

        Raises:
            VideoError, RawError: a frame cannot be decoded. AdoptError, ReleaseError: a file cannot
                be read.
        """
        if self.video is not None:
            with _by_its_name(self.video, self.media):
                for _, rgb in iter_frames(self.video, size=size):
                    yield rgb
            return
        for entry, content in zip(
            self.media.entries, contents_in_order(self.media.entries), strict=True
        ):
            image = read_still(content, where=entry.path).convert("RGB")
            if size is not None and (image.height, image.width) != size:
                image = image.resize((size[1], size[0]), Image.Resampling.BILINEAR)
            yield np.asarray(image)


@contextmanager
def _by_its_name(video: Path | bytes, media: Media) -> Iterator[None]:
    """Errors inside this context name a video by its path in the source, not in a cache."""
    try:
        yield
    except VideoError as error:
        raise VideoError(str(error).replace(where(video), media.name)) from error


def open_stream(media: Media) -> Stream:
    """Opens a clip or mask; it is downloaded first if it is on the Hub.

    Raises:
        VideoError, RawError: it cannot be decoded. AdoptError, ReleaseError, OSError: it cannot be
            read.
    """
    if media.is_video:
        video = fetched(media.entries[0])
        with _by_its_name(video, media):
            facts, (frame_pts, _) = probe(video), demux_index(video)
        return Stream(media, video, len(frame_pts), facts.height, facts.width, facts.orientation)
    first = read_still(content_of(media.entries[0]), where=media.entries[0].path)
    return Stream(media, None, len(media.entries), first.height, first.width, UPRIGHT)
