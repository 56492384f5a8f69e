"""The README.md of a release: a dataset card whose numbers are counted in the shards."""

from pathlib import Path
from typing import Any

import datasets
from huggingface_hub import DatasetCardData

import brokenvideos
from brokenvideos.card.facts import ReleaseFacts, count_facts

SIZE_CATEGORIES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
LICENSES = {"CC0-1.0": "cc0-1.0", "CC-BY-4.0": "cc-by-4.0", "CC-BY-NC-4.0": "cc-by-nc-4.0", "Apache-2.0": "apache-2.0"}

TEMPLATE = """---
{metadata}
---

# BrokenVideos {data_version}

AI-generated videos in which people marked, pixel by pixel and frame by frame, what is broken: unnatural **motion**,
**deformation** of things, **blur** patches. {num_videos} videos, {num_frames} frames ({num_annotated} of them looked at by
an annotator), {num_masks} masks.

## Load

```python
from datasets import load_dataset

# This folder or repository as it stands, without another package:
rows = load_dataset("PATH_OR_REPO", split="train", streaming=True)

# With `pip install brokenvideos`:
import brokenvideos

rows = load_dataset("brokenvideos", data_dir="PATH", split="train", streaming=True)
row = next(iter(rows))
masks = brokenvideos.decode_masks(row)  # uint8[T, H, W], 1 = artifact
```

Config `default` holds the videos and masks, `annotations` the same rows without the videos' bytes. `webdataset/` holds the same
rows as tars ({{video_id}}.mp4 and {{video_id}}.json).

## Fields

| column | type |
|---|---|
{fields}

`{{'size': [height, width], 'counts': masks.counts[i]}}` is a COCO RLE. An annotated frame without a mask is empty; a frame
that is not in `annotated_frames` is unknown. Masks lie in the grid of the decoded, unrotated frames.

## Counts

| split | videos | normal | broken |
|---|---|---|---|
{splits}

Broken videos by artifact type (a video can have several): {types}.
Videos by generator: {generators}.
Sizes: {sizes}.
Licences of the videos: {licenses}.

## Check

`sha256sum -c SHA256SUMS` compares the files; `brokenvideos verify .` also decodes every mask and compares its fingerprint with the
one that was taken from the raw annotation.

## Citation

BrokenVideos: A Benchmark Dataset for Fine-Grained Artifact Localization in AI-Generated Videos, arXiv:2506.20103.
"""


def card_files(release: Path) -> dict[str, bytes]:
    """The files of the card by name, for a release folder whose shards and manifest are written."""
    data_version = brokenvideos.read_manifest(str(release))["data_version"]
    return {"README.md": render(count_facts(release), data_version=data_version).encode()}


def render(facts: ReleaseFacts, *, data_version: str) -> str:
    """The card as Markdown with YAML metadata that the Hub and `datasets` read."""
    total = facts.total()
    return TEMPLATE.format(
        metadata=metadata(facts).to_yaml(),
        data_version=data_version,
        num_videos=f"{total.num_videos:,}",
        num_frames=f"{sum(length * count for length, count in total.num_frames.items()):,}",
        num_annotated=f"{total.num_annotated_frames:,}",
        num_masks=f"{total.num_masks:,}",
        fields="\n".join(f"| `{name}` | {_type_name(feature)} |" for name, feature in brokenvideos.FEATURES.items()),
        splits="\n".join(
            f"| {split} | {of_split.num_videos} | {of_split.labels['normal']} | {of_split.labels['broken']} |"
            for split, of_split in facts.splits.items()
        ),
        types=_counted({kind: total.artifact_types[kind] for kind in brokenvideos.ARTIFACT_TYPES}),
        generators=_counted(dict(sorted(total.generators.items()))),
        sizes=_counted(dict(sorted(total.sizes.items()))),
        licenses=_counted(dict(sorted(total.licenses.items()))),
    )


def metadata(facts: ReleaseFacts) -> DatasetCardData:
    """The card's YAML: what the Hub filters by, and which files are which config."""
    total = facts.total()
    licenses = set(total.licenses)
    return DatasetCardData(
        pretty_name="BrokenVideos",
        license=LICENSES.get(licenses.pop(), "other") if len(licenses) == 1 else "other",
        task_categories=["image-segmentation", "video-classification"],
        size_categories=[next((name for limit, name in SIZE_CATEGORIES if total.num_videos < limit), "n>1T")],
        tags=["video", "video-segmentation", "ai-generated-video", "artifact-localization"],
        configs=[_config("default", "data", facts), _config("annotations", "annotations", facts)],
    )


def _config(name: str, folder: str, facts: ReleaseFacts) -> dict[str, Any]:
    files = [{"split": split, "path": f"{folder}/{split}-*.parquet"} for split in facts.splits]
    return {"config_name": name, "data_files": files, **({"default": True} if name == "default" else {})}


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _type_name(feature: Any) -> str:
    if isinstance(feature, dict):
        return "struct of " + ", ".join(f"{name}: {_type_name(part)}" for name, part in feature.items())
    if isinstance(feature, datasets.List):
        return f"list of {_type_name(feature.feature)}"
    if isinstance(feature, datasets.ClassLabel):
        return f"class label ({', '.join(feature.names)})"
    return "video: bytes, path" if isinstance(feature, datasets.Video) else str(feature.dtype)
