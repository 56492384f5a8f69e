"""The builder that `datasets` runs: the shards of a release, Parquet or tar, into equal rows.

`datasets` patches `open`, `os.path` and `pathlib.Path` in the module that holds a builder: no code here uses them, and nothing else
lives here.
"""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import IO, Any, cast

import datasets
import datasets.data_files
import fsspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from datasets.utils.file_utils import xopen
from fsspec.caching import BaseCache
from huggingface_hub import constants

from .error import ReleaseError
from .features import ANNOTATION_FEATURES, FEATURES
from .filters import Filters, both, expression, of_holdout
from .hub import asking_the_hub, download
from .layout import SHARD_FILES
from .manifest import read_manifest
from .names import REPO_ID, SAMPLE
from .parquet import read_parquet
from .row import SPLITS
from .tar import read_tar
from .version import DATA_VERSION, __version__

_INSTEAD = (
    "Name a revision with revision=, another repository with BROKENVIDEOS_REPO or brokenvideos.load(repo_id=…), or a local release "
    "with data_dir=; config 'sample' needs no Hub."
)


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
        kind = "default" if self.name == SAMPLE else self.name
        root, names, origins = self._listing(download_config)
        splits = {}
        for split in SPLITS:
            files = [name for name in names if (found := SHARD_FILES[kind].fullmatch(name)) and found[1] == split]
            if files:
                paths = [f"{root}/{name}" for name in files]
                splits[split] = datasets.data_files.DataFilesList(paths, [origins[name] for name in files])
        if not splits:
            folder = SHARD_FILES[kind].pattern.partition("/")[0]
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
        keep = both(expression(self.config.filters), of_holdout(self.config.holdout, split))
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
