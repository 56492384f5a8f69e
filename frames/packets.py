"""Finds the place of each coded frame of a video in its bytes, by demuxing only."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.index import IndexEntries
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from .bitstream import packet_flags
from .container import MAX_FRAME_PIXELS, REMUX, opened, where
from .ends import missing_end
from .file_bytes import FileBytes, opened_bytes
from .index import Int64Array, Packets, VideoError

# Codecs whose frames were found equal to those of a decode from the first frame, whatever frame is
# read first, and the decoder for each: FFmpeg's decoder named "av1" only drives hardware.
DECODERS = {"h264": "h264", "hevc": "hevc", "vp9": "vp9", "av1": "libdav1d", "mpeg4": "mpeg4"}
# Side data that changes how the packets after it are decoded, which a packet cut out of the file
# does not bring along.
_STATEFUL_SIDE_DATA = frozenset(
    {"new_extradata", "param_change", "palette", "encryption_info", "encryption_init_info"}
)


@dataclass(frozen=True, slots=True)
class Demuxed:
    """The container's facts about its video stream."""

    frame_pts: Int64Array
    time_base: Fraction
    rate: Fraction | None
    packets: Packets | None
    codec_name: str
    extradata: bytes


@dataclass(frozen=True, slots=True)
class _Listed:
    """The facts of a packet. The payload is not kept, because all payloads together are as large as
    the video.

    is_plain: the payload is in the file's bytes unchanged, and its side data does not change how
    other packets are decoded.
    """

    pts: int | None
    offset: int | None
    size: int
    is_shown: bool
    is_corrupt: bool
    is_plain: bool


def demux_index(video: bytes | Path) -> tuple[Int64Array, Packets | None]:
    """(frame_pts, packets) as `index_video` gives them, without decoding the video.

    Raises:
        VideoError: as `index_video`, for problems that can be seen without decoding.
    """
    demuxed = demux(video)
    return demuxed.frame_pts, demuxed.packets


def demux(video: bytes | Path) -> Demuxed:
    """One pass over the packets of the video stream; only its first packet is decoded, to compare
    decoders.
    """
    packets: list[_Listed] = []
    first: Packet[VideoStream] | None = None
    with opened_bytes(video) as data, opened(video) as (container, stream):
        context = stream.codec_context
        codec_name, extradata = context.codec.canonical_name, context.extradata or b""
        time_base, rate = stream.time_base, stream.average_rate
        try:
            for packet in container.demux(stream):
                if packet.size:
                    first = packet if first is None else first
                    packets.append(_listed(packet, data, codec_name))
        except av.FFmpegError as error:
            _check_end(packets, data, video, entries=stream.index_entries)
            raise VideoError(
                f"{where(video)} packet {len(packets)}: cannot be read ({error.strerror}). Copy "
                "the video again from its source."
            ) from error
        _check_end(packets, data, video, entries=stream.index_entries)
        alike = first is not None and _bare_decoder_agrees(
            context, first, codec_name=codec_name, extradata=extradata
        )
        index = (
            _packets(packets, data, codec_name=codec_name, extradata=extradata) if alike else None
        )
    if time_base is None or not packets:
        raise VideoError(
            f"{where(video)}: the video stream holds no packets. Copy it again from its source or "
            "leave it out."
        )
    return Demuxed(
        frame_pts=_frame_pts([packet.pts for packet in packets if packet.is_shown], video),
        time_base=time_base,
        rate=rate,
        packets=index,
        codec_name=codec_name,
        extradata=extradata,
    )


def bare_decoder(
    codec_name: str, extradata: bytes, *, threads: int = 1
) -> VideoCodecContext | None:
    """A decoder without a container; None if this FFmpeg has none for the codec.

    It refuses frames of more than MAX_FRAME_PIXELS before it allocates memory, as `opened` does.
    """
    try:
        context = av.CodecContext.create(DECODERS.get(codec_name, ""), "r")
    except ValueError:
        return None
    if not isinstance(context, VideoCodecContext):
        return None
    context.options = {"max_pixels": str(MAX_FRAME_PIXELS)}
    context.thread_count = threads
    if threads > 1:
        context.thread_type = "AUTO"
    if extradata:
        context.extradata = extradata
    return context


def bare_packet(payload: bytes | memoryview, pts: int) -> "Packet[VideoStream]":
    packet: Packet[VideoStream] = Packet(payload)  # type: ignore[arg-type, assignment]
    packet.pts = pts
    return packet


