"""Writes croissant.json: the release as Croissant 1.1 with the fields of the RAI extension, from
manifest and facts.
"""

import json
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import datasets

from ..release import ANNOTATION_FEATURES, FEATURES, SPLITS
from .inputs import CardInputs
from .metadata import LICENSES, TAGS
from .sections import (
    CITATION,
    MAINTENANCE,
    MEANINGS,
    biases,
    limits,
    number,
    opening,
    personal_information,
    social_impact,
    use_cases,
)
from .sizes import CONFIGS, Config

if TYPE_CHECKING:
    import mlcroissant as mlc

CONFORMS_TO = ("http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0")
PARQUET, TAR = "application/x-parquet", "application/x-tar"
_LICENSE_URLS = "https://spdx.org/licenses/{}.html"


def croissant(inputs: CardInputs) -> dict[str, Any]:
    """The JSON-LD: every shard with its SHA-256, a set of files and a record set for each config,
    the splits.

    Paths are relative to the file, so it also describes a copy of the release. Record sets read
    sets of files, not single files, because mlcroissant 1.1.1 reads a set of Parquet files only
    from the folder. `split` does not refer to the set of splits: that would be a join, and
    mlcroissant reads every file before it joins.
    """
    import mlcroissant as mlc

    ctx = mlc.Context(conforms_to=CONFORMS_TO[0])
    with _quiet():
        described = mlc.Metadata(
            ctx=ctx,
            name="BrokenVideos",
            description=opening(inputs.total).replace("*", ""),
            version=inputs.manifest["data_version"],
            conforms_to=list(CONFORMS_TO),
            keywords=list(TAGS),
            license=_licenses(inputs),
            cite_as=CITATION.split("```")[1].removeprefix("bibtex").strip(),
            date_published=inputs.about.date_published,
            distribution=[
                *_files(ctx, inputs.manifest),
                *(_file_set(ctx, config) for config in CONFIGS),
            ],
            record_sets=[
                _splits(ctx, list(inputs.facts.splits)),
                *(_record_set(ctx, config) for config in CONFIGS),
            ],
            data_annotation_protocol=_as_list(inputs.about.texts.get("annotation")),
            data_annotation_analysis=_agreement(inputs),
            data_biases=biases(inputs),
            data_limitations=limits(inputs),
            data_use_cases=use_cases(inputs),
            data_social_impact=" ".join(social_impact(inputs)),
            personal_sensitive_information=personal_information(inputs),
            data_release_maintenance_plan=" ".join(MAINTENANCE.split()),
        )
        document: dict[str, Any] = json.loads(json.dumps(described.to_json(), default=str))
    # mlcroissant 1.1.1 does not know this property. Every row names the generator of its video.
    return document | {"rai:hasSyntheticData": True}


def croissant_bytes(described: Mapping[str, Any]) -> bytes:
    """The content of the file."""
    return (json.dumps(described, indent=1, ensure_ascii=False) + "\n").encode()


def unreadable(path: Path) -> Iterator[str]:
    """The problems that mlcroissant reports: it validates a croissant.json, then reads a record of
    every record set in the folder.

    Validation alone misses a missing column. The first shard of each config is read completely.
    """
    import mlcroissant as mlc
    from mlcroissant import ValidationError

    # mlcroissant passes on any error of its libraries when a file is not as described.
    wrong = (
        ValidationError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        AssertionError,
        OSError,
    )
    with _quiet():
        try:
            dataset = mlc.Dataset(path)
        except wrong as error:
            yield f"mlcroissant refuses it: {_one_line(error)}"
            return
        for record_set in dataset.metadata.record_sets:
            yield from _unread(dataset, record_set.uuid)


def _unread(dataset: "mlc.Dataset", name: str) -> Iterator[str]:
    from mlcroissant import GenerationError

    try:
        if next(iter(dataset.records(name)), None) is None:
            yield f"record set {name!r} has no record"
    except (GenerationError, ValueError, AssertionError, OSError) as error:
        cause: BaseException = error
        while isinstance(cause, GenerationError) and cause.__cause__ is not None:
            cause = cause.__cause__
        yield f"record set {name!r} cannot be read: {_one_line(cause)}"


@contextmanager
def _quiet() -> Iterator[None]:
    """Silences messages of mlcroissant's libraries, and its notes on recommended properties that a
    release may lack.
    """
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "ConjunctiveGraph is deprecated", DeprecationWarning)
            warnings.filterwarnings(
                "ignore", "The inplace keyword in DataFrame.reset_index", Warning
            )
            yield
    finally:
        logger.setLevel(level)


def _licenses(inputs: CardInputs) -> list[str] | None:
    known = sorted(name for name in inputs.total.licenses if name != "unknown")
    return [_LICENSE_URLS.format(name) if name in LICENSES else name for name in known] or None


def _agreement(inputs: CardInputs) -> list[str] | None:
    agreement = inputs.about.agreement
    if agreement is None:
        return None
    ceiling = agreement["ceiling"]["active_jf"]["value"]
    who = (
        f"{agreement['num_annotators']} annotators marked the same {agreement['num_videos']} videos"
    )
    return [f"{who}; mean pairwise J&F in active frames: {number(ceiling)}."]


