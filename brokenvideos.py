"""BrokenVideos: the contract of the dataset and its loader.

What a row holds, where a release keeps it, and how to read it:

    import brokenvideos
    from datasets import load_dataset

    rows = load_dataset("brokenvideos", "sample", split="train", streaming=True)
    row = next(iter(rows))
    masks = brokenvideos.decode_masks(row)  # uint8[T, H, W], 1 = artifact

`datasets` patches `open`, `os.path` and `pathlib.Path` in the module that holds a builder, which is this one: no code that
runs after the import uses them.
"""

import base64
import hashlib
import json
import re
import tarfile
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial, wraps
from os import PathLike, environ, fspath
from os.path import abspath, dirname, expanduser
from types import NoneType
from typing import IO, Any, Literal, TypeAlias, TypeVar, cast

import datasets
import datasets.data_files
import datasets.inspect
import datasets.load
import fsspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from datasets.utils.file_utils import xopen
from fsspec.caching import BaseCache
from huggingface_hub import constants, errors

__version__ = "0.1.0"

# In a checkout this file is the package and the rooms beside it are its submodules; in a wheel it is the package's __init__.py.
if "__path__" not in globals():
    __path__ = [dirname(abspath(__file__))]

from brokenvideos.masks import ARTIFACT_TYPES, decode_masks

__all__ = [
    "ANNOTATION_FEATURES",
    "ARTIFACT_TYPES",
    "DATA_VERSION",
    "FEATURES",
    "FORMAT_VERSION",
    "LABELS",
    "MAX_SHARDS",
    "REPO_ID",
    "SOURCE_FIELDS",
    "SPLITS",
    "VIDEO_ID",
    "BrokenVideos",
    "BrokenVideosConfig",
    "ReleaseError",
    "asking_the_hub",
    "decode_masks",
    "download",
    "load",
    "parse_json",
    "read_manifest",
    "read_parquet",
    "read_tar",
    "shard_of",
    "shard_paths",
    "tar_members",
]

FORMAT_VERSION = 1
DATA_VERSION = "1.0.0"
REPO_ID = "Luuu213u/broken_video_dataset"

# --- The row --------------------------------------------------------------------------------------------------------

LABELS = ("normal", "broken")
SPLITS = ("train", "validation", "test")
VIDEO_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
SOURCE_FIELDS = ("generator_version", "seed", "license", "url", "annotator", "layout", "frames_sha256", "notes", "record")

_ARTIFACT_TYPE = datasets.ClassLabel(names=list(ARTIFACT_TYPES))


def _lists(**dtypes: str | datasets.ClassLabel) -> dict[str, datasets.List]:
    """A struct of parallel lists: ten times faster through `datasets` than a list of structs."""
    return {name: datasets.List(datasets.Value(d) if isinstance(d, str) else d) for name, d in dtypes.items()}


FEATURES = datasets.Features(
    {
        "video_id": datasets.Value("string"),
        "video": datasets.Video(decode=False),
        "label": datasets.ClassLabel(names=list(LABELS)),
        "artifact_types": datasets.List(_ARTIFACT_TYPE),
        "generator": datasets.Value("string"),
        "prompt": datasets.Value("string"),
        "height": datasets.Value("int32"),
        "width": datasets.Value("int32"),
        "num_frames": datasets.Value("int32"),
        "fps": datasets.Value("float64"),
        "frame_pts": datasets.List(datasets.Value("int64")),
        "time_base": {"num": datasets.Value("int64"), "den": datasets.Value("int64")},
        "packets": _lists(pts="int64", offset="int64", size="int32", keyframe="bool", reference="bool"),
        "codec": {
            "name": datasets.Value("string"),
            "extradata": datasets.Value("binary"),
            "rotation": datasets.Value("int32"),
        },
        "annotated_frames": datasets.List(datasets.Value("int32")),
        "objects": _lists(object_id="int32", artifact_type=_ARTIFACT_TYPE, digest="string"),
        "masks": _lists(object_id="int32", frame_index="int32", counts="string", fingerprint="int64"),
        "digest": datasets.Value("string"),
        "video_sha256": datasets.Value("string"),
        "source": {field: datasets.Value("string") for field in SOURCE_FIELDS},
    }
)
"""The columns of config `default` and `webdataset`; DESIGN says what each means, README's field table repeats it."""

