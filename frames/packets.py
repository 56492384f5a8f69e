"""Where each coded frame of a video lies in its bytes, found by demuxing alone."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from .container import MAX_FRAME_PIXELS, REMUX, opened, read_bytes, where
from .index import BoolArray, Int64Array, Packets, VideoError

# Codecs whose frames were found equal to those of a decode from the first frame, whatever frame is read first, and the decoder
# for each: FFmpeg's decoder named "av1" only drives hardware.
DECODERS = {"h264": "h264", "hevc": "hevc", "vp9": "vp9", "av1": "libdav1d", "mpeg4": "mpeg4"}
# Side data that changes how the packets after it are decoded, which a packet cut out of the file does not bring along.
_STATEFUL_SIDE_DATA = frozenset({"new_extradata", "param_change", "palette", "encryption_info", "encryption_init_info"})


@dataclass(frozen=True, slots=True)
class Demuxed:
    """What the container says of its video stream."""

    frame_pts: Int64Array
    time_base: Fraction
    rate: Fraction | None
    packets: Packets | None
    codec_name: str
    extradata: bytes


@dataclass(frozen=True, slots=True)
class _CodedFrame:
    """What its NAL units say of a coded frame."""

    starts: bool
    reference: bool
    parameter_sets: bool
    temporal_id: int


def demux_index(video: bytes | Path) -> tuple[Int64Array, Packets | None]:
    """(frame_pts, packets) as `index_video` finds them, without decoding the video.

    Raises:
        VideoError: as `index_video`, as far as it shows without decoding.
    """
    demuxed = demux(video)
    return demuxed.frame_pts, demuxed.packets


def demux(video: bytes | Path) -> Demuxed:
    """One pass over the packets of the video stream; only its first packet is decoded, to compare decoders."""
    packets: list[Packet[VideoStream]] = []
    with opened(video) as (container, stream):
        context = stream.codec_context
        codec_name, extradata = context.codec.canonical_name, context.extradata or b""
        time_base, rate = stream.time_base, stream.average_rate
        try:
            packets.extend(packet for packet in container.demux(stream) if packet.size)
        except av.FFmpegError as error:
            raise VideoError(
                f"{where(video)} packet {len(packets)}: cannot be read ({error.strerror}). Copy the video again from its source."
            ) from error
        alike = bool(packets) and _bare_decoder_agrees(context, packets[0], codec_name=codec_name, extradata=extradata)
    if time_base is None or not packets:
        raise VideoError(
            f"{where(video)}: the video stream holds no packets. Copy it again from its source or leave it out."
        )
    shown = [packet for packet in packets if not packet.is_discard and not _is_hidden(packet, codec_name)]
    return Demuxed(
        frame_pts=_frame_pts(shown, video),
        time_base=time_base,
        rate=rate,
        packets=_packets(packets, bytes(read_bytes(video)), codec_name=codec_name, extradata=extradata)
        if alike
        else None,
        codec_name=codec_name,
        extradata=extradata,
    )


def bare_decoder(codec_name: str, extradata: bytes, *, threads: int = 1) -> VideoCodecContext | None:
    """A decoder that knows nothing of a container; None where this FFmpeg has none.

    It refuses frames of more than MAX_FRAME_PIXELS before it makes room for them, as `opened` does.
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


def _frame_pts(shown: Sequence["Packet[VideoStream]"], video: bytes | Path) -> Int64Array:
    times = [packet.pts for packet in shown if packet.pts is not None]
    if len(times) < len(shown):
        raise VideoError(
            f"{where(video)}: {len(shown) - len(times)} of {len(shown)} packets have no presentation time. {REMUX}"
        )
    frame_pts = np.sort(np.asarray(times, dtype=np.int64))
    repeated = np.flatnonzero(np.diff(frame_pts) == 0)
    if len(repeated):
        raise VideoError(
            f"{where(video)} frame {repeated[0] + 1}: presentation time {frame_pts[repeated[0]]} is that of the frame before too, "
            f"every frame needs its own. {REMUX}"
        )
    return frame_pts


def _is_hidden(packet: "Packet[VideoStream]", codec_name: str) -> bool:
    # VP8 alternate reference frames are packets of their own with show_frame = 0 (RFC 6386, section 9.1).
    return codec_name == "vp8" and not bytes(packet)[0] & 0x10


def _packets(
    packets: Sequence["Packet[VideoStream]"], data: bytes, *, codec_name: str, extradata: bytes
) -> Packets | None:
    """None unless every packet is found in the file's bytes under a time of its own and its codec's rules are known here."""
    times = [packet.pts for packet in packets if packet.pts is not None]
    if len(set(times)) < len(packets):
        return None
    if any(data[p.pos : p.pos + p.size] != bytes(p) for p in packets if p.pos is not None):
        return None
    if any(p.pos is None or any(s.data_type in _STATEFUL_SIDE_DATA for s in p.iter_sidedata()) for p in packets):
        return None
    pts = np.asarray(times, dtype=np.int64)
    flags = _flags(packets, codec_name=codec_name, extradata=extradata)
    if flags is None:
        return None
    keyframe, reference = flags
    # A start is exact for all frames from its time on only if none of them was sent before it.
    keyframe[1:] &= pts[1:] > np.maximum.accumulate(pts)[:-1]
    # Starting at the first packet is what a player does.
    keyframe[0] = True
    return Packets(
        pts=pts,
        offset=np.asarray([packet.pos for packet in packets], dtype=np.int64),
        size=np.asarray([packet.size for packet in packets], dtype=np.int32),
        keyframe=keyframe,
        reference=reference,
    )


