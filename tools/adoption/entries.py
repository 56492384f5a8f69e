"""Files of a source, wherever they lie: in a folder, on the Hub, in an archive of either."""

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
"""Archives, and parts of such, that are not opened."""
MAX_ENTRY_BYTES = 2**30
"""Of one file that is read: a row of a release holds no more."""
LOCAL = "mtime:"
"""How the keys of files on this machine begin: they are compared by time and size."""
_DOWNLOADS = 8
"""Frames that are fetched at a time."""


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
    """A member of a tar that is not compressed: its bytes lie there as they are."""

    archive: Path
    offset: int


Place: TypeAlias = Path | HubFile | ZipMember | TarSpan


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a source.

    path: in the source, with /; of a member of an archive, the archive's path goes before its own.
    size: in bytes.
    key: another one when the content is another; "" where nobody has looked.
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
    """A file that is not used, and why."""

    path: str
    why: str


def suffix_of(path: str) -> str:
    """Of a name, in lower case; ".tar.gz" is one suffix."""
    name = PurePosixPath(path).name.lower()
    return next((suffix for suffix in ARCHIVE_SUFFIXES if name.endswith(suffix)), PurePosixPath(name).suffix)


def is_video(path: str) -> bool:
    return suffix_of(path) in VIDEO_SUFFIXES


def is_image(path: str) -> bool:
    return suffix_of(path) in IMAGE_SUFFIXES


def fetched(entry: Entry) -> Path | bytes:
    """Where an entry lies on this machine, or its bytes; a file on the Hub is downloaded into its cache first.

    Raises:
        AdoptError: it cannot be read, or has more than MAX_ENTRY_BYTES. ReleaseError: the Hub does not give it.
    """
    if entry.size > MAX_ENTRY_BYTES:
        raise AdoptError(
            f"{entry.path}: {entry.size} bytes, at most {MAX_ENTRY_BYTES} are read; cut it into shorter ones."
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
            # A header may promise less than there is.
            content = member.read(entry.size + 1)
    except (OSError, zipfile.BadZipFile, zipfile.LargeZipFile, RuntimeError, NotImplementedError, EOFError) as error:
        raise AdoptError(f"{entry.path}: cannot be read ({error}); copy or pack it again.") from error
    if len(content) != entry.size:
        raise AdoptError(f"{entry.path}: has not the {entry.size} bytes that its archive states; pack it again.")
    return content


def content_of(entry: Entry) -> bytes:
    """The bytes of an entry; raises as `fetched`."""
    found = fetched(entry)
    try:
        return found.read_bytes() if isinstance(found, Path) else found
    except OSError as error:
        raise AdoptError(f"{entry.path}: cannot be read ({error.strerror}).") from error


def contents_in_order(entries: Sequence[Entry]) -> Iterator[bytes]:
    """The bytes of many small files; those on the Hub are fetched several at a time."""
    if not any(isinstance(entry.place, HubFile) for entry in entries):
        yield from map(content_of, entries)
        return
    with ThreadPoolExecutor(_DOWNLOADS) as threads:
        for start in range(0, len(entries), _DOWNLOADS):
            yield from threads.map(content_of, entries[start : start + _DOWNLOADS])


def downloaded(file: HubFile) -> Path:
    """Where a file of the Hub lies in the Hugging Face cache; it is downloaded if it is not there yet.

    Raises:
        ReleaseError: the Hub does not give it, or the cache cannot be written.
    """
    from huggingface_hub import hf_hub_download

    from ...release import download

    def fetch() -> str:
        return hf_hub_download(file.repo_id, file.path, repo_type="dataset", revision=file.commit)

    return Path(download(fetch, where=f"{file.repo_id}@{file.commit[:12]}: {file.path}")).resolve()


@contextmanager
def open_zip(archive: Path | HubFile) -> Iterator[zipfile.ZipFile]:
    """A zip, open for reading; of one on the Hub that is not in the cache, only the parts that are read are fetched."""
    with opened(archive) as file, zipfile.ZipFile(file) as found:
        yield found


@contextmanager
def opened(archive: Path | HubFile) -> Iterator[IO[bytes]]:
    """A file, open for reading and seeking."""
    if isinstance(archive, HubFile):
        from huggingface_hub import try_to_load_from_cache

        cached = try_to_load_from_cache(archive.repo_id, archive.path, revision=archive.commit, repo_type="dataset")
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
    """How `tarfile` opens an archive of this name; None where it is no tar. Compressed ones end in more than the colon."""
    ends = {"r:": (".tar",), "r:gz": (".tar.gz", ".tgz"), "r:bz2": (".tar.bz2", ".tbz2"), "r:xz": (".tar.xz", ".txz")}
    return next((mode for mode, suffixes in ends.items() if suffix_of(path) in suffixes), None)
