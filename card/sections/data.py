"""The sections on the data: a summary, how to load them, and the columns."""

from collections import Counter
from typing import Any

import datasets

from ...release import FEATURES
from ..facts import Facts, ReleaseFacts, types_in
from ..inputs import CardInputs
from .markdown import figure, many, paragraphs, table
from .prompts import prompts

RENDERER = "renderer"
"""The annotator in videos that `brokenvideos sample` rendered."""

LOAD = """```python
from datasets import load_dataset

# This folder or repository as it stands, without another package:
rows = load_dataset("PATH_OR_REPO", split="train", streaming=True)

# With the package brokenvideos:
import brokenvideos

rows = load_dataset("brokenvideos", data_dir="PATH", split="train", streaming=True)
row = next(iter(rows))
masks = brokenvideos.decode_masks(row)  # uint8[T, H, W], 1 = artifact
```

Config `default` holds the videos and masks, `annotations` the same rows without the videos' bytes. `webdataset/` holds the same
rows as tars ({video_id}.mp4 and {video_id}.json). docs/use-it-elsewhere.md of the package has recipes for pandas, Polars, DuckDB,
WebDataset, Megatron-Energon, torchcodec, PyTorch Lightning, FiftyOne, supervision, CVAT, Label Studio and LabelMe."""

CHECK = """`sha256sum -c SHA256SUMS` compares the files; `brokenvideos verify .` also decodes every mask and compares its
fingerprint with the one that was taken from the raw annotation."""

CITATION = """The benchmark is described in

```bibtex
@article{brokenvideos2025,
  title   = {BrokenVideos: A Benchmark Dataset for Fine-Grained Artifact Localization in AI-Generated Videos},
  journal = {arXiv preprint arXiv:2506.20103},
  year    = {2025},
  url     = {https://arxiv.org/abs/2506.20103}
}
```"""

MEANINGS = {
    "video_id": "unique over the dataset",
    "video": "the original file's bytes, never re-encoded",
    "label": "broken = at least one artifact pixel in some frame",
    "artifact_types": "of the video, sorted",
    "generator": "which model or program made the video",
    "prompt": "what it was asked for, null where unknown",
    "height": "pixels of the decoded, unrotated frames; masks have this size",
    "width": "pixels of the decoded, unrotated frames",
    "num_frames": "decoded frames in presentation order",
    "fps": "average rate",
    "frame_pts": "presentation time of every frame in ticks of time_base",
    "time_base": "seconds per tick",
    "packets": "where each coded frame lies in the bytes and whether others need it; null where "
    "the container does not say",
    "codec": "what a decoder needs; rotation in degrees clockwise is recorded, not applied",
    "annotated_frames": "frames that were looked at; others are unknown, not empty",
    "objects": "one entry per artifact region followed through the video",
    "masks": "one entry per object and frame with at least one pixel, sorted by (object_id, "
    "frame_index)",
    "digest": "SHA-256 of the annotation",
    "video_sha256": "SHA-256 of the video's bytes",
    "source": "where the video and its annotation come from; null where unknown",
}


def opening(total: Facts) -> str:
    """The first paragraph: only what the rows themselves say."""
    frames = sum(length * count for length, count in total.num_frames.items())
    return (
        "Videos with masks of what is broken in them, pixel by pixel and frame by frame: unnatural "
        "**motion**, **deformation** of things, **blur**red patches. "
        f"{many(total.num_videos, 'video')} ({total.labels['broken']:,} broken, "
        f"{total.labels['normal']:,} normal), {many(frames, 'frame')} "
        f"({total.num_annotated_frames:,} of them annotated), {many(total.num_masks, 'mask')}."
    )


def summary(inputs: CardInputs) -> str:
    """The opening of a full card: what is counted, what people say, a picture."""
    text = inputs.about.texts.get("summary")
    if text is None and is_rendered(inputs):
        text = (
            "This release is synthetic: a program drew the scenes and the artifacts, so the masks "
            "are exact by construction and no person marked them. It has the form of the "
            "BrokenVideos benchmark, none of its content."
        )
    alt = "Frames of broken videos with their masks painted on, by artifact type"
    return paragraphs(
        opening(inputs.total),
        text,
        figure("mosaic", alt) if any(inputs.details.shown().values()) else None,
    )


def is_rendered(inputs: CardInputs) -> bool:
    """Whether every row names the sample generator's renderer as its annotator."""
    return set(inputs.details.annotators) == {RENDERER}


def fields() -> str:
    """A table of the columns."""
    rows = [
        [f"`{name}`", _type_name(feature), MEANINGS[name]] for name, feature in FEATURES.items()
    ]
    return paragraphs(
        table(["column", "type", "meaning"], rows, text=3),
        "`{'size': [height, width], 'counts': masks.counts[i]}` is a COCO RLE. An annotated frame "
        "without a mask is empty; a frame that is not in `annotated_frames` is unknown. Masks lie "
        "in the grid of the decoded, unrotated frames.",
    )


def counts(facts: ReleaseFacts, total: Facts) -> str:
    """The plain card's numbers."""
    types = {kind: total.artifact_types[kind] for kind in types_in(total.artifact_types)}
    return paragraphs(
        split_table(facts),
        f"Broken videos by artifact type (a video can have several): {listed(types)}.\n"
        f"Videos by generator: {listed(total.generators)}.\n"
        f"Sizes: {listed(total.sizes)}.\n"
        f"Licences of the videos: {listed(total.licenses)}.",
        prompts(facts.triggers),
    )


def split_table(facts: ReleaseFacts) -> str:
    rows = [
        [
            split,
            split_facts.num_videos,
            split_facts.labels["normal"],
            split_facts.labels["broken"],
            split_facts.num_annotated_frames,
            split_facts.num_masks,
        ]
        for split, split_facts in facts.splits.items()
    ]
    return table(["split", "videos", "normal", "broken", "annotated frames", "masks"], rows)


def listed(numbers: Counter[str] | dict[str, int]) -> str:
    """Names with their counts in one line; a counter's names are sorted."""
    names = sorted(numbers) if isinstance(numbers, Counter) else list(numbers)
    return ", ".join(f"{name} {numbers[name]}" for name in names)


def _type_name(feature: Any) -> str:
    if isinstance(feature, dict):
        return "struct of " + ", ".join(
            f"{name}: {_type_name(part)}" for name, part in feature.items()
        )
    if isinstance(feature, datasets.List):
        return f"list of {_type_name(feature.feature)}"
    if isinstance(feature, datasets.ClassLabel):
        return f"class label ({', '.join(feature.names)})"
    return "video: bytes, path" if isinstance(feature, datasets.Video) else str(feature.dtype)
