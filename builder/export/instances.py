"""instances.json of COCO and YouTube-VIS: segmentations, and a file of long lists that is never held whole."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...masks import area, bbox, parse
from .files import json_text
from .layout import Row
from .rows import labels, types_by_object

FILE_NAME = "instances.json"


def category_ids(row: Row) -> dict[int, int]:
    """object_id → category id: 1 to 3 as the artifact types are ordered, 4 where the type is not given."""
    names = labels(with_no_type=True)
    return {object_id: names.index(kind or names[-1]) + 1 for object_id, kind in types_by_object(row).items()}


def categories(highest: int) -> list[dict[str, Any]]:
    """The categories of a file: the three artifact types, and the fourth only where some object has it."""
    names = labels(with_no_type=highest > len(labels(with_no_type=False)))
    return [{"id": number, "name": name, "supercategory": "artifact"} for number, name in enumerate(names, start=1)]


def segmentations(row: Row, counts: Sequence[str], *, as_counts: str | None) -> list[dict[str, Any]]:
    """A `segmentation`, `area` and `bbox` for each mask; the box is x, y, width and height in pixels, as COCO has it.

    Args:
        counts: COCO RLE strings.
        as_counts: "string": as they are; else lists of run lengths.

    Source: https://cocodataset.org/#format-data
    """
    height, width = row["height"], row["width"]
    size = {"height": height, "width": width}
    held: Sequence[Any] = counts
    if as_counts != "string":
        runs = parse(counts, **size)
        held = [runs.lengths[a:b].tolist() for a, b in zip(runs.offsets, runs.offsets[1:], strict=False)]
    areas, boxes = area(counts, **size).tolist(), bbox(counts, **size).tolist()
    return [
        {"segmentation": {"size": [height, width], "counts": entry}, "area": pixels, "bbox": box}
        for entry, pixels, box in zip(held, areas, boxes, strict=True)
    ]


def write_tables(path: Path, tables: Mapping[str, Iterable[Mapping[str, Any]]]) -> None:
    """Writes a JSON object of lists, an entry at a time."""
    with path.open("w", encoding="utf-8") as file:
        for number, (name, entries) in enumerate(tables.items()):
            file.write(f"{',' if number else '{'}{json_text(name)}:[")
            for place, entry in enumerate(entries):
                file.write(f"{',' if place else ''}\n{json_text(entry)}")
            file.write("]")
        file.write("}\n")


def part_of(path: Path) -> Iterator[dict[str, Any]]:
    """The entries of one row, as `write_part` put them down."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def write_part(path: Path, entries: Iterable[Mapping[str, Any]]) -> Path:
    """Puts the entries of one row down, a line each, for the end, when all rows are known; gives the path back."""
    path.write_text("".join(f"{json_text(entry)}\n" for entry in entries), encoding="utf-8")
    return path