ANNOTATION_FEATURES = datasets.Features({name: f for name, f in FEATURES.items() if name != "video"})
"""The columns of config `annotations`: all but the video's bytes."""

# --- The release folder ---------------------------------------------------------------------------------------------


class ReleaseError(ValueError):
    """A release, or a shard of one, that is not what this version reads; the message names the file."""


def shard_of(video_id: str, num_shards: int) -> int:
    """Index of the shard that holds a video, in [0, num_shards): of its id and the shard count alone.

    The first eight bytes of SHA-256 of the id, big-endian, modulo `num_shards`.
    """
    return int.from_bytes(hashlib.sha256(video_id.encode()).digest()[:8]) % num_shards


def shard_paths(split: str, index: int, num_shards: int) -> dict[Literal["default", "annotations", "webdataset"], str]:
    """The files of one shard by config, relative to the release folder."""
    name = f"{split}-{index:05d}-of-{num_shards:05d}.parquet"
    return {
        "default": f"data/{name}",
        "annotations": f"annotations/{name}",
        "webdataset": f"webdataset/{split}-{index:06d}.tar",
    }


MAX_SHARDS = 99_999
"""Of one split: file names hold five digits."""

_SHARD_FILES = {
    "default": re.compile(r"data/(train|validation|test)-\d{5}-of-\d{5}\.parquet"),
    "annotations": re.compile(r"annotations/(train|validation|test)-\d{5}-of-\d{5}\.parquet"),
    "webdataset": re.compile(r"webdataset/(train|validation|test)-\d{6}\.tar"),
}


MAX_JSON_BYTES = 2**30
MAX_JSON_DEPTH = 64

