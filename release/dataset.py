"""The builder that `datasets` runs: it reads the shards of a release, Parquet or tar, into equal
rows.

`datasets` patches `open`, `os.path` and `pathlib.Path` in the module that holds a builder. So no
code here uses them, and this module holds only the builder.
"""

import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from typing import IO, Any, cast

import datasets
import datasets.data_files
import datasets.exceptions
import fsspec
import pyarrow as pa
from datasets.utils.file_utils import xopen
from fsspec.caching import BaseCache
from huggingface_hub import constants

from .error import NotThereError, ReleaseError
from .features import ANNOTATION_FEATURES, FEATURES, row_schema, wanted_columns
from .filters import Choice, FilterError, Filters, chosen, held_out, names_in, of_holdout
from .hub import UNWRITABLE, asking_the_hub, download, no_cache, require_reachable
from .layout import SHARD_FILES
from .manifest import read_manifest
from .names import REPO_ID, SAMPLE
from .parquet import open_parquet, read_parquet
from .shards import Kind, Shard, annotations_beside, digest_of, listed_shards, release_shards
from .tar import read_tar
from .unreleased import no_release
from .version import DATA_VERSION, __version__

_INSTEAD = (
    "Name a revision with revision=, another repository with BROKENVIDEOS_REPO or "
    "brokenvideos.load(repo_id=…), or a local release with data_dir=; config 'sample' needs no Hub."
)


@dataclass
class BrokenVideosConfig(datasets.BuilderConfig):  # type: ignore[misc]
    """One way to read one release. The caller sets `columns`, `filters` and `holdout`; the other
    fields give its place.
    """

    columns: Sequence[str] | None = None
    filters: Filters | None = None
    holdout: str | None = None
    release: str | None = None
    """A local folder; None: the Hub repository."""
    repo_id: str = REPO_ID
    revision: str = f"v{DATA_VERSION}"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.num_rows: dict[str, int] = {}
        """The number of rows of each shard, by its address in `data_files`."""
        self.digests: dict[str, str] = {}
        """An identifier of the rows of each split."""
        self.annotations: dict[str, list[str]] = {}
        """The files of each split from which annotations can be read at the lowest cost.

        For tars these are the annotation shards beside them, if there are any.
        """

    def _resolve_data_files(self, base_path: str, download_config: datasets.DownloadConfig) -> None:
        # Here and not in the module factory: the factory does not know the requested config, and
        # `sample` must not contact the Hub.
        kind: Kind = "default" if self.name == SAMPLE else self.name
        root, origin, own, annotations = self._listed(kind, download_config)
        splits = {}
        for split, shards in own.items():
            addresses = [f"{root}/{shard.path}" for shard in shards]
            splits[split] = datasets.data_files.DataFilesList(
                addresses, [(*origin, shard.sha256) for shard in shards]
            )
            self.num_rows |= {
                address: shard.rows for address, shard in zip(addresses, shards, strict=True)
            }
            self.digests[split] = digest_of(shards)
            self.annotations[split] = [
                f"{root}/{shard.path}" for shard in annotations.get(split, shards)
            ]
        if not splits:
            folder = SHARD_FILES[kind].pattern.partition("/")[0]
            raise ReleaseError(
                f"{root}: no shard of config {self.name!r} found, wanted {folder}/{{split}}-*. "
                "Is this a release made by `brokenvideos build`?"
            )
        self.data_files = datasets.data_files.DataFilesDict(splits)

    def _listed(
        self, kind: Kind, download_config: datasets.DownloadConfig
    ) -> tuple[str, tuple[str, ...], dict[str, list[Shard]], dict[str, list[Shard]]]:
        """Lists a release: (root, origin, shards by split, annotation shards by split).

        Together with a file's checksum, the origin identifies its content for the Arrow cache. The
        annotation shards are those beside tars; empty if there are none.
        """
        if self.release is not None:
            return (
                self.release,
                (),
                release_shards(self.release, kind),
                annotations_beside(self.release, kind),
            )
        from huggingface_hub import hf_hub_download, try_to_load_from_cache

        where = {"repo_id": self.repo_id, "revision": self.revision}
        is_cached = isinstance(
            try_to_load_from_cache(filename="manifest.json", repo_type="dataset", **where), str
        )
        if not is_cached and not constants.HF_HUB_OFFLINE:
            require_reachable(**where, endpoint=datasets.config.HF_ENDPOINT, instead=_INSTEAD)
        # The manifest is read, not a listing of the repository: it stays in the cache under its
        # commit, so a release can be loaded again without the Hub.
        fetch = partial(
            hf_hub_download,
            self.repo_id,
            "manifest.json",
            repo_type="dataset",
            revision=self.revision,
            endpoint=datasets.config.HF_ENDPOINT,
            token=download_config.token,
        )
        try:
            path = download(
                fetch, where=f"{self.repo_id} at revision {self.revision}", instead=_INSTEAD
            )
        except NotThereError as error:
            raise no_release(
                error, **where, token=download_config.token, endpoint=datasets.config.HF_ENDPOINT
            ) from None
        snapshot = path[: -len("/manifest.json")]  # on Windows the separators are backslashes
        commit = re.split(r"[/\\]", snapshot)[-1]
        manifest = read_manifest(snapshot)
        annotations = listed_shards(manifest, "annotations") if kind == "webdataset" else {}
        return (
            f"hf://datasets/{self.repo_id}@{commit}",
            (self.repo_id, commit),
            listed_shards(manifest, kind),
            annotations,
        )

    def create_config_id(
        self, config_kwargs: dict[str, Any], custom_features: datasets.Features | None = None
    ) -> str:
        """The name of this config's folder in the Arrow cache.

        It depends on the options, the files and the version of this code.
        """
        options = {
            "columns": str(self.columns),
            "filters": str(self.filters),
            "holdout": self.holdout,
            "files": self.data_files,
        }
        content = datasets.fingerprint.Hasher.hash(
            [__version__, options, custom_features, config_kwargs]
        )
        return f"{self.name}-{content}"


