"""What a page that was written as a folder holds."""

import json
from pathlib import Path
from typing import Any


def index_of(page: Path) -> dict[str, Any]:
    """The content of index.js."""
    text = (page / "index.js").read_text()
    assert text.startswith("window.explore = ")
    content: dict[str, Any] = json.loads(
        text.removeprefix("window.explore = ").rstrip().removesuffix(";")
    )
    return content


def report_text(page: Path) -> str:
    """Everything that the report says, as the JSON of its sections."""
    return json.dumps(index_of(page)["list"]["report"]["sections"], ensure_ascii=False)


def videos_with_previews(page: Path) -> list[str]:
    """Ids of the videos that have files of their own, in the order of the list."""
    index = index_of(page)
    ids = index["list"]["columns"]["video_id"]
    written = sorted(int(path.stem) for path in (page / "videos").iterdir())
    assert (
        written
        == index["previews"]
        == sorted(int(path.stem) for path in (page / "posters").iterdir())
    )
    return [ids[number] for number in written]


def video_of(page: Path, video_id: str) -> dict[str, Any]:
    """What the script of a video gives."""
    number = index_of(page)["list"]["columns"]["video_id"].index(video_id)
    text = (page / "videos" / f"{number}.js").read_text()
    assert text.startswith("window.explore.give(")
    content: dict[str, Any] = json.loads(
        text.removeprefix("window.explore.give(").rstrip().removesuffix(");")
    )
    return content