_JSON_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def parse_json(
    data: bytes,
    *,
    max_bytes: int = MAX_JSON_BYTES,
    object_pairs_hook: Callable[[list[tuple[str, Any]]], Any] | None = None,
) -> Any:
    """The value of a JSON text in UTF-8 whose size and nesting are bounded, measured before it is parsed.

    Raises:
        ValueError: more than `max_bytes`, nested deeper than `MAX_JSON_DEPTH`, or not JSON.
    """
    if len(data) > max_bytes:
        raise ValueError(f"{len(data)} bytes or more, at most {max_bytes} are read")
    depth = deepest = 0
    for bracket in _JSON_STRING.sub(b"", data).translate(None, _NO_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    if deepest > MAX_JSON_DEPTH:
        raise ValueError(f"nested {deepest} deep, at most {MAX_JSON_DEPTH} is read")
    return json.loads(data.decode("utf-8-sig"), object_pairs_hook=object_pairs_hook)


def read_manifest(release: str) -> dict[str, Any]:
    """The manifest.json of a release folder.

    Raises:
        ReleaseError: the file is missing, is no JSON object (of `parse_json`'s bounds), or has another format version or
            other types.
    """
    path = f"{release}/manifest.json"
    try:
        with fsspec.open(path, "rb") as file:
            manifest: dict[str, Any] = parse_json(file.read(MAX_JSON_BYTES + 1), max_bytes=MAX_JSON_BYTES)
    except FileNotFoundError:
        raise ReleaseError(
            f"{path}: not found. A release has one; was this folder made by `brokenvideos build`?"
        ) from None
    except ValueError as error:
        raise ReleaseError(f"{path}: not JSON ({error}). Build or download the release again.") from None
    found = manifest.get("format_version") if isinstance(manifest, dict) else None
    if found != FORMAT_VERSION:
        raise ReleaseError(
            f"{path}: format_version is {found!r}, this package reads {FORMAT_VERSION}. Install the version of brokenvideos "
            "that wrote it, or build the release again."
        )
    shape = _MANIFEST_SHAPE | {key: entry for key, entry in _MANIFEST_MAY_HOLD.items() if key in manifest}
    if wrong := _misshapen(manifest, shape, ""):
        raise ReleaseError(f"{path}: {wrong}. Build or download the release again.")
    for number, shard in enumerate(manifest["shards"]):
        split, index, num_shards = shard["split"], shard["index"], shard["num_shards"]
        if split not in SPLITS or not 0 <= index < num_shards <= MAX_SHARDS:
            raise ReleaseError(
                f"{path}: .shards[{number}] is {split!r} {index} of {num_shards}, wanted a split of {', '.join(SPLITS)} and an "
                f"index below a count of at most {MAX_SHARDS}. Build or download the release again."
            )
    return manifest


_MANIFEST_SHAPE = {
    "data_version": str,
    "reading": {
        "layout": str,
        "artifact_type": (str, NoneType),
        "generator": (str, NoneType),
        "void": (int, NoneType),
    },
    "shards": [
        {
            "split": str,
            "index": int,
            "num_shards": int,
            "video_ids": [str],
            "files": [{"path": str, "sha256": str, "bytes": int, "rows": int}],
        }
    ],
    "videos": {...: {"digest": str, "video_sha256": str}},
}
"""Types that readers rely on: a list's entry stands for all of its entries, `...` for every key of an object, a tuple for any of
its types."""
_MANIFEST_MAY_HOLD = {"errata": [{"data_version": str, "video_ids": [str], "reason": str}]}


def _misshapen(value: Any, wanted: Any, where: str) -> str | None:
    """What is first found to be of another type than the shape says, None when nothing is."""
    kinds = wanted if isinstance(wanted, tuple) else (wanted if isinstance(wanted, type) else type(wanted),)
    if type(value) not in kinds:
        return f"{where or 'it'} is {type(value).__name__}, wanted {' or '.join(kind.__name__ for kind in kinds)}"
    if isinstance(wanted, list):
        parts = [(f"{where}[{number}]", entry, wanted[0]) for number, entry in enumerate(value)]
    elif isinstance(wanted, dict):
        missing = [key for key in wanted if key is not ... and key not in value]
        if missing:
            return f"{where or 'it'} lacks {missing[0]!r}"
        parts = [(f"{where}.{key}", value[key], wanted.get(key, wanted.get(...))) for key in value]
    else:
        return None
    found = (_misshapen(part, shape, place) for place, part, shape in parts if shape is not None)
    return next((wrong for wrong in found if wrong), None)


# --- Reading one shard ----------------------------------------------------------------------------------------------


Filters: TypeAlias = list[tuple[Any, ...]] | list[list[tuple[Any, ...]]] | pc.Expression


def read_parquet(
    file: str | IO[bytes],
    *,
    columns: Sequence[str] | None = None,
    filters: Filters | None = None,
    row_groups: Sequence[int] | None = None,
) -> Generator[pa.Table, None, None]:
    """The row groups of one Parquet shard, one table each; a row group without a matching row is left out.

    A row group is read at once, never in the background: pyarrow's own iterator aborts the interpreter when it is dropped
    half-way (arrow#45214), and row groups are small (16-32 MB). Where a filter drops all of its rows, its videos are not read.

    Args:
        file: a local path, or an open binary file.
        columns: names to read, in the file's order; None reads all.
        filters: as in `pyarrow.parquet.read_table`.
        row_groups: indices to read; None reads all.
    """
    expression = _expression(filters)
    # From a file object each piece would be a request of its own: pyarrow first joins those of a row group that lie together. A
    # local file is mapped: pages are then not copied before they are decoded, which is a row group less in memory.
    is_local = isinstance(file, str)
    with closing(pq.ParquetFile(file, memory_map=is_local, pre_buffer=not is_local)) as parquet:
        names = parquet.schema_arrow.names
        wanted = names if columns is None else [name for name in names if name in set(columns)]
        # An expression does not tell which columns it needs, so everything but the videos is read to judge it.
        cheap = [name for name in names if name != "video"]
        for group in range(parquet.num_row_groups) if row_groups is None else row_groups:
            if expression is None:
                yield parquet.read_row_group(group, columns=wanted, use_threads=False)
                continue
            judged = parquet.read_row_group(group, columns=cheap, use_threads=False)
            numbered = judged.append_column("__row", pa.array(range(judged.num_rows), pa.int64()))
            keep = numbered.filter(expression).column("__row")
            if len(keep):
                yield parquet.read_row_group(group, columns=wanted, use_threads=False).take(keep)


def _expression(filters: Filters | None) -> pc.Expression | None:
    return pq.filters_to_expression(filters) if isinstance(filters, list) else filters


def _both(one: pc.Expression | None, two: pc.Expression | None) -> pc.Expression | None:
    return one & two if one is not None and two is not None else one if one is not None else two


def _of_holdout(holdout: str | None, split: str) -> pc.Expression | None:
    """Rows of a split when one generator or artifact type is held out of training, as `load` says."""
    if holdout is None:
        return None
    column, _, value = holdout.partition(":")
    if column == "generator" and value:
        held_out = pc.field("generator") == value
        return held_out if split == "test" else ~held_out
    if column == "artifact" and value in ARTIFACT_TYPES:
        # Expressions cannot look into a list; codes are single digits, so the joined list can be searched as text.
        codes = pc.binary_join(pc.field("artifact_types").cast(pa.list_(pa.string())), ",")
        held_out = pc.match_substring(codes, str(ARTIFACT_TYPES.index(value)))
        return held_out | (pc.field("label") == LABELS.index("normal")) if split == "test" else ~held_out
    raise ValueError(
        f"holdout={holdout!r}: wanted 'generator:NAME', as in 'generator:kling', or 'artifact:TYPE' with one of "
        f"{', '.join(ARTIFACT_TYPES)}."
    )


def tar_members(file: IO[bytes], *, name: str) -> Iterator[tuple[str, bytes]]:
    """(member name, bytes) of one tar shard in order, read as a stream; nothing is extracted.

    Raises:
        ReleaseError: not a tar, cut short, damaged, or a member that is no plain file in the release's naming, is larger than
            `MAX_MEMBER_BYTES` or stands there twice; says which.
    """
    again = "Build or download this shard again."
    seen: set[str] = set()
    try:
        with tarfile.open(fileobj=file, mode="r|", tarinfo=_StrictTarInfo) as tar:
            for member in tar:
                where = f"{name} member {member.name!r}"
                if not member.isreg() or member.issparse() or not _TAR_MEMBER.fullmatch(member.name):
                    raise ReleaseError(
                        f"{where}: wanted a plain file named {{video_id}}.json or {{video_id}}.mp4. {again}"
                    )
                if not 0 <= member.size <= MAX_MEMBER_BYTES:
                    raise ReleaseError(f"{where}: {member.size} bytes, at most {MAX_MEMBER_BYTES} are read. {again}")
                if member.name in seen:
                    raise ReleaseError(f"{where}: stands there twice. {again}")
                seen.add(member.name)
                content = tar.extractfile(member)
                yield member.name, content.read() if content is not None else b""
            while rest := tar.fileobj.read(2**20):
                if rest.strip(b"\0"):
                    raise ReleaseError(f"{name}: more data after the end of the tar. {again}")
    except (tarfile.TarError, EOFError, ValueError) as error:
        if isinstance(error, ReleaseError):
            raise
        raise ReleaseError(f"{name}: not a readable tar ({error}). {again}") from None


MAX_MEMBER_BYTES = 2**30
"""Of one file in a tar; as large as the largest video of a row."""
_MAX_TAR_EXTENSION_BYTES = 2**16
_TAR_EXTENSIONS = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
_TAR_MEMBER = re.compile(rf"{VIDEO_ID.pattern}\.(json|mp4|webm|mkv|mov|avi)")


class _StrictTarInfo(tarfile.TarInfo):
    """A header that is damaged, missing or has a huge extension is an error: `tarfile` itself takes it for the end."""

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
                f"a header extension of {info.size} bytes, at most {_MAX_TAR_EXTENSION_BYTES} are read"
            )
        return info