def _as_list(text: str | None) -> list[str] | None:
    return None if text is None else [text]


# --- Files ----------------------------------------------------------------------------------------


def _files(ctx: "mlc.Context", manifest: Mapping[str, Any]) -> "Iterator[mlc.FileObject]":
    import mlcroissant as mlc

    for shard in manifest["shards"]:
        for file in shard["files"]:
            path = file["path"]
            yield mlc.FileObject(
                ctx=ctx,
                id=path,
                name=path,
                content_url=path,
                content_size=f"{file['bytes']} B",
                encoding_formats=[TAR if path.endswith(".tar") else PARQUET],
                sha256=file["sha256"],
            )


def _file_set(ctx: "mlc.Context", config: Config) -> "mlc.FileSet":
    import mlcroissant as mlc

    return mlc.FileSet(
        ctx=ctx,
        id=_files_of(config),
        name=_files_of(config),
        description=f"The shards of config {config!r}.",
        encoding_formats=[PARQUET],
        includes=[f"{CONFIGS[config]}/*.parquet"],
    )


def _files_of(config: Config) -> str:
    return f"{config}-files"


# --- Record sets ----------------------------------------------------------------------------------


def _splits(ctx: "mlc.Context", names: list[str]) -> "mlc.RecordSet":
    import mlcroissant as mlc

    field = mlc.Field(ctx=ctx, id="splits/name", name="name", data_types=[mlc.DataType.TEXT])
    return mlc.RecordSet(
        ctx=ctx,
        id="splits",
        name="splits",
        key=["splits/name"],
        data_types=[mlc.DataType.SPLIT],
        fields=[field],
        data=[{"splits/name": name} for name in names],
    )


def _record_set(ctx: "mlc.Context", config: Config) -> "mlc.RecordSet":
    import mlcroissant as mlc

    features = FEATURES if config == "default" else ANNOTATION_FEATURES
    what = "all columns" if config == "default" else "the same rows without the videos' bytes"
    names = "|".join(SPLITS)
    split = mlc.Field(
        ctx=ctx,
        id=f"{config}/split",
        name="split",
        description="from the name of the shard",
        data_types=[mlc.DataType.TEXT, mlc.DataType.SPLIT],
        source=mlc.Source(
            ctx=ctx,
            file_set=_files_of(config),
            extract=mlc.Extract(ctx=ctx, file_property="fullpath"),
            transforms=[
                mlc.Transform(ctx=ctx, regex=rf"^{CONFIGS[config]}/({names})-.*\.parquet$")
            ],
        ),
    )
    return mlc.RecordSet(
        ctx=ctx,
        id=config,
        name=config,
        description=f"One record per video: {what}.",
        key=[f"{config}/video_id"],
        fields=[
            split,
            *(_column(ctx, config, name, feature) for name, feature in features.items()),
        ],
    )


def _column(ctx: "mlc.Context", config: Config, name: str, feature: Any) -> "mlc.Field":
    import mlcroissant as mlc

    field = partial(
        mlc.Field, ctx=ctx, id=f"{config}/{name}", name=name, description=MEANINGS[name]
    )
    if isinstance(feature, dict):
        parts = [_leaf(ctx, config, name, part, part_type) for part, part_type in feature.items()]
        described: mlc.Field = field(sub_fields=parts)
        return described
    if isinstance(feature, datasets.Video):
        # The column is a struct: its bytes are the video.
        described = field(
            data_types=[mlc.DataType.VIDEO_OBJECT], source=_source(ctx, config, name, path="bytes")
        )
        return described
    described = field(**_typed(feature), source=_source(ctx, config, name))
    return described


def _leaf(ctx: "mlc.Context", config: Config, column: str, name: str, feature: Any) -> "mlc.Field":
    import mlcroissant as mlc

    return mlc.Field(
        ctx=ctx,
        id=f"{config}/{column}/{name}",
        name=name,
        **_typed(feature),
        source=_source(ctx, config, column, path=name),
    )


def _source(
    ctx: "mlc.Context", config: Config, column: str, *, path: str | None = None
) -> "mlc.Source":
    import mlcroissant as mlc

    return mlc.Source(
        ctx=ctx,
        file_set=_files_of(config),
        extract=mlc.Extract(ctx=ctx, column=column),
        transforms=[] if path is None else [mlc.Transform(ctx=ctx, json_path=path)],
    )


def _typed(feature: Any) -> dict[str, Any]:
    """The data type of a plain column or of a list of plain values."""
    import mlcroissant as mlc

    if isinstance(feature, datasets.List):
        return _typed(feature.feature) | {"is_array": True, "array_shape": "-1"}
    types = {
        "string": mlc.DataType.TEXT,
        # Croissant has no type for bytes; mlcroissant gives TEXT as bytes
        "binary": mlc.DataType.TEXT,
        "bool": mlc.DataType.BOOL,
        "int32": mlc.DataType.INT32,
        "int64": mlc.DataType.INT64,
        "float64": mlc.DataType.FLOAT64,
    }
    return {"data_types": [types[feature.dtype]]}


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:400] or type(error).__name__