def _listed(packet: "Packet[VideoStream]", data: bytes | FileBytes, codec_name: str) -> _Listed:
    payload, offset = bytes(packet), packet.pos
    is_found = offset is not None and data[offset : offset + packet.size] == payload
    # VP8 alternate reference frames are packets of their own with show_frame = 0 (RFC 6386, section
    # 9.1).
    is_hidden = codec_name == "vp8" and not payload[0] & 0x10
    return _Listed(
        pts=packet.pts,
        offset=offset,
        size=packet.size,
        is_shown=not packet.is_discard and not is_hidden,
        is_corrupt=packet.is_corrupt,
        is_plain=is_found
        and not any(s.data_type in _STATEFUL_SIDE_DATA for s in packet.iter_sidedata()),
    )


def _check_end(
    packets: Sequence[_Listed],
    data: bytes | FileBytes,
    video: bytes | Path,
    *,
    entries: IndexEntries,
) -> None:
    """Checks that the file is not cut off.

    Raises:
        VideoError: the file is shorter than its own tables say, or its last packet is not complete.
    """
    missing = missing_end(data)
    if missing is None and (
        beyond := max((entry.pos + entry.size for entry in entries), default=0)
    ) > len(data):
        missing = f"its list of frames reaches to byte {beyond}"
    if missing is None and packets and packets[-1].is_corrupt:
        missing = "its last packet is not whole"
    if missing is not None:
        whole = sum(packet.is_shown and not packet.is_corrupt for packet in packets)
        raise VideoError(
            f"{where(video)}: ends at frame {whole}: it has {len(data)} bytes, and {missing}. Copy "
            "it again from its source; if it is cut off there too, re-encode what is left of it."
        )


def _frame_pts(shown: Sequence[int | None], video: bytes | Path) -> Int64Array:
    times = [pts for pts in shown if pts is not None]
    if len(times) < len(shown):
        raise VideoError(
            f"{where(video)}: {len(shown) - len(times)} of {len(shown)} packets have no "
            f"presentation time. {REMUX}"
        )
    frame_pts = np.sort(np.asarray(times, dtype=np.int64))
    repeated = np.flatnonzero(np.diff(frame_pts) == 0)
    if len(repeated):
        raise VideoError(
            f"{where(video)} frame {repeated[0] + 1}: presentation time {frame_pts[repeated[0]]} "
            f"is that of the frame before too, every frame needs its own. {REMUX}"
        )
    return frame_pts


def _packets(
    packets: Sequence[_Listed], data: bytes | FileBytes, *, codec_name: str, extradata: bytes
) -> Packets | None:
    """The packets; None unless every packet is in the file's bytes, has its own presentation time,
    and the codec is supported.
    """
    times = [packet.pts for packet in packets if packet.pts is not None]
    offsets = [packet.offset for packet in packets if packet.offset is not None]
    sizes = [packet.size for packet in packets]
    if len(set(times)) < len(packets) or not all(packet.is_plain for packet in packets):
        return None
    pts = np.asarray(times, dtype=np.int64)
    payloads = (data[offset : offset + size] for offset, size in zip(offsets, sizes, strict=True))
    flags = packet_flags(payloads, codec_name=codec_name, extradata=extradata)
    if flags is None:
        return None
    keyframe, reference = flags
    # A start is exact for all frames from its time on only if none of them was sent before it.
    keyframe[1:] &= pts[1:] > np.maximum.accumulate(pts)[:-1]
    # Starting at the first packet is what a player does.
    keyframe[0] = True
    return Packets(
        pts=pts,
        offset=np.asarray(offsets, dtype=np.int64),
        size=np.asarray(sizes, dtype=np.int32),
        keyframe=keyframe,
        reference=reference,
    )


def _bare_decoder_agrees(
    context: VideoCodecContext, first: "Packet[VideoStream]", *, codec_name: str, extradata: bytes
) -> bool:
    """Whether size, pixel format and colour are the same without what the container adds, such as
    an mp4's colr box.
    """
    bare = bare_decoder(codec_name, extradata)
    if bare is None or first.pts is None:
        return False
    try:
        context.decode(first)
        context.decode(None)
        bare.decode(bare_packet(bytes(first), first.pts))
        bare.decode(None)
    except av.FFmpegError:
        return False
    return _picture(context) == _picture(bare)


def _picture(context: VideoCodecContext) -> tuple[object, ...]:
    return (context.width, context.height, context.pix_fmt, context.colorspace, context.color_range)
