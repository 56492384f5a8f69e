"""Looks up the generator of a video by the prefix of its id."""

import csv
import io
import re
from collections.abc import Mapping
from pathlib import Path

from .error import AdoptError
from .names import prefix_of

COLUMNS = ("prefix", "generator")
_KNOWN = {
    "Cog": "CogVideoX",
    "Cog2B": "CogVideoX-2B",
    "Cog5B": "CogVideoX-5B",
    "CogVideoX": "CogVideoX",
    "CogVideoX2B": "CogVideoX-2B",
    "CogVideoX5B": "CogVideoX-5B",
    "EasyAnimate": "EasyAnimate V4",
    "EasyAnimateV4": "EasyAnimate V4",
    "Gen3": "Gen-3",
    "Hailuo": "MiniMax",
    "Kling": "Kling",
    "Kling1": "Kling",
    "Kling15": "Kling 1.5",
    "Luma": "Luma",
    "Luma16": "Luma 1.6",
    "MiniMax": "MiniMax",
    "OpenSora": "OpenSora 1.2",
    "OpenSora12": "OpenSora 1.2",
    "Qingying": "Qingying",
    "Runway": "Gen-3",
    "Tongyi": "Tongyi",
    "Vidu": "Vidu",
}
"""Generators by prefix of ids, without punctuation and in any case.

Source of the names: arXiv 2506.20103 and its project page. All prefixes but Cog5B are guesses, so
the table that was used is printed.
"""


def read_generators(path: Path | None) -> Mapping[str, str]:
    """Generators by prefix, for `generator_of`: the known ones and those of a CSV file.

    Args:
        path: a CSV with the columns prefix and generator, which replace known ones; None for none.

    Raises:
        AdoptError: the CSV cannot be read, or a row lacks one of the two.
    """
    table = {_plain(prefix): generator for prefix, generator in _KNOWN.items()}
    if path is None:
        return table
    try:
        reader = csv.DictReader(
            io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""), strict=True
        )
        rows = list(reader)
    except OSError as error:
        raise AdoptError(
            f"{path}: cannot be read ({error.strerror}); wanted a CSV of prefix,generator."
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise AdoptError(
            f"{path}: not a CSV in UTF-8 ({error}); wanted the columns prefix and generator."
        ) from error
    if any(name not in (reader.fieldnames or ()) for name in COLUMNS):
        raise AdoptError(
            f"{path}: has the columns {', '.join(reader.fieldnames or ()) or 'none'}; wanted "
            "prefix and generator."
        )
    for number, row in enumerate(rows, start=2):
        prefix, generator = ((row[name] or "").strip() for name in COLUMNS)
        if not _plain(prefix) or not generator:
            raise AdoptError(
                f"{path} line {number}: prefix {prefix!r} and generator {generator!r}; both must "
                "have a text."
            )
        table[_plain(prefix)] = generator
    return table


def generator_of(video_id: str, table: Mapping[str, str]) -> tuple[str, str, bool]:
    """The prefix of an id, its generator, and whether the table has this prefix.

    The generator of a prefix that is not in the table is the prefix itself.
    """
    prefix = prefix_of(video_id)
    generator = table.get(_plain(prefix))
    return prefix, generator or prefix, generator is not None


def generators_csv(used: Mapping[str, str]) -> bytes:
    """The table as a CSV file, which a person can edit and give back with --generators."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(sorted(used.items()))
    return text.getvalue().encode()


def _plain(prefix: str) -> str:
    return re.sub(r"[^\w]|_", "", prefix).casefold()
