"""Reads from the coded frames where decoding may start, and which frames others need.

A container has its own flags for this, but they can be wrong: an mp4 without a sync sample table
marks every frame as a keyframe. They are not used.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .index import BoolArray


@dataclass(frozen=True, slots=True)
class _CodedFrame:
    """The properties of one packet.

    starts: a decoder that starts here, with the current parameters, gives this frame and all later
    ones exactly. reference: other frames may need it.
    parameters: it carries parameters for decoding the packets after it.
    """

    starts: bool
    reference: bool
    parameters: bool
    temporal_id: int = 0


_Reader = Callable[[bytes], _CodedFrame | None]
"""Reads one packet; None if this code does not know how it is stored."""


def packet_flags(
    payloads: Iterable[bytes], *, codec_name: str, extradata: bytes
) -> tuple[BoolArray, BoolArray] | None:
    """(keyframe, reference) of packets in decode order; None if the codec, or the way its packets
    are stored, is not supported.
    """
    of_codec = _CODECS.get(codec_name)
    read = of_codec(extradata) if of_codec else None
    if read is None:
        return None
    coded: list[_CodedFrame] = []
    is_old_x264 = False
    for payload in payloads:
        frame = read(payload)
        if frame is None:
            return None
        is_old_x264 = is_old_x264 or (
            not coded and _is_old_x264_444(codec_name, payload, extradata)
        )
        coded.append(frame)
    highest = max(frame.temporal_id for frame in coded)
    reference = np.asarray(
        [frame.reference or frame.temporal_id < highest for frame in coded], dtype=np.bool_
    )
    starts = np.asarray([frame.starts for frame in coded], dtype=np.bool_)
    if is_old_x264:
        starts[:] = False
    return starts & _self_contained(coded, needs_parameters=codec_name == "av1"), reference


def _self_contained(coded: Sequence[_CodedFrame], *, needs_parameters: bool) -> BoolArray:
    """Which frames can be decoded with only their own content and the extradata, without earlier
    packets.

    Args:
        needs_parameters: True if the extradata alone is not enough for the decoder.
    """
    carries = np.asarray([frame.parameters for frame in coded], dtype=np.bool_)
    starts = np.asarray([frame.starts for frame in coded], dtype=np.bool_)
    if (carries & ~starts).any():
        return np.zeros(len(coded), dtype=np.bool_)
    return carries if needs_parameters or carries.any() else ~carries


# --- H.264, HEVC ----------------------------------------------------------------------------------


def _nal_reader(
    length_size_at: int, of_units: Callable[[Sequence[tuple[int, int]]], _CodedFrame | None]
) -> Callable[[bytes], _Reader | None]:
    """A reader of NAL units.

    Args:
        length_size_at: byte of the extradata that says how long a unit's length is (ISO/IEC
            14496-15, avcC and hvcC).
        of_units: reads the units' first two bytes.
    """

    def of_codec(extradata: bytes) -> _Reader | None:
        # Version 1 of the decoder configuration record; anything else has start codes between its
        # units instead of lengths.
        if len(extradata) <= length_size_at or extradata[0] != 1:
            return None
        length_bytes = (extradata[length_size_at] & 3) + 1

        def read(payload: bytes) -> _CodedFrame | None:
            units = _nal_headers(payload, length_bytes=length_bytes)
            return None if units is None else of_units(units)

        return read

    return of_codec


def _nal_headers(payload: bytes, *, length_bytes: int) -> list[tuple[int, int]] | None:
    """The first two bytes of each NAL unit; None if the payload is not a sequence of units, each
    after its length.
    """
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
        # Only an instantaneous refresh: at other key frames decoding recovers, at once or later,
        # while older frames stay in use.
        starts=all(first & 31 == 5 for first in slices),
        reference=any(first >> 5 & 3 for first in slices),
        parameters=any(first & 31 in (7, 8, 13, 15) for first, _ in units),
    )


def _is_old_x264_444(codec_name: str, first: bytes, extradata: bytes) -> bool:
    """FFmpeg repairs a bug of x264 before build 151 in 4:4:4 video (profile 244) if it has seen the
    note in the first packet.
    """
    build = re.search(rb"x264 - core (\d+)", first) if codec_name == "h264" else None
    return build is not None and int(build[1]) < 151 and extradata[1] == 244


def _hevc_frame(units: Sequence[tuple[int, int]]) -> _CodedFrame | None:
    """Source: ITU-T H.265, table 7-1: 16..21 are random access points; even types up to 14 are
    sub-layer non-reference.
    """
    if any((first & 1) << 5 | second >> 3 for first, second in units):
        return None
    slices = [
        (first >> 1 & 63, (second & 7) - 1) for first, second in units if first >> 1 & 63 < 32
    ]
    if not slices:
        return None
    return _CodedFrame(
        starts=all(16 <= kind <= 21 for kind, _ in slices),
        reference=not all(kind <= 14 and kind % 2 == 0 for kind, _ in slices),
        parameters=any(32 <= first >> 1 & 63 <= 34 for first, _ in units),
        temporal_id=max(temporal_id for _, temporal_id in slices),
    )


# --- MPEG-4 Part 2 --------------------------------------------------------------------------------

_START_CODE = re.compile(rb"\x00\x00\x01(.)(.?)", re.DOTALL)
_VOP = 0xB6


def _mpeg4_reader(extradata: bytes) -> _Reader | None:
    # FFmpeg's decoder chooses its inverse transform by the encoder's name, which may be in the
    # first packet only. So other encoders than FFmpeg's are not supported.
    return _mpeg4_frame if b"Lavc" in extradata else None


def _mpeg4_frame(payload: bytes) -> _CodedFrame | None:
    """Every frame counts as a reference, B-VOPs too.

    Source: ISO/IEC 14496-2, table 6-3 (start codes), 6.2.5 (vop_coding_type, 0 is intra), 6.2.3
    (video object layers 0x20..0x2F).
    """
    codes = [(code[0], value[0] if value else 0) for code, value in _START_CODE.findall(payload)]
    vops = [value >> 6 for code, value in codes if code == _VOP]
    if len(vops) != 1:  # none, or several in one packet, as in AVI files with packed B-frames
        return None
    user_data = 0xB2  # the encoder's name, by which FFmpeg's decoder chooses its inverse transform
    return _CodedFrame(
        starts=vops[0] == 0,
        reference=True,
        parameters=any(0x20 <= code <= 0x2F or code == user_data for code, _ in codes),
    )


# --- VP9, AV1 -------------------------------------------------------------------------------------


def _vp9_frame(payload: bytes) -> _CodedFrame | None:
    """The properties of the first frame of a superframe. If it is a keyframe, the others cannot
    refer to anything before it.

    Source: VP9 bitstream specification, 6.2 and 7.2: frame_marker 2, profile, show_existing_frame,
    frame_type (0 is a key frame), and 8.4.2: a key frame resets every probability and reference.
    """
    if not payload or payload[0] >> 6 != 2:
        return None
    profile = (payload[0] >> 5 & 1) | (payload[0] >> 4 & 1) << 1
    after = payload[0] << (1 if profile == 3 else 0)  # one reserved bit
    shows_existing, is_inter = after >> 3 & 1, after >> 2 & 1
    return _CodedFrame(starts=not shows_existing and not is_inter, reference=True, parameters=False)


_SEQUENCE_HEADER, _FRAME_HEADER, _FRAME = 1, 3, 6


def _av1_reader(extradata: bytes) -> _Reader | None:
    reduced = False
    # ISO media binding of AV1, av1C: four bytes, then configOBUs
    for kind, content in _obus(extradata[4:]):
        if kind == _SEQUENCE_HEADER:
            reduced = _is_reduced(content)

    def read(payload: bytes) -> _CodedFrame | None:
        is_reduced, parameters, starts = reduced, False, None
        for kind, content in _obus(payload):
            if kind == _SEQUENCE_HEADER:
                is_reduced, parameters = _is_reduced(content), True
            elif kind in (_FRAME_HEADER, _FRAME) and starts is None:
                # show_existing_frame 0, frame_type 00 (key), show_frame 1: only a key frame that is
                # shown resets every reference.
                starts = is_reduced or (bool(content) and content[0] >> 4 == 0b0001)
        return (
            None
            if starts is None
            else _CodedFrame(starts=starts, reference=True, parameters=parameters and starts)
        )

    return read


def _is_reduced(sequence_header: bytes) -> bool:
    """reduced_still_picture_header, after seq_profile and still_picture (AV1 specification, 5.5.1):
    all frames are key frames.
    """
    return bool(sequence_header) and bool(sequence_header[0] >> 3 & 1)


def _obus(payload: bytes) -> Iterator[tuple[int, bytes]]:
    """(type, the first content bytes) of the open bitstream units of a temporal unit; ends where
    they end.

    Source: AV1 specification, 5.3.1, 5.3.2 and 4.10.5 (leb128).
    """
    position = 0
    while position < len(payload):
        header = payload[position]
        position += 2 if header & 4 else 1
        size = len(payload) - position
        if header & 2:
            size = shift = 0
            while position < len(payload) and shift < 56:
                byte = payload[position]
                size |= (byte & 127) << shift
                position, shift = position + 1, shift + 7
                if byte < 128:
                    break
        yield header >> 3 & 15, payload[position : position + min(size, 1)]
        position += max(size, 0)


_CODECS: Mapping[str, Callable[[bytes], _Reader | None]] = {
    "h264": _nal_reader(4, _h264_frame),
    "hevc": _nal_reader(21, _hevc_frame),
    "mpeg4": _mpeg4_reader,
    "vp9": lambda extradata: _vp9_frame,
    "av1": _av1_reader,
}
"""By codec, the function that makes a packet reader from the extradata; None if this code does not
know how packets are stored.
"""
