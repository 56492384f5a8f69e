"""Files of a source: in a folder, on the Hub, or in an archive in one of them."""

import zipfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, TypeAlias, cast

from ...builder.raw import VIDEO_SUFFIXES
from .error import AdoptError

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
ARCHIVE_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
UNREAD_SUFFIXES = (".rar", ".7z", ".gz", ".bz2", ".xz", ".zst", ".tar.zst", ".z01", ".001", ".part")
"""Suffixes of archives, and of parts of archives, that are not opened."""
MAX_ENTRY_BYTES = 2**30
"""Largest size of a file that is read; a row of a release cannot hold more."""
LOCAL = "mtime:"
"""Prefix of the keys of files on this machine, which are made of time and size."""
_DOWNLOADS = 8
"""Number of frame images that are downloaded at the same time."""


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file of a dataset repository at one commit."""

    repo_id: str
    commit: str
    path: str


@dataclass(frozen=True, slots=True)
class ZipMember:
    """A member of a zip."""

    archive: "Path | HubFile"
    name: str


@dataclass(frozen=True, slots=True)
class TarSpan:
    """A member of an uncompressed tar; its bytes begin at `offset`."""

    archive: Path
    offset: int


Place: TypeAlias = Path | HubFile | ZipMember | TarSpan


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a source.

    Attributes:
        path: path in the source, with /. The path of an archive's member begins with the path of
            the archive.
        size: size in bytes.
        key: a text that changes with the content; "" if the content was not read.
        place: where the bytes are.
    """

    path: str
    size: int
    key: str
    place: Place

    @property
    def suffix(self) -> str:
        return suffix_of(self.path)


@dataclass(frozen=True, slots=True, order=True)
class Leftover:
    """A file that is not used, and the reason."""

    path: str
    why: str


def suffix_of(path: str) -> str:
    """The suffix of a name, in lower case; ".tar.gz" is one suffix."""
    name = PurePosixPath(path).name.lower()
    return next(
        (suffix for suffix in ARCHIVE_SUFFIXES if name.endswith(suffix)), PurePosixPath(name).suffix
    )


def is_video(path: str) -> bool:
    return suffix_of(path) in VIDEO_SUFFIXES


def is_image(path: str) -> bool:
    return suffix_of(path) in IMAGE_SUFFIXES


def fetched(entry: Entry) -> Path | bytes:
    """The path of an entry on this machine, or its bytes. A file on the Hub is downloaded into the
    cache first.

    Raises:
        AdoptError: it cannot be read, or has more than MAX_ENTRY_BYTES.
        ReleaseError: the download failed.
    """
    if entry.size > MAX_ENTRY_BYTES:
        raise AdoptError(
            f"{entry.path}: {entry.size} bytes, wanted at most {MAX_ENTRY_BYTES}; cut it into "
            "shorter files."
        )
    place = entry.place
    try:
        if isinstance(place, Path):
            return place
        if isinstance(place, HubFile):
            return downloaded(place)
        if isinstance(place, TarSpan):
            with place.archive.open("rb") as file:
                file.seek(place.offset)
                return file.read(entry.size)
        with open_zip(place.archive) as archive, archive.open(place.name) as member:
            # One byte more shows that the header states too small a size.
            content = member.read(entry.size + 1)
    except (
        OSError,
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        RuntimeError,
        NotImplementedError,
        EOFError,
    ) as error:
        raise AdoptError(
            f"{entry.path}: cannot be read ({error}); copy or pack it again."
        ) from error
    if len(content) != entry.size:
        raise AdoptError(
            f"{entry.path}: does not have the {entry.size} bytes that its archive states; pack it "
            "again."
        )
    return content


def content_of(entry: Entry) -> bytes:
    """The bytes of an entry. Raises the same errors as `fetched`."""
    place = fetched(entry)
    try:
        return place.read_bytes() if isinstance(place, Path) else place
    except OSError as error:
        raise AdoptError(f"{entry.path}: cannot be read ({error.strerror}).") from error


def contents_in_order(entries: Sequence[Entry]) -> Iterator[bytes]:
    """The bytes of many small files, in order. Several files are downloaded from the Hub at the
    same time.
    """
    if not any(isinstance(entry.place, HubFile) for entry in entries):
        yield from map(content_of, entries)
        return
    with ThreadPoolExecutor(_DOWNLOADS) as threads:
        for start in range(0, len(entries), _DOWNLOADS):
            yield from threads.map(content_of, entries[start : start + _DOWNLOADS])


def downloaded(file: HubFile) -> Path:
    """The path of a file of the Hub in the Hugging Face cache. It is downloaded if it is not there.

    Raises:
        ReleaseError: the download failed, or the cache cannot be written.
    """
    from huggingface_hub import hf_hub_download

    from ...release import download

    def fetch() -> str:
        return hf_hub_download(file.repo_id, file.path, repo_type="dataset", revision=file.commit)

    return Path(download(fetch, where=f"{file.repo_id}@{file.commit[:12]}: {file.path}")).resolve()


@contextmanager
def open_zip(archive: Path | HubFile) -> Iterator[zipfile.ZipFile]:
    """A zip, open for reading. Of a zip on the Hub that is not in the cache, only the read parts
    are downloaded.
    """
    with opened(archive) as file, zipfile.ZipFile(file) as zip_file:
        yield zip_file


@contextmanager
def opened(archive: Path | HubFile) -> Iterator[IO[bytes]]:
    """A file, open for reading and seeking."""
    if isinstance(archive, HubFile):
        from huggingface_hub import try_to_load_from_cache

        cached = try_to_load_from_cache(
            archive.repo_id, archive.path, revision=archive.commit, repo_type="dataset"
        )
        if not isinstance(cached, str):
            from huggingface_hub import HfFileSystem

            from ...release import asking_the_hub

            with asking_the_hub(f"{archive.repo_id}@{archive.commit[:12]}: {archive.path}"):
                name = f"datasets/{archive.repo_id}@{archive.commit}/{archive.path}"
                with HfFileSystem().open(name, "rb", block_size=2**20) as remote:
                    yield cast(IO[bytes], remote)
            return
        archive = Path(cached)
    with archive.open("rb") as local:
        yield local


def tar_mode(path: str) -> str | None:
    """The mode of `tarfile.open` for this name, such as "r:gz"; None if it is no tar. "r:" is
    uncompressed.
    """
    ends = {
        "r:": (".tar",),
        "r:gz": (".tar.gz", ".tgz"),
        "r:bz2": (".tar.bz2", ".tbz2"),
        "r:xz": (".tar.xz", ".txz"),
    }
    return next((mode for mode, suffixes in ends.items() if suffix_of(path) in suffixes), None)
