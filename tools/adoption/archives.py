"""Lists the files in archives. Only compressed tars are unpacked; other members are read in
place.
"""

import hashlib
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from ...builder.raw import is_litter
from ...builder.work import atomic_file
from .entries import (
    ARCHIVE_SUFFIXES,
    MAX_ENTRY_BYTES,
    UNREAD_SUFFIXES,
    Entry,
    HubFile,
    Leftover,
    TarSpan,
    ZipMember,
    is_image,
    is_video,
    open_zip,
    suffix_of,
    tar_mode,
)
from .error import AdoptError

_BROKEN = (
    OSError,
    zipfile.BadZipFile,
    tarfile.TarError,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    RuntimeError,
)
NESTED = (
    "an archive inside an archive, which is not opened; unpack the outer one and adopt the folder"
)
LEAVES = "its path leads out of the archive; it is not read"


def members_of(
    path: str, archive: Path | HubFile, *, unpack_to: Path, hashed: bool
) -> tuple[list[Entry], list[Leftover]]:
    """The files in an archive.

    Args:
        path: path of the archive in the source.
        archive: the archive itself. A tar must be on this machine.
        unpack_to: a folder for the files of a compressed tar, which can only be read in order.
        hashed: whether members of a tar get a key, their SHA-256. Members of a zip always have one.

    Raises:
        AdoptError: the archive is damaged, or it is none.
    """
    try:
        members = list(
            _zip(path, archive)
            if tar_mode(path) is None
            else _tar(path, archive, unpack_to, hashed=hashed)
        )
    except _BROKEN as error:
        raise AdoptError(
            f"{path}: cannot be read as an archive ({error}); copy it again, or unpack it."
        ) from error
    return (
        [member for member in members if isinstance(member, Entry)],
        [member for member in members if isinstance(member, Leftover)],
    )


def refusal(name: str) -> str | None:
    """The reason for not reading a member of this name; None if it is read.

    Litter, such as .DS_Store, has the reason "" and is not reported.
    """
    parts = PurePosixPath(name).parts
    if name.startswith("/") or ".." in parts or "\\" in name or (parts and ":" in parts[0]):
        return LEAVES
    if any(is_litter(part) for part in parts):
        return ""
    if suffix_of(name) in (*ARCHIVE_SUFFIXES, *UNREAD_SUFFIXES):
        return NESTED
    return None


def _zip(path: str, archive: Path | HubFile) -> Iterator[Entry | Leftover]:
    with open_zip(archive) as opened:
        for member in opened.infolist():
            if member.is_dir():
                continue
            where, reason = f"{path}/{member.filename.lstrip('/')}", refusal(member.orig_filename)
            if reason is None and member.flag_bits & 1:
                reason = "encrypted; unpack the archive with its password and adopt the folder"
            if reason is None:
                key = f"crc32:{member.CRC:08x}:{member.file_size}"
                yield Entry(where, member.file_size, key, ZipMember(archive, member.filename))
            elif reason:
                yield Leftover(where, reason)


def _tar(
    path: str, archive: Path | HubFile, unpack_to: Path, *, hashed: bool
) -> Iterator[Entry | Leftover]:
    if isinstance(archive, HubFile):
        raise AdoptError(f"{path}: is not on this machine")  # callers download it
    mode = tar_mode(path) or "r:"
    with tarfile.open(archive, mode) as opened:  # type: ignore[call-overload]
        for number, member in enumerate(opened):
            if member.isdir():
                continue
            where, reason = f"{path}/{member.name.lstrip('/')}", refusal(member.name)
            if reason is None and not member.isreg():
                reason = "a link or a device, which is not followed"
            if reason:
                yield Leftover(where, reason)
            elif reason is None and mode == "r:":
                key = _sha256(opened.extractfile(member)) if hashed else ""
                yield Entry(where, member.size, key, TarSpan(archive, member.offset_data))
            elif reason is None and (
                is_video(where) or is_image(where) or suffix_of(where) in (".txt", ".md")
            ):
                if member.size > MAX_ENTRY_BYTES:
                    yield Leftover(
                        where, f"{member.size} bytes, at most {MAX_ENTRY_BYTES} are read"
                    )
                    continue
                # The file's name is a number, so that names in an archive cannot choose where we
                # write.
                out = unpack_to / f"{number:07d}{suffix_of(where)}"
                key = _sha256(opened.extractfile(member), out)
                yield Entry(where, member.size, key, out)
            elif reason is None:
                yield Entry(where, member.size, "", archive)  # its content is never read


def _sha256(member: IO[bytes] | None, out: Path | None = None) -> str:
    digest = hashlib.sha256()
    if member is None:
        return ""
    if out is None:
        while chunk := member.read(2**20):
            digest.update(chunk)
        return f"sha256:{digest.hexdigest()}"
    with atomic_file(out) as file:
        while chunk := member.read(2**20):
            file.write(chunk)
    return f"sha256:{file.sha256()}"
