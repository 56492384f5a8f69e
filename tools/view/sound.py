"""Copies the sound tracks of one video into another."""

import io
import os
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import av
from av.error import FFmpegError


def add_sound(film: Path, video: bytes) -> None:
    """Copies the sound tracks of `video` into the file `film`, without coding them again. A track
    that the film's container cannot hold is left out.

    The film is replaced completely or not changed.
    """
    partial = film.with_name(f".{film.stem}.sound{film.suffix}")
    try:
        with (
            av.open(io.BytesIO(video), "r") as source,
            av.open(str(film), "r") as pictures,
            av.open(str(partial), "w") as out,
        ):
            if not source.streams.audio:
                return
            shown = pictures.streams.video[0]
            tracks: dict[Any, Any] = {shown: out.add_stream_from_template(shown)}
            for track in source.streams.audio:
                try:
                    tracks[track] = out.add_stream_from_template(track)
                except (ValueError, FFmpegError):
                    continue
            heard: list[Any] = [track for track in source.streams.audio if track in tracks]
            packets: Iterator[Any] = chain(
                pictures.demux(shown), source.demux(heard) if heard else ()
            )
            for packet in packets:
                if packet.dts is not None:
                    packet.stream = tracks[packet.stream]
                    out.mux(packet)
        os.replace(partial, film)
    except FFmpegError:
        return  # a film without sound is better than none
    finally:
        partial.unlink(missing_ok=True)
