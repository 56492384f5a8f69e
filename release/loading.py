"""`load`, and the code behind `load_dataset("brokenvideos")`."""

from collections.abc import Sequence
from os import PathLike, environ, fspath
from os.path import abspath, expanduser
from typing import Any, Literal

import datasets
import datasets.load

from .dataset import BrokenVideos, BrokenVideosConfig
from .filters import Filters
from .names import NAME, REPO_ID, SAMPLE, SAMPLE_RELEASE
from .version import DATA_VERSION, __version__


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
    """Loads a release as `datasets.load_dataset("brokenvideos", …)` does.

    Args:
        name: "default" (videos and masks from Parquet), "annotations" (the same rows without
            `video`), "webdataset" (from the tars), "sample" (a small synthetic release inside the
            package; offline).
        split: "train", "validation" or "test"; None: a dict of all.
        data_dir: a local release folder. None: the Hub repository.
        repo_id: another Hub repository than BROKENVIDEOS_REPO or `REPO_ID`.
        revision: a Hub tag, branch or commit; None: the data version that this code was written
            for.
        streaming: True reads rows only when they are used (IterableDataset); False first writes all
            rows to the Arrow cache (Dataset).
        columns: names of columns to read; other columns are not downloaded.
        filters: rows to read, as in `pyarrow.parquet.read_table`. If a row group has no such row,
            its videos are not read.
        holdout: "generator:NAME" or "artifact:TYPE" leaves one out of training. train and
            validation then have no video of it; test has the videos of that generator, or the
            videos with that type and all normal videos.
        num_proc: number of processes that fill the Arrow cache.
        token: for a private or gated repository.

    Returns:
        Dataset, IterableDataset, or a dict of them by split.

    Raises:
        ReleaseError: there is no release. ValueError: arguments that contradict each other, or an
            unknown column.

    Examples:
        >>> rows = brokenvideos.load("annotations", data_dir="release", split="train", filters=[("label", "==", "broken")])
        >>> rows[0]["generator"], rows[0]["num_frames"], rows.features["label"].int2str(rows[0]["label"])
        ('synth-a', 12, 'broken')

        As a stream, without a download of the whole release:

        >>> rows = brokenvideos.load("sample", split="test", streaming=True, columns=["video_id", "prompt"])
        >>> sorted(next(iter(rows)))
        ['prompt', 'video_id']
    """
    return datasets.load_dataset(
        NAME if repo_id is None else f"{NAME}:{repo_id}",
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


def dataset_module(
    path: str, *, revision: str | None, data_dir: str | None
) -> datasets.load.DatasetModule:
    """The description of our builder that `load_dataset` needs.

    The config objects are new at every call, because `datasets` changes them when it resolves
    their files.

    Args:
        path: `NAME` or "brokenvideos:OWNER/NAME".

    Raises:
        ValueError: arguments that exclude one another.
    """
    if data_dir is not None and revision is not None:
        raise ValueError(
            f"load_dataset({path!r}) got data_dir={data_dir!r} and revision={revision!r}: a local "
            "release has no revisions. Leave one of them out."
        )
    if data_dir is not None and path != NAME:
        raise ValueError(
            f"load_dataset({path!r}) got data_dir={data_dir!r} too: a release is local or on the "
            "Hub. Leave one of them out."
        )
    configs = [
        BrokenVideosConfig(
            name=name,
            version=DATA_VERSION,
            release=None if data_dir is None else abspath(expanduser(data_dir)),
            repo_id=path[len(NAME) + 1 :] or environ.get("BROKENVIDEOS_REPO") or REPO_ID,
            revision=str(revision or f"v{DATA_VERSION}"),
        )
        for name in ("default", "annotations", "webdataset")
    ]
    configs.append(BrokenVideosConfig(name=SAMPLE, version=DATA_VERSION, release=SAMPLE_RELEASE))
    return datasets.load.DatasetModule(
        BrokenVideos.__module__,
        hash=__version__,
        # The configs already have data_dir. If it were passed on, `datasets` would make custom
        # configs.
        builder_kwargs={"dataset_name": NAME, "data_dir": None},
        builder_configs_parameters=datasets.load.BuilderConfigsParameters(
            builder_configs=configs, default_config_name="default"
        ),
    )
