"""The card's YAML: the metadata by which the Hub filters, and the files of each config."""

from collections.abc import Iterator, Mapping
from typing import Any

import datasets
from huggingface_hub import DatasetCardData

from ..release import ANNOTATION_FEATURES, FEATURES
from .facts import ReleaseFacts
from .sizes import CONFIGS, Config, ConfigSize

SIZE_CATEGORIES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
    (100_000_000, "10M<n<100M"),
)
LICENSES = {
    "CC0-1.0": "cc0-1.0",
    "CC-BY-4.0": "cc-by-4.0",
    "CC-BY-NC-4.0": "cc-by-nc-4.0",
    "Apache-2.0": "apache-2.0",
}
"""Licence names of the Hub by SPDX name; any other licence is "other"."""

TASK_CATEGORIES = ("image-segmentation", "video-classification")
"""The Hub has no category for segmentation of videos."""
TAGS = ("video", "video-segmentation", "ai-generated-video", "artifact-localization")

KEYS = (
    "annotations_creators",
    "configs",
    "dataset_info",
    "extra_gated_button_content",
    "extra_gated_description",
    "extra_gated_fields",
    "extra_gated_heading",
    "extra_gated_prompt",
    "language",
    "language_creators",
    "license",
    "license_link",
    "license_name",
    "multilinguality",
    "paperswithcode_id",
    "pretty_name",
    "size_categories",
    "source_datasets",
    "tags",
    "task_categories",
    "task_ids",
    "thumbnail",
    "train-eval-index",
    "viewer",
)
"""Keys that the Hub reads in a dataset card. Source: huggingface/hub-docs, datasetcard.md, and
"Gated datasets".
"""

VOCABULARY = {
    "task_categories": TASK_CATEGORIES,
    "size_categories": tuple(name for _, name in SIZE_CATEGORIES),
    "license": (*LICENSES.values(), "other"),
}
"""The words that these keys of our card may have, alone or in a list."""


def metadata(facts: ReleaseFacts, sizes: Mapping[Config, ConfigSize]) -> DatasetCardData:
    """The YAML of a release's card; `load_dataset` checks the number of rows of each split against
    it.
    """
    total = facts.total()
    licenses = set(total.licenses)
    return DatasetCardData(
        pretty_name="BrokenVideos",
        license=LICENSES.get(licenses.pop(), "other") if len(licenses) == 1 else "other",
        task_categories=list(TASK_CATEGORIES),
        size_categories=[
            next(
                (name for limit, name in SIZE_CATEGORIES if total.num_videos < limit),
                SIZE_CATEGORIES[-1][1],
            )
        ],
        tags=list(TAGS),
        configs=[_config(name, facts) for name in CONFIGS],
        dataset_info=[_info(name, sizes[name]) for name in CONFIGS],
    )


def metadata_problems(card_yaml: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[str]:
    """The problems of a card's YAML: first unknown keys and words, then every value that differs
    from the count.
    """
    for key in card_yaml.keys() - set(KEYS):
        yield f"YAML key {key!r} is none that the Hub reads, wanted one of {', '.join(KEYS)}"
    for key, words in VOCABULARY.items():
        values = card_yaml.get(key, [])
        for value in values if isinstance(values, list) else [values]:
            if value not in words:
                yield f"{key}: {value!r}, wanted one of {', '.join(words)}"
    for key, value in wanted.items():
        yield from differences(card_yaml.get(key), value, where=key)


def differences(actual: Any, wanted: Any, *, where: str) -> Iterator[str]:
    """Every value inside a JSON-like value that differs from the expected one, with its place."""
    if isinstance(wanted, dict) and isinstance(actual, dict):
        for key in dict.fromkeys([*wanted, *actual]):
            yield from differences(
                actual.get(key), wanted.get(key), where=f"{where}.{key}" if where else str(key)
            )
    elif isinstance(wanted, list) and isinstance(actual, list):
        was, now = (
            {_name_of(entry, number): entry for number, entry in enumerate(entries)}
            for entries in (actual, wanted)
        )
        for name in dict.fromkeys([*now, *was]):
            yield from differences(was.get(name), now.get(name), where=f"{where}[{name}]")
    elif actual != wanted:
        yield f"{where}: {_shown(actual)}, wanted {_shown(wanted)}"


def _name_of(value: Any, number: int) -> str:
    """The name of a list's entry in messages; most of our entries have one."""
    keys = ("config_name", "name", "split", "@id")
    return next(
        (str(value[key]) for key in keys if isinstance(value, dict) and key in value), str(number)
    )


def _shown(value: Any) -> str:
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 120 else f"{text[:117]}..."


def _config(name: Config, facts: ReleaseFacts) -> dict[str, Any]:
    files = [
        {"split": split, "path": f"{CONFIGS[name]}/{split}-*.parquet"} for split in facts.splits
    ]
    return {
        "config_name": name,
        "data_files": files,
        **({"default": True} if name == "default" else {}),
    }


def _info(name: Config, size: ConfigSize) -> dict[str, Any]:
    features = FEATURES if name == "default" else ANNOTATION_FEATURES
    splits = [
        datasets.SplitInfo(split, num_bytes=size.num_bytes[split], num_examples=count)
        for split, count in size.num_examples.items()
    ]
    info = datasets.DatasetInfo(
        features=features,
        config_name=name,
        splits=datasets.SplitDict({split.name: split for split in splits}),
        download_size=size.download_bytes,
        dataset_size=sum(size.num_bytes.values()),
    )
    stated: dict[str, Any] = info._to_yaml_dict()
    return stated