def read_tar(file: IO[bytes], *, name: str) -> Generator[dict[str, Any], None, None]:
    """The rows of one tar shard, equal to those of the Parquet shard with the same number.

    Raises:
        ReleaseError: as `tar_members`; a json or a video without the other; a json that is no row.
    """
    pending: dict[str, bytes] = {}
    for member, content in tar_members(file, name=name):
        pending[member] = content
        if len(pending) == 1:
            continue
        (one, two), pending = sorted(pending.items(), key=lambda item: not item[0].endswith(".json")), {}
        yield _row_from_tar(one, two, name=name)
    if pending:
        raise ReleaseError(
            f"{name} member {next(iter(pending))!r}: the other file of its pair is missing. Build this shard again."
        )


def _row_from_tar(annotation: tuple[str, bytes], video: tuple[str, bytes], *, name: str) -> dict[str, Any]:
    key = annotation[0].removesuffix(".json")
    if key == annotation[0] or video[0].rpartition(".")[0] != key:
        raise ReleaseError(
            f"{name} members {annotation[0]!r} and {video[0]!r}: wanted a json and a video of one id, side by side."
        )
    try:
        row: dict[str, Any] = parse_json(annotation[1])
        row["label"] = LABELS.index(row["label"])
        row["artifact_types"] = [ARTIFACT_TYPES.index(kind) for kind in row["artifact_types"]]
        row["objects"]["artifact_type"] = [ARTIFACT_TYPES.index(kind) for kind in row["objects"]["artifact_type"]]
        row["codec"]["extradata"] = base64.b64decode(row["codec"]["extradata"], validate=True)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ReleaseError(f"{name} member {annotation[0]!r}: not a row ({type(error).__name__}: {error}).") from None
    row["video"] = {"bytes": video[1], "path": video[0]}
    if row.keys() != FEATURES.keys() or row["video_id"] != key:
        wrong = sorted(row.keys() ^ FEATURES.keys()) or [f"video_id {row['video_id']!r}"]
        raise ReleaseError(f"{name} member {annotation[0]!r}: not a row of this version (look at {', '.join(wrong)}).")
    return {column: row[column] for column in FEATURES}


