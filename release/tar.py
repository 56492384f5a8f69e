"""Reads one tar shard and its rows."""

import base64
import re
import tarfile
from collections.abc import Callable, Generator, Iterator
from functools import partial
from typing import IO, Any

from ..masks import ARTIFACT_TYPES
from .error import ReleaseError
from .features import FEATURES
from .json_text import parse_json
from .row import LABELS, VIDEO_ID, VIDEO_SUFFIXES


def tar_members(file: IO[bytes], *, name: str) -> Iterator[tuple[str, bytes]]:
    """(member name, bytes) of one tar shard in order, read as a stream; nothing is extracted.

    Raises:
        ReleaseError: not a tar, cut short or damaged; or a member that is not a plain file, has a
            wrong name, is larger than `MAX_MEMBER_BYTES` or occurs twice. The message names the
            member.
    """
    # No yield inside a try: an abandoned stream may end this generator at interpreter exit, when
    # module names are gone.
    tar = _tried(partial(tarfile.open, fileobj=file, mode="r|", tarinfo=_StrictTarInfo), name)
    seen: set[str] = set()
    while (member := _tried(tar.next, name)) is not None:
        where = f"{name} member {member.name!r}"
        if not member.isreg() or member.issparse() or not _TAR_MEMBER.fullmatch(member.name):
            raise ReleaseError(
                f"{where}: wanted a plain file named {{video_id}}.json or {{video_id}}.mp4. "
                f"{_AGAIN}"
            )
        if not 0 <= member.size <= MAX_MEMBER_BYTES:
            raise ReleaseError(
                f"{where}: {member.size} bytes, at most {MAX_MEMBER_BYTES} are read. {_AGAIN}"
            )
        if member.name in seen:
            raise ReleaseError(f"{where}: it is there twice. {_AGAIN}")
        seen.add(member.name)
        yield member.name, _tried(partial(_content, tar, member), name)
    while rest := _tried(lambda: tar.fileobj.read(2**20), name):
        if rest.strip(b"\0"):
            raise ReleaseError(f"{name}: more data after the end of the tar. {_AGAIN}")


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    content = tar.extractfile(member)
    return content.read() if content is not None else b""


def _tried(read: Callable[[], Any], name: str) -> Any:
    try:
        return read()
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise ReleaseError(f"{name}: not a readable tar ({error}). {_AGAIN}") from None


_AGAIN = "Build or download this shard again."
MAX_MEMBER_BYTES = 2**30
"""Size limit of one file in a tar; equal to the limit for the video of a row."""
_MAX_TAR_EXTENSION_BYTES = 2**16
_TAR_EXTENSIONS = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
_TAR_MEMBER = re.compile(rf"{VIDEO_ID.pattern}(\.json|{'|'.join(map(re.escape, VIDEO_SUFFIXES))})")


class _StrictTarInfo(tarfile.TarInfo):
    """Raises an error for a damaged, missing or huge header, which `tarfile` itself takes for the
    end of the tar.
    """

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> "_StrictTarInfo":
        try:
            info = super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if buf and len(buf) == tarfile.BLOCKSIZE and not any(buf):
                raise  # a block of zeros: the end
            raise tarfile.ReadError(str(error)) from None
        if info.type in _TAR_EXTENSIONS and info.size > _MAX_TAR_EXTENSION_BYTES:
            raise tarfile.ReadError(
                f"a header extension of {info.size} bytes, at most {_MAX_TAR_EXTENSION_BYTES} are "
                "read"
            )
        return info


def read_tar(
    file: IO[bytes], *, name: str, num_rows: int | None = None
) -> Generator[dict[str, Any], None, None]:
    """The rows of one tar shard, equal to those of the Parquet shard with the same number.

    Args:
        num_rows: number of rows of the shard in its manifest; None: not compared.

    Raises:
        ReleaseError: as `tar_members`; a json without its video, or a video without its json; a
            json that is not a row; at the end, another number of rows than in the manifest.
    """
    pending: dict[str, bytes] = {}
    given = 0
    for member, content in tar_members(file, name=name):
        pending[member] = content
        if len(pending) == 1:
            continue
        (one, two), pending = (
            sorted(pending.items(), key=lambda item: not item[0].endswith(".json")),
            {},
        )
        yield _row_from_tar(one, two, name=name)
        given += 1
    if pending:
        raise ReleaseError(
            f"{name} member {next(iter(pending))!r}: the other file of its pair is missing. Build "
            "this shard again."
        )
    if num_rows is not None and given != num_rows:
        raise ReleaseError(
            f"{name}: {given} rows, manifest.json says {num_rows}: of another release? {_AGAIN}"
        )


def _row_from_tar(
    annotation: tuple[str, bytes], video: tuple[str, bytes], *, name: str
) -> dict[str, Any]:
    key = annotation[0].removesuffix(".json")
    if key == annotation[0] or video[0].rpartition(".")[0] != key:
        raise ReleaseError(
            f"{name} members {annotation[0]!r} and {video[0]!r}: wanted a json and a video of one "
            "id, side by side."
        )
    try:
        row: dict[str, Any] = parse_json(annotation[1])
        row["label"] = LABELS.index(row["label"])
        kinds, objects = row["artifact_types"], row["objects"]
        row["artifact_types"] = (
            None if kinds is None else [ARTIFACT_TYPES.index(kind) for kind in kinds]
        )
        objects["artifact_type"] = [
            kind and ARTIFACT_TYPES.index(kind) for kind in objects["artifact_type"]
        ]
        # format 1 has none, nor the record
        objects.setdefault("subtype", [None] * len(objects["object_id"]))
        row["source"].setdefault("record", None)
        base64.b64decode(row["codec"]["extradata"], validate=True)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ReleaseError(
            f"{name} member {annotation[0]!r}: not a row ({type(error).__name__}: {error})."
        ) from None
    row["video"] = {"bytes": video[1], "path": video[0]}
    if row.keys() != FEATURES.keys() or row["video_id"] != key:
        wrong = sorted(row.keys() ^ FEATURES.keys()) or [f"video_id {row['video_id']!r}"]
        raise ReleaseError(
            f"{name} member {annotation[0]!r}: not a row of this version (look at "
            f"{', '.join(wrong)})."
        )
    return {column: row[column] for column in FEATURES}