class BrokenVideos(datasets.ArrowBasedBuilder):  # type: ignore[misc]
    """Reads the shards of a release, Parquet or tar, into equal rows."""

    BUILDER_CONFIG_CLASS = BrokenVideosConfig

    def __init__(self, cache_dir: str | None = None, **more: Any) -> None:
        self._no_cache: OSError | None = None
        try:
            super().__init__(cache_dir, **more)
        except OSError as error:
            if error.errno not in UNWRITABLE:
                raise
            # A stream needs no cache, and `datasets` makes no folder at a memory:// address.
            super().__init__("memory://brokenvideos", **more)
            self._no_cache = error

    def download_and_prepare(self, *args: Any, **more: Any) -> None:
        """Fills the Arrow cache as `datasets` does.

        Raises:
            ReleaseError, FilterError: raised directly; `datasets` would wrap them in an error of
                its own. ReleaseError is also raised if the cache cannot be written.
        """
        if self._no_cache is not None:
            raise ReleaseError(no_cache(self._no_cache))
        try:
            super().download_and_prepare(*args, **more)
        except OSError as error:
            if error.errno not in UNWRITABLE:
                raise
            raise ReleaseError(no_cache(error)) from None
        except datasets.exceptions.DatasetGenerationError as error:
            cause = error.__cause__
            if isinstance(cause, ReleaseError | FilterError):
                raise cause from None
            if isinstance(cause, OSError) and cause.errno in UNWRITABLE:
                raise ReleaseError(no_cache(cause)) from None
            raise

    def _info(self) -> datasets.DatasetInfo:
        config = self.config
        features = ANNOTATION_FEATURES if config.name == "annotations" else FEATURES
        # Report impossible requests here, before anything is read.
        chosen(config.filters, features.arrow_schema)
        of_holdout(config.holdout, "train")
        if config.columns is not None:
            features = datasets.Features(
                {name: features[name] for name in wanted_columns(config.columns, features)}
            )
        return datasets.DatasetInfo(features=features, version=DATA_VERSION)

    def _split_generators(
        self, dl_manager: datasets.DownloadManager
    ) -> list[datasets.SplitGenerator]:
        config, files = self.config, self.config.data_files
        self._require_held_out()
        if config.release is None and constants.HF_HUB_OFFLINE:
            files = {split: [_cached(path) for path in paths] for split, paths in files.items()}
        elif config.release is None:
            files = download(partial(dl_manager.download, files), where=config.repo_id)
        return [
            datasets.SplitGenerator(
                name=split,
                gen_kwargs={
                    "split": split,
                    "files": paths,
                    "num_rows": [config.num_rows[address] for address in config.data_files[split]],
                    "row_groups": [None] * len(paths),
                    "is_stream": dl_manager.is_streaming,
                },
            )
            for split, paths in files.items()
        ]

    def _generate_shards(self, files: list[str], **more: Any) -> Iterator[str]:
        yield from files

    def _generate_more_gen_kwargs(
        self, files: list[str], num_rows: list[int], row_groups: list[int | None], **more: Any
    ) -> Iterator[dict[str, Any]]:
        """Called by `reshard()`: one shard per row group."""
        for file, rows, group in zip(files, num_rows, row_groups, strict=True):
            groups = [group]
            if group is None and file.endswith(".parquet"):
                with (
                    self._opened(file) as opened,
                    closing(open_parquet(opened, name=file, num_rows=rows)) as parquet,
                ):
                    groups = list(range(parquet.num_row_groups))
            count = len(groups)
            yield {
                "files": [file] * count,
                "num_rows": [rows] * count,
                "row_groups": groups,
                **more,
            }

    def _generate_tables(
        self,
        split: str,
        files: list[str],
        num_rows: list[int],
        row_groups: list[int | None],
        is_stream: bool,
    ) -> Iterator[tuple[tuple[int, int], pa.Table]]:
        keep = self._choice(split)
        has_rows = False
        for number, (file, rows, group) in enumerate(zip(files, num_rows, row_groups, strict=True)):
            with (
                self._opened(file) as opened,
                closing(self._tables(file, opened, rows, group, keep)) as tables,
            ):
                for part, table in enumerate(tables):
                    has_rows = has_rows or table.num_rows > 0
                    yield (number, part), _cast(table, self._schema, file)
        if is_stream and keep is not None and not has_rows:
            self._require_rows(split, keep)

    @cached_property
    def _schema(self) -> pa.Schema:
        """The schema of the rows that are given; `datasets` makes it anew whenever it is asked."""
        return self.info.features.arrow_schema

    def _tables(
        self,
        file: str,
        opened: str | IO[bytes],
        num_rows: int,
        group: int | None,
        keep: Choice | None,
    ) -> Generator[pa.Table, None, None]:
        columns = list(self.info.features)
        if file.endswith(".parquet"):
            groups = None if group is None else [group]
            yield from read_parquet(
                opened,
                columns=columns,
                filters=keep,
                row_groups=groups,
                num_rows=num_rows,
                name=file,
            )
            return
        name = file.rpartition("/")[2]
        with closing(read_tar(cast(IO[bytes], opened), name=name, num_rows=num_rows)) as rows:
            for row in rows:
                table = _table_of(row, name)
                if keep is None or table.filter(keep.expression).num_rows:
                    yield table.select(columns)

    # --- which rows a split has -------------------------------------------------------------------

    def as_dataset(self, split: Any = None, in_memory: bool = False) -> Any:
        """Prepares a split as `datasets` does, but raises a clear error if the filters leave it
        without a row.
        """
        for name in [split] if split is not None else list(self.config.data_files):
            keep = self._choice(str(name)) if str(name) in self.config.data_files else None
            if keep is not None and not self.info.splits[str(name)].num_examples:
                self._require_rows(str(name), keep)
        return super().as_dataset(split=split, in_memory=in_memory)

    def _choice(self, split: str) -> Choice | None:
        wanted = chosen(
            self.config.filters, row_schema(has_video=self.config.name != "annotations")
        )
        left = of_holdout(self.config.holdout, split)
        return wanted & left if wanted is not None and left is not None else wanted or left

    def _require_held_out(self) -> None:
        """Checks that at least one row has the generator or artifact type to hold out.

        Raises:
            FilterError: no row has it; the message lists the values that rows have.
        """
        if self.config.holdout is None:
            return
        column, name = held_out(self.config.holdout)
        there: set[str] = set()
        for split in self.config.data_files:
            for table in self._annotations(split, (column,)):
                there |= names_in(table, column)
                if name in there:
                    return
        kind = "generator" if column == "generator" else "artifact type"
        raise FilterError(
            f"holdout={self.config.holdout!r}: no video has the {kind} {name!r}. There are "
            f"{_some(there)}."
        )

    def _require_rows(self, split: str, keep: Choice) -> None:
        """Checks that at least one row of the split passes the filters and the hold-out.

        Raises:
            FilterError: no row passes. If the filters use generator, label or artifact type, the
                message lists the values that rows have.
        """
        if split in self._splits_with_rows:
            return
        named = [
            column for column in ("generator", "label", "artifact_types") if column in keep.columns
        ]
        there: dict[str, set[str]] = {column: set() for column in named}
        for table in self._annotations(split, keep.columns):
            if table.filter(keep.expression).num_rows:
                self._splits_with_rows.add(split)
                return
            for column in named:
                there[column] |= names_in(table, column)
        asked = [
            f"{name}={value!r}"
            for name, value in (("filters", self.config.filters), ("holdout", self.config.holdout))
            if value is not None
        ]
        has = "".join(f" Its {column}: {_some(names)}." for column, names in there.items())
        raise FilterError(f"no row of split {split!r} passes {' and '.join(asked)}.{has}")

    @cached_property
    def _splits_with_rows(self) -> set[str]:
        """The splits in which at least one row is known to pass the filters."""
        return set()

    def _annotations(self, split: str, columns: Sequence[str]) -> Iterator[pa.Table]:
        """The rows of a split as tables with these columns; no names: all columns except the
        video.
        """
        for file in self.config.annotations[split]:
            with self._opened(file) as opened:
                if file.endswith(".parquet"):
                    yield from read_parquet(
                        opened, columns=columns or list(ANNOTATION_FEATURES), name=file
                    )
                else:
                    name = file.rpartition("/")[2]
                    yield from (
                        _table_of(row, name) for row in read_tar(cast(IO[bytes], opened), name=name)
                    )

    @contextmanager
    def _opened(self, file: str) -> Iterator[str | IO[bytes]]:
        """A local Parquet file as its path, which pyarrow opens natively; anything else as an open
        binary file.
        """
        if "://" in file:
            config = datasets.DownloadConfig(token=self.token, storage_options=self.storage_options)
            with asking_the_hub(file), xopen(file, "rb", download_config=config) as opened:
                if file.endswith(".parquet"):
                    # No readahead: the usual 5 MiB would fetch much of what `columns=` and
                    # `filters=` leave out.
                    opened.cache = BaseCache(opened.blocksize, opened._fetch_range, opened.size)
                yield opened
        elif file.endswith(".parquet"):
            yield file
        else:
            with fsspec.open(file, "rb") as opened:
                yield opened