# --- The Hub --------------------------------------------------------------------------------------------------------


_HTTP_ERROR: type[Exception] = vars(errors)["HTTPError"]  # httpx's or httpx2's
RETRY_WAITS_S = (1, 2, 4, 8, 8)
"""Between tries to download a file: huggingface_hub itself tries its other requests again, as often and as patiently."""

Answer = TypeVar("Answer")


def download(call: Callable[[], Answer], *, where: str, instead: str = "") -> Answer:
    """What a call that downloads from the Hub gives, tried again while the Hub is busy or the connection fails.

    Raises:
        ReleaseError: as `asking_the_hub`.
    """
    waits_s = iter(RETRY_WAITS_S)
    while True:
        with asking_the_hub(where, instead=instead):
            try:
                return call()
            except _HTTP_ERROR as error:
                wait_s = next(waits_s, None)
                refused = isinstance(error, errors.HfHubHTTPError) and error.response.status_code < 500
                if refused or wait_s is None:
                    raise
        time.sleep(wait_s)


@contextmanager
def asking_the_hub(where: str, *, instead: str = "") -> Iterator[None]:
    """Says of the Hub's refusals inside the block, in one line, what to do.

    Args:
        where: what was asked for.
        instead: a sentence: what else could be named.

    Raises:
        ReleaseError: no such repository or revision, no access, or no answer.
    """
    try:
        yield
    except (_HTTP_ERROR, errors.LocalEntryNotFoundError, ConnectionError) as error:
        raise ReleaseError(f"{where}: {_refusal(error, instead=instead)}") from error


def _refusal(error: BaseException, *, instead: str) -> str:
    log_in = "Log in with `hf auth login`, or set HF_TOKEN or token=."
    if isinstance(error, errors.GatedRepoError):
        return f"a gated repository that you have no access to. Ask for it on the repository's page. {log_in}"
    if isinstance(error, errors.RepositoryNotFoundError):
        return f"no such dataset repository, or a private one. {log_in} {instead}".strip()
    if isinstance(error, errors.RevisionNotFoundError):
        return f"the repository has no such revision. {instead}".strip()
    if isinstance(error, errors.RemoteEntryNotFoundError):
        name = str(error.response.url).rpartition("/")[2]
        return f"{name} is missing, so it is no release. {instead}".strip()
    if isinstance(error, errors.HfHubHTTPError):
        status, said = error.response.status_code, error.server_message or error.response.reason_phrase
        return f"the Hub answered {status} ({said}). {log_in if status in (401, 403) else 'Try again later.'}"
    if constants.HF_HUB_OFFLINE:
        return f"HF_HUB_OFFLINE is set and the cache does not hold it. {instead}".strip()
    if isinstance(error, errors.LocalEntryNotFoundError) and error.__cause__ is not None:
        return _refusal(error.__cause__, instead=instead)
    return f"the Hub cannot be reached ({type(error).__name__}: {' '.join(str(error).split())}). Try again later. {instead}".strip()


_INSTEAD = (
    "Name a revision with revision=, another repository with BROKENVIDEOS_REPO or brokenvideos.load(repo_id=…), or a local release "
    "with data_dir=; config 'sample' needs no Hub."
)

# --- load_dataset ---------------------------------------------------------------------------------------------------


