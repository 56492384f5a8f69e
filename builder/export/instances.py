"""Categories and segmentations of instances.json, which COCO and YouTube-VIS have in common."""

from collections.abc import Sequence
from typing import Any

from ...masks import area, bbox, parse
from .layout import Row
from .rows import labels, types_by_object

FILE_NAME = "instances.json"


def category_ids(row: Row) -> dict[int, int]:
    """object_id → category id: 1 to 3 in the order of the artifact types, 4 if the type is not
    given.
    """
    names = labels(with_no_type=True)
    return {
        object_id: names.index(kind or names[-1]) + 1
        for object_id, kind in types_by_object(row).items()
    }


def categories(highest: int) -> list[dict[str, Any]]:
    """The categories of a file: the three artifact types, and the fourth if an object has it."""
    names = labels(with_no_type=highest > len(labels(with_no_type=False)))
    return [
        {"id": number, "name": name, "supercategory": "artifact"}
        for number, name in enumerate(names, start=1)
    ]


def segmentations(
    row: Row, counts: Sequence[str], *, as_counts: str | None
) -> list[dict[str, Any]]:
    """A dict with `segmentation`, `area` and `bbox` for each mask.

    The area and the box (x, y, width, height) are in pixels, as in COCO.

    Args:
        counts: COCO RLE strings.
        as_counts: "string": the strings are kept. Otherwise they become lists of run lengths.

    Source: https://cocodataset.org/#format-data
    """
    height, width = row["height"], row["width"]
    size = {"height": height, "width": width}
    encoded: Sequence[Any] = counts
    if as_counts != "string":
        runs = parse(counts, **size)
        encoded = [
            runs.lengths[a:b].tolist() for a, b in zip(runs.offsets, runs.offsets[1:], strict=False)
        ]
    areas, boxes = area(counts, **size).tolist(), bbox(counts, **size).tolist()
    return [
        {"segmentation": {"size": [height, width], "counts": entry}, "area": pixels, "bbox": box}
        for entry, pixels, box in zip(encoded, areas, boxes, strict=True)
    ]