def _cached(file: str) -> str:
    """The local copy of hf://datasets/OWNER/NAME@COMMIT/PATH from an earlier load.

    Returns the address itself if there is no copy.
    """
    from huggingface_hub import try_to_load_from_cache

    repo_id, _, rest = file.removeprefix("hf://datasets/").partition("@")
    commit, _, path = rest.partition("/")
    cached = try_to_load_from_cache(repo_id, path, revision=commit, repo_type="dataset")
    return cached if isinstance(cached, str) else file


def _table_of(row: dict[str, Any], name: str) -> pa.Table:
    """One row of a tar as a table."""
    try:
        return pa.Table.from_pylist([row], schema=row_schema())
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise ReleaseError(
            f"{name} video {row['video_id']}: not a row of this version ({error})."
        ) from None


def _cast(table: pa.Table, schema: pa.Schema, file: str) -> pa.Table:
    # `datasets` itself fills a column that is not there with nulls.
    there = set(table.column_names)
    missing = [name for name in schema.names if name not in there]
    try:
        if not missing:
            return datasets.table.table_cast(table, schema)
        what = f"no column {', '.join(missing)}"
    except (datasets.table.CastError, pa.ArrowException, TypeError, ValueError) as error:
        what = " ".join(str(error).split())[:200]
    raise ReleaseError(
        f"{file}: its rows do not fit this version ({what}). Copy or download this file again."
    )


def _some(names: Iterable[str]) -> str:
    ordered = sorted(names)
    return (
        ", ".join(ordered[:20]) + (f" and {len(ordered) - 20} more" if len(ordered) > 20 else "")
        if ordered
        else "none"
    )