@dataclass
class BrokenVideosConfig(datasets.BuilderConfig):  # type: ignore[misc]
    """One way to read one release: `columns`, `filters` and `holdout` are what a caller sets, the rest says where it is."""

    columns: Sequence[str] | None = None
    filters: Filters | None = None
    holdout: str | None = None
    release: str | None = None
    """A local folder; None: the Hub repository."""
    repo_id: str = REPO_ID
    revision: str = f"v{DATA_VERSION}"

    def _resolve_data_files(self, base_path: str, download_config: datasets.DownloadConfig) -> None:
        # Here and not in the module factory: the factory does not learn which config is wanted, and `sample` must not ask the Hub.
        kind = "default" if self.name == "sample" else self.name
        root, names, origins = self._listing(download_config)
        splits = {}
        for split in SPLITS:
            files = [name for name in names if (found := _SHARD_FILES[kind].fullmatch(name)) and found[1] == split]
            if files:
                paths = [f"{root}/{name}" for name in files]
                splits[split] = datasets.data_files.DataFilesList(paths, [origins[name] for name in files])
        if not splits:
            folder = _SHARD_FILES[kind].pattern.partition("/")[0]
            raise ReleaseError(
                f"{root}: no shard of config {self.name!r} found, wanted {folder}/{{split}}-*. "
                "Is this a release made by `brokenvideos build`?"
            )
        self.data_files = datasets.data_files.DataFilesDict(splits)

    def _listing(self, download_config: datasets.DownloadConfig) -> tuple[str, list[str], dict[str, tuple[str, ...]]]:
        """Root, file names below it (sorted) and what identifies each file's content."""
        if self.release is not None:
            local = fsspec.filesystem("file")
            if not local.isdir(self.release):
                raise ReleaseError(
                    f"{self.release}: no such folder. `data_dir` is a release made by `brokenvideos build`."
                )
            found = local.find(self.release, detail=True)
            start = len(self.release) + 1
            origins: dict[str, tuple[str, ...]] = {
                path[start:]: (str(facts["size"]), str(facts["mtime"])) for path, facts in found.items()
            }
            return self.release, sorted(origins), origins
        from huggingface_hub import hf_hub_download

        # The manifest and not a listing: it stays in the cache, under the commit that the revision named, for when there is no Hub.
        fetch = partial(
            hf_hub_download,
            self.repo_id,
            "manifest.json",
            repo_type="dataset",
            revision=self.revision,
            endpoint=datasets.config.HF_ENDPOINT,
            token=download_config.token,
        )
        manifest = download(fetch, where=f"{self.repo_id} at revision {self.revision}", instead=_INSTEAD)
        snapshot = manifest.removesuffix("/manifest.json")
        commit = snapshot.rpartition("/")[2]
        names = sorted(file["path"] for shard in read_manifest(snapshot)["shards"] for file in shard["files"])
        return f"hf://datasets/{self.repo_id}@{commit}", names, dict.fromkeys(names, (self.repo_id, commit))

    def create_config_id(self, config_kwargs: dict[str, Any], custom_features: datasets.Features | None = None) -> str:
        """The name of this config's folder in the Arrow cache: of its options, its files and this code's version."""
        options = {
            "columns": self.columns and list(self.columns),
            "filters": str(self.filters),
            "holdout": self.holdout,
            "files": self.data_files,
        }
        content = datasets.fingerprint.Hasher.hash([__version__, options, custom_features, config_kwargs])
        return f"{self.name}-{content}"


