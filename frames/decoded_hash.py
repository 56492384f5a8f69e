"""Encodes a video and computes the SHA-256 of its decoded frames, in hardly more time than the
encoding alone.
"""

import hashlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
import numpy.typing as npt
from av.codec import CodecContext
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext

from .encode import encode_video
from .proof import visible_planes

UInt8Array = npt.NDArray[np.uint8]
_Coded = tuple[bytes, bytes]
"""A coded frame, and the extradata that its decoder needs."""


def encode_hashed(
    path: Path,
    frames: Iterable[UInt8Array],
    *,
    fps: Fraction | int,
    crf: int,
    gop: int = 12,
    b_frames: int = 2,
) -> str:
    """Runs `encode_video`, and returns the value of `index_video(path).frames_sha256` for the file.

    A thread decodes each coded frame while the next one is encoded, so with two free cores the hash
    costs no time.

    Raises:
        VideoError: as `encode_video`. OSError: the file cannot be written.
    """
    coded: SimpleQueue[_Coded | None] = SimpleQueue()
    with ThreadPoolExecutor(1) as pool:
        digest = pool.submit(_decoded_sha256, coded)
        try:
            encode_video(
                path,
                frames,
                fps=fps,
                crf=crf,
                gop=gop,
                b_frames=b_frames,
                on_packet=lambda packet, extradata: coded.put((bytes(packet), extradata)),
            )
        finally:
            coded.put(None)  # also after an error, so that the thread ends
        return digest.result()


def _decoded_sha256(coded: "SimpleQueue[_Coded | None]") -> str:
    sha256 = hashlib.sha256()
    decoder = CodecContext.create("h264", "r")
    if not isinstance(decoder, VideoCodecContext):
        raise TypeError("FFmpeg's h264 is no video codec")
    decoder.thread_count = 1
    while (item := coded.get()) is not None:
        data, extradata = item
        if not decoder.is_open:
            decoder.extradata = extradata
        _add(sha256, decoder, Packet(data))
    if decoder.is_open:
        _add(sha256, decoder, None)
    return sha256.hexdigest()


def _add(sha256: "hashlib._Hash", decoder: VideoCodecContext, packet: "Packet[Any] | None") -> None:
    for frame in decoder.decode(packet):
        for plane in visible_planes(frame):
            sha256.update(plane.tobytes())