def _flags(
    packets: Sequence["Packet[VideoStream]"], *, codec_name: str, extradata: bytes
) -> tuple[BoolArray, BoolArray] | None:
    """(keyframe, reference), or None where the codec or this way of storing it is not known to be safe."""
    container_keyframe = np.asarray([packet.is_keyframe for packet in packets], dtype=np.bool_)
    every = np.ones(len(packets), dtype=np.bool_)
    if codec_name in ("vp9", "av1"):
        return container_keyframe, every
    if codec_name == "mpeg4":
        # Other encoders ask FFmpeg's decoder for other inverse transforms by a note that may stand in the first packet only.
        return (container_keyframe, every) if b"Lavc" in extradata else None
    if codec_name not in _NAL_CODECS:
        return None
    length_size_at, coded_frame = _NAL_CODECS[codec_name]
    # Version 1 of the decoder configuration record; anything else has start codes between its units instead of lengths.
    if len(extradata) <= length_size_at or extradata[0] != 1:
        return None
    coded: list[_CodedFrame] = []
    for packet in packets:
        units = _nal_headers(bytes(packet), length_bytes=(extradata[length_size_at] & 3) + 1)
        frame = coded_frame(units) if units is not None else None
        if frame is None:
            return None
        coded.append(frame)
    highest = max(frame.temporal_id for frame in coded)
    reference = np.asarray([frame.reference or frame.temporal_id < highest for frame in coded], dtype=np.bool_)
    starts = np.asarray([frame.starts for frame in coded], dtype=np.bool_)
    return starts & _self_contained(coded, packets[0], extradata), reference


def _self_contained(coded: Sequence[_CodedFrame], first: "Packet[VideoStream]", extradata: bytes) -> BoolArray:
    """Which frames find all that their decoder must know in themselves and the extradata, nothing in packets before."""
    carries = np.asarray([frame.parameter_sets for frame in coded], dtype=np.bool_)
    starts = np.asarray([frame.starts for frame in coded], dtype=np.bool_)
    if (carries & ~starts).any():
        return np.zeros(len(coded), dtype=np.bool_)
    # FFmpeg repairs a bug of x264 before build 151 in 4:4:4 video (profile 244) if it has seen the note in the first packet.
    build = re.search(rb"x264 - core (\d+)", bytes(first))
    if build and int(build[1]) < 151 and extradata[1] == 244:
        return np.zeros(len(coded), dtype=np.bool_)
    return carries if carries.any() else ~carries


def _nal_headers(payload: bytes, *, length_bytes: int) -> list[tuple[int, int]] | None:
    """The first two bytes of each NAL unit; None where the payload is not a chain of units with their lengths before them."""
    headers, position = [], 0
    while position < len(payload):
        start = position + length_bytes
        position = start + int.from_bytes(payload[start - length_bytes : start])
        if position < start + 2 or position > len(payload):
            return None
        headers.append((payload[start], payload[start + 1]))
    return headers


def _h264_frame(units: Sequence[tuple[int, int]]) -> _CodedFrame | None:
    """Source: ITU-T H.264, table 7-1 (nal_unit_type, nal_ref_idc)."""
    slices = [first for first, _ in units if 1 <= first & 31 <= 5]
    if not slices:
        return None
    return _CodedFrame(
        # Only an instantaneous refresh: at other key frames decoding recovers, at once or later, while older frames stay in use.
        starts=all(first & 31 == 5 for first in slices),
        reference=any(first >> 5 & 3 for first in slices),
        parameter_sets=any(first & 31 in (7, 8, 13, 15) for first, _ in units),
        temporal_id=0,
    )


def _hevc_frame(units: Sequence[tuple[int, int]]) -> _CodedFrame | None:
    """Source: ITU-T H.265, table 7-1: 16..21 are random access points; even types up to 14 are sub-layer non-reference."""
    if any((first & 1) << 5 | second >> 3 for first, second in units):
        return None
    slices = [(first >> 1 & 63, (second & 7) - 1) for first, second in units if first >> 1 & 63 < 32]
    if not slices:
        return None
    return _CodedFrame(
        starts=all(16 <= kind <= 21 for kind, _ in slices),
        reference=not all(kind <= 14 and kind % 2 == 0 for kind, _ in slices),
        parameter_sets=any(32 <= first >> 1 & 63 <= 34 for first, _ in units),
        temporal_id=max(temporal_id for _, temporal_id in slices),
    )


# Where the extradata says how long a unit's length is (ISO/IEC 14496-15, avcC and hvcC), and who reads the units.
_NAL_CODECS = {"h264": (4, _h264_frame), "hevc": (21, _hevc_frame)}


def _bare_decoder_agrees(
    context: VideoCodecContext, first: "Packet[VideoStream]", *, codec_name: str, extradata: bytes
) -> bool:
    """Whether size, pixel format and colour are the same without what the container adds, such as an mp4's colr box."""
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