class BrokenVideos(datasets.ArrowBasedBuilder):  # type: ignore[misc]
    """Reads the shards of a release, Parquet or tar, into equal rows."""

    BUILDER_CONFIG_CLASS = BrokenVideosConfig

    def _info(self) -> datasets.DatasetInfo:
        features = ANNOTATION_FEATURES if self.config.name == "annotations" else FEATURES
        if self.config.columns is not None:
            unknown = sorted(set(self.config.columns) - set(features))
            if unknown:
                raise ValueError(
                    f"columns={list(self.config.columns)}: no column {unknown}; config {self.config.name!r} has {list(features)}."
                )
            features = datasets.Features({name: f for name, f in features.items() if name in self.config.columns})
        return datasets.DatasetInfo(features=features, version=DATA_VERSION)

    def _split_generators(self, dl_manager: datasets.DownloadManager) -> list[datasets.SplitGenerator]:
        files = self.config.data_files
        if self.config.release is None and constants.HF_HUB_OFFLINE:
            files = {split: [_cached(path) for path in paths] for split, paths in files.items()}
        elif self.config.release is None:
            files = download(partial(dl_manager.download, files), where=self.config.repo_id)
        return [
            datasets.SplitGenerator(
                name=split, gen_kwargs={"split": split, "files": paths, "row_groups": [None] * len(paths)}
            )
            for split, paths in files.items()
        ]

    def _generate_shards(self, split: str, files: list[str], row_groups: list[int | None]) -> Iterator[str]:
        yield from files

    def _generate_more_gen_kwargs(
        self, split: str, files: list[str], row_groups: list[int | None]
    ) -> Iterator[dict[str, Any]]:
        """What `reshard()` asks for: a shard a row group."""
        for file, group in zip(files, row_groups, strict=True):
            if group is not None or file.endswith(".tar"):
                yield {"split": split, "files": [file], "row_groups": [group]}
                continue
            with self._opened(file) as opened, closing(pq.ParquetFile(opened)) as parquet:
                groups = list(range(parquet.num_row_groups))
            yield {"split": split, "files": [file] * len(groups), "row_groups": groups}

    def _generate_tables(
        self, split: str, files: list[str], row_groups: list[int | None]
    ) -> Iterator[tuple[tuple[int, int], pa.Table]]:
        schema = self.info.features.arrow_schema
        keep = _both(_expression(self.config.filters), _of_holdout(self.config.holdout, split))
        for number, (file, group) in enumerate(zip(files, row_groups, strict=True)):
            with self._opened(file) as opened, closing(self._tables(file, opened, group, keep)) as tables:
                for part, table in enumerate(tables):
                    yield (number, part), datasets.table.table_cast(table, schema)

    def _tables(
        self, file: str, opened: str | IO[bytes], group: int | None, keep: pc.Expression | None
    ) -> Generator[pa.Table, None, None]:
        if file.endswith(".parquet"):
            groups = None if group is None else [group]
            yield from read_parquet(opened, columns=list(self.info.features), filters=keep, row_groups=groups)
            return
        name = file.rpartition("/")[2]
        with closing(read_tar(cast(IO[bytes], opened), name=name)) as rows:
            for row in rows:
                try:
                    table = pa.Table.from_pylist([row], schema=FEATURES.arrow_schema)
                except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
                    raise ReleaseError(
                        f"{name} video {row['video_id']}: not a row of this version ({error})."
                    ) from None
                if keep is None or table.filter(keep).num_rows:
                    yield table.select(list(self.info.features))

    @contextmanager
    def _opened(self, file: str) -> Iterator[str | IO[bytes]]:
        """A local Parquet file as its path, which pyarrow opens natively; anything else as an open binary file."""
        if "://" in file:
            config = datasets.DownloadConfig(token=self.token, storage_options=self.storage_options)
            with asking_the_hub(file), xopen(file, "rb", download_config=config) as opened:
                if file.endswith(".parquet"):
                    # Reads what it is asked for: a readahead of 5 MiB would fetch much of what `columns=` and `filters=` leave out.
                    opened.cache = BaseCache(opened.blocksize, opened._fetch_range, opened.size)
                yield opened
        elif file.endswith(".parquet"):
            yield file
        else:
            with fsspec.open(file, "rb") as opened:
                yield opened


def _cached(file: str) -> str:
    """The copy of hf://datasets/OWNER/NAME@COMMIT/PATH that an earlier load has downloaded, or the address again."""
    from huggingface_hub import try_to_load_from_cache

    repo_id, _, rest = file.removeprefix("hf://datasets/").partition("@")
    commit, _, path = rest.partition("/")
    found = try_to_load_from_cache(repo_id, path, revision=commit, repo_type="dataset")
    return found if isinstance(found, str) else file


