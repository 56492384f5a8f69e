"""Reads the statements about a release that cannot be counted, and the results of other
commands.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from ..release import parse_json

TEXTS = {
    "summary": "what this release is",
    "annotation": "who marked the masks, with which tools and instructions, and how they were "
    "checked",
    "biases": "what is over- or under-represented",
    "limits": "what the annotations do not say",
    "personal_information": "what was looked for and what was done about it",
    "use": "what the release is for, and what it must not be used for",
    "licences": "terms of the videos and of the annotations",
    "maintenance": "who looks after it, and how",
    "contact": "whom to ask",
    "changes": "what is new in this version",
}
"""The content of each text by key. Texts are Markdown without headings; each goes into the section
that its key names.
"""

BROKEN_METRICS = ("active_jf", "jf", "active_strict_jf", "temporal_iou")
NORMAL_METRICS = ("jf", "strict_jf", "false_frames", "false_videos")
PAIR_NUMBERS = ("active_jf", "jf", "active_dice", "kappa", "types_equal")

_FORMAT = 1
_MAX_BYTES = 2**28


class AboutError(ValueError):
    """A file of statements that cannot be used; the message names the file and the key."""


@dataclass(frozen=True, slots=True)
class About:
    """The statements of a card that are not counted. Each of them may be missing.

    Attributes:
        texts: texts by key of `TEXTS`.
        date_published: a date, as in 2026-01-31.
        agreement: the main scores of `brokenvideos agree --json`; annotators are numbered, not
            named.
        baselines: the main scores of `brokenvideos evaluate --json`, in the file's order.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    date_published: str | None = None
    agreement: Mapping[str, Any] | None = None
    baselines: tuple[Mapping[str, Any], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def about_from_dict(stated: Any, *, where: str) -> About:
    """The inverse of `About.to_dict`.

    Raises:
        AboutError: not such a dict.
    """
    try:
        about = About(**stated)
        texts = {key: _text(value, key, where) for key, value in about.texts.items()}
        return About(texts, about.date_published, about.agreement, tuple(about.baselines))
    except (TypeError, AttributeError) as error:
        raise AboutError(
            f"{where}: not what `brokenvideos card` writes ({error}). Make the card again."
        ) from None


def read_about(path: Path, manifest: Mapping[str, Any]) -> About:
    """Reads a TOML file: keys of `TEXTS`, `date_published`, `agreement` = "agree.json", [baselines]
    of "name" = "scores.json".

    Paths of JSON files are relative to the TOML file. A baseline must have been scored on videos of
    this release.

    Raises:
        AboutError: the first problem of the file. OSError: a file cannot be read.
    """
    try:
        stated = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise AboutError(f"{path}: not TOML ({error}).") from None
    known = (*TEXTS, "date_published", "agreement", "baselines")
    if unknown := sorted(stated.keys() - set(known)):
        raise AboutError(f"{path}: unknown key {unknown[0]!r}, wanted some of {', '.join(known)}.")
    baselines = stated.get("baselines", {})
    if not isinstance(baselines, dict):
        raise AboutError(
            f'{path}: baselines is {baselines!r}, wanted a table of "name" = "evaluate.json".'
        )
    agreement = stated.get("agreement")
    return About(
        texts={key: _text(stated[key], key, str(path)) for key in TEXTS if key in stated},
        date_published=_day(stated["date_published"], path) if "date_published" in stated else None,
        agreement=None
        if agreement is None
        else _agreement(_json_file(path, "agreement", agreement)),
        baselines=tuple(
            _baseline(name, *_json_file(path, f"baselines.{name}", file), manifest)
            for name, file in baselines.items()
        ),
    )


def _text(value: Any, key: str, where: str) -> str:
    if key not in TEXTS or not isinstance(value, str) or not value.strip():
        raise AboutError(
            f"{where}: {key} is {value!r}, wanted text: {TEXTS.get(key, 'no such key')}."
        )
    if heading := next((line for line in value.splitlines() if line.startswith("#")), None):
        raise AboutError(
            f"{where}: {key} has the line {heading!r}: the card has its own headings. Leave this "
            "one out."
        )
    return value.strip()


def _day(value: Any, path: Path) -> str:
    try:
        return date.fromisoformat(str(value)).isoformat()
    except ValueError:
        raise AboutError(
            f"{path}: date_published is {value!r}, wanted a day, as in 2026-01-31."
        ) from None


def _json_file(about: Path, key: str, name: Any) -> tuple[Path, Mapping[str, Any]]:
    if not isinstance(name, str):
        raise AboutError(f"{about}: {key} is {name!r}, wanted the name of a JSON file.")
    path = about.parent / name
    with path.open("rb") as file:
        content = file.read(_MAX_BYTES + 1)
    try:
        results = parse_json(content, max_bytes=_MAX_BYTES)
    except ValueError as error:
        raise AboutError(f"{path}: not JSON ({error}).") from None
    if not isinstance(results, dict) or results.get("format_version") != _FORMAT:
        raise AboutError(
            f"{path}: wanted what `brokenvideos agree --json` or `evaluate --json` of this version "
            "writes."
        )
    return path, results


def _agreement(source: tuple[Path, Mapping[str, Any]]) -> Mapping[str, Any]:
    path, results = source
    try:
        return {
            "num_annotators": len(results["annotators"]),
            "num_videos": results["videos"],
            "num_marked": results["marked_videos"],
            "ceiling": {name: _estimate(results["ceiling"][name]) for name in ("active_jf", "jf")},
            "pairs": [
                {name: _value(pair[name]) for name in PAIR_NUMBERS} for pair in results["pairs"]
            ],
            "fleiss_kappa": results["fleiss_kappa"],
            "krippendorff_alpha": results["krippendorff_alpha"],
        }
    except (KeyError, TypeError) as error:
        raise AboutError(
            f"{path}: not what `brokenvideos agree --json` writes ({error!r})."
        ) from None


def _baseline(
    name: str, path: Path, results: Mapping[str, Any], manifest: Mapping[str, Any]
) -> Mapping[str, Any]:
    try:
        scored = {video["video_id"] for video in results["videos"]}
        splits = results["options"]["splits"]
        baseline = {
            "name": name,
            "splits": splits,
            **_scores(results),
            "floors": {
                floor: {"what": scores["what"], **_scores(scores)}
                for floor, scores in results["floors"].items()
            },
        }
    except (KeyError, TypeError) as error:
        raise AboutError(
            f"{path}: not what `brokenvideos evaluate --json` writes ({error!r})."
        ) from None
    release_ids = {
        video_id
        for shard in manifest["shards"]
        if splits is None or shard["split"] in splits
        for video_id in shard["video_ids"]
    }
    if scored != release_ids:
        example = min(scored ^ release_ids)
        raise AboutError(
            f"{path}: scored {len(scored)} videos, this release has {len(release_ids)} in "
            f"{'all splits' if splits is None else splits}; {example} is in one of them only. "
            "Evaluate on this release."
        )
    return baseline


def _scores(results: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "broken": {name: _estimate(results["broken"][name]) for name in BROKEN_METRICS},
        "normal": {name: _estimate(results["normal"][name]) for name in NORMAL_METRICS},
    }


def _estimate(estimate: Mapping[str, Any]) -> dict[str, Any]:
    return {name: estimate[name] for name in ("value", "low", "high", "n", "reliable")}


def _value(number: Any) -> Any:
    return number["value"] if isinstance(number, dict) else number