def load(
    name: Literal["default", "annotations", "webdataset", "sample"] = "default",
    *,
    split: str | None = None,
    data_dir: str | PathLike[str] | None = None,
    repo_id: str | None = None,
    revision: str | None = None,
    streaming: bool = False,
    columns: Sequence[str] | None = None,
    filters: Filters | None = None,
    holdout: str | None = None,
    num_proc: int | None = None,
    token: bool | str | None = None,
) -> Any:
    """`datasets.load_dataset("brokenvideos", …)` by keyword, without a name to remember.

    Args:
        name: "default" (videos and masks from Parquet), "annotations" (the same rows without `video`), "webdataset" (from the
            tars), "sample" (a small synthetic release inside the package; offline).
        split: "train", "validation" or "test"; None: a dict of all.
        data_dir: a local release folder. None: the Hub repository.
        repo_id: another Hub repository than BROKENVIDEOS_REPO or `REPO_ID`.
        revision: a Hub tag, branch or commit; None: the data version that this code was written for.
        streaming: True reads as it goes (IterableDataset); False first writes the Arrow cache (Dataset).
        columns: names of columns to read; the others are not fetched.
        filters: rows to read, as in `pyarrow.parquet.read_table`; a row group without such a row does not have its videos read.
        holdout: "generator:NAME" or "artifact:TYPE" leaves one out of training: train and validation have no video of it; test has
            the videos of that generator, or those with that type and all normal ones.
        num_proc: processes that fill the Arrow cache.
        token: for a private or gated repository.

    Returns:
        Dataset, IterableDataset, or a dict of them by split.

    Raises:
        ReleaseError: no release there. ValueError: arguments that exclude one another, an unknown column.
    """
    return datasets.load_dataset(
        _NAME if repo_id is None else f"{_NAME}:{repo_id}",
        name,
        split=split,
        data_dir=None if data_dir is None else fspath(data_dir),
        revision=revision,
        streaming=streaming,
        num_proc=num_proc,
        token=token,
        columns=columns,
        filters=filters,
        holdout=holdout,
    )


_NAME = "brokenvideos"


def _dataset_module(path: str, *, revision: str | None, data_dir: str | None) -> datasets.load.DatasetModule:
    if data_dir is not None and revision is not None:
        raise ValueError(
            f"load_dataset({path!r}) got data_dir={data_dir!r} and revision={revision!r}: a local release has no revisions. "
            "Leave one of them out."
        )
    if data_dir is not None and path != _NAME:
        raise ValueError(
            f"load_dataset({path!r}) got data_dir={data_dir!r} too: a release is local or on the Hub. Leave one of them out."
        )
    configs = [
        BrokenVideosConfig(
            name=name,
            version=DATA_VERSION,
            release=None if data_dir is None else abspath(expanduser(data_dir)),
            repo_id=path[len(_NAME) + 1 :] or environ.get("BROKENVIDEOS_REPO") or REPO_ID,
            revision=str(revision or f"v{DATA_VERSION}"),
        )
        for name in ("default", "annotations", "webdataset")
    ]
    configs.append(BrokenVideosConfig(name="sample", version=DATA_VERSION, release=f"{__path__[0]}/sample"))
    return datasets.load.DatasetModule(
        __name__,
        hash=__version__,
        # data_dir is in the configs already; passing it on would make a custom config of each.
        builder_kwargs={"dataset_name": _NAME, "data_dir": None},
        builder_configs_parameters=datasets.load.BuilderConfigsParameters(
            builder_configs=configs, default_config_name="default"
        ),
    )


def _hook(original: Callable[..., datasets.load.DatasetModule]) -> Callable[..., datasets.load.DatasetModule]:
    """`dataset_module_factory` that knows the name "brokenvideos" (and "brokenvideos:OWNER/NAME") and passes on every other."""

    @wraps(original)
    def dataset_module_factory(
        path: str,
        revision: Any = None,
        download_config: Any = None,
        download_mode: Any = None,
        data_dir: Any = None,
        data_files: Any = None,
        cache_dir: Any = None,
        **download_kwargs: Any,
    ) -> datasets.load.DatasetModule:
        if path != _NAME and not str(path).startswith(f"{_NAME}:"):
            return original(
                path, revision, download_config, download_mode, data_dir, data_files, cache_dir, **download_kwargs
            )
        if data_files is not None:
            raise ValueError(f"load_dataset({path!r}) takes no data_files: name a release folder with data_dir=.")
        return _dataset_module(path, revision=revision, data_dir=data_dir and fspath(data_dir))

    dataset_module_factory.__dict__["hooked_by"] = _NAME
    return dataset_module_factory


for _module in (datasets.load, datasets.inspect):
    if "hooked_by" not in vars(_module.dataset_module_factory):
        _module.dataset_module_factory = _hook(_module.dataset_module_factory)
