"""Pairs clips with masks by their names. Uncertain pairs carry the reason for the doubt."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Literal

from ...release import VIDEO_ID
from .entries import Leftover
from .names import Media, Role, loose_key

Kind = Literal["", "binary", "inverted", "grey", "drawn", "outline", "labels"]
"""How a mask is shown; "" if it is not known yet.

binary: white on black. inverted: black on white. grey: one grey or one colour on black. drawn:
drawn over the clip. outline: drawn as a line around the marked area. labels: PNGs of object ids.
"""
KINDS: tuple[Kind, ...] = ("binary", "inverted", "grey", "drawn", "outline", "labels")
SURE = 0.8
"""Smallest confidence of a pair, or of a kind, that is used without asking a person."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A clip and its mask.

    Attributes:
        how: how they were paired, for people.
        confidence: confidence of the pairing alone, from 0 to 1.
        doubt: the reason for doubt, for people; "" if there is none.
        kind, align: given by a person; "" and () if not given.
        confirmed: whether a person has confirmed the pair.
    """

    video_id: str
    clip: Media
    mask: Media
    how: str
    confidence: float
    doubt: str = ""
    kind: Kind = ""
    align: tuple[str, ...] = ()
    confirmed: bool = False

    @property
    def is_sure(self) -> bool:
        return self.confirmed or self.confidence >= SURE


@dataclass(frozen=True, slots=True)
class Pairing:
    """Pairs sorted by video_id, and the files without a partner. Uncertain pairs may share a
    video_id.
    """

    pairs: tuple[Pair, ...]
    leftover: tuple[Leftover, ...]


def pair_up(
    media: Sequence[Media], *, clips: Sequence[str] = (), masks: Sequence[str] = ()
) -> Pairing:
    """Pairs clips with masks.

    Args:
        clips, masks: patterns, as in "videos/*", of paths that are clips or masks, whatever their
            names say.
    """
    media, unmatched = _with_roles(media, clips, masks)
    groups: dict[str, list[Media]] = defaultdict(list)
    for one in media:
        groups[one.key].append(one)
    pairs: list[Pair] = []
    alone: list[Media] = []
    for group in groups.values():
        paired, rest = _within(group)
        pairs += paired
        alone += rest
    paired, rest = _written_differently(alone)
    pairs += paired
    pairs = _distinct(pairs)
    leftover = [*unmatched, *(Leftover(one.name, _alone(one)) for one in rest)]
    return Pairing(
        tuple(sorted(pairs, key=lambda pair: (pair.video_id, pair.clip.name, pair.mask.name))),
        tuple(sorted(leftover)),
    )


def _with_roles(
    media: Sequence[Media], clips: Sequence[str], masks: Sequence[str]
) -> tuple[list[Media], list[Leftover]]:
    kept: list[Media] = []
    unmatched: list[Leftover] = []
    for one in media:
        role: Role = one.role
        if _matches(one, masks):
            role = "mask"
        elif _matches(one, clips):
            role = "clip"
        elif (clips and role == "clip") or (masks and role == "mask") or (clips and masks):
            unmatched.append(Leftover(one.name, "matches no pattern of --clips or --masks"))
            continue
        elif clips or masks:
            role = "mask" if clips else "clip"
        kept.append(replace(one, role=role))
    return kept, unmatched


def _matches(one: Media, patterns: Iterable[str]) -> bool:
    return any(
        fnmatchcase(name, pattern)
        for pattern in patterns
        for name in (one.name, one.entries[0].path)
    )


def _within(group: Sequence[Media]) -> tuple[list[Pair], list[Media]]:
    """Pairs among media of one id. Their contexts, such as a folder per generator, separate several
    pairs.
    """
    if _is_simple(group):
        return _simple(group)
    by_context: dict[tuple[str, ...], list[Media]] = defaultdict(list)
    for one in group:
        by_context[one.context].append(one)
    pairs: list[Pair] = []
    rest: list[Media] = []
    open_: list[Media] = []
    for members in by_context.values():
        if len(by_context) > 1 and _is_simple(members) and len(members) == 2:
            paired, _ = _simple(members)
            pairs += [replace(pair, how=f"{pair.how}, in the same folder") for pair in paired]
        else:
            open_ += members
    clips, masks = (
        [one for one in open_ if (one.role == "mask") == is_mask] for is_mask in (False, True)
    )
    if len(clips) > 1 and not masks:
        # Several videos have one name, and no name says which shows the masks.
        clips, masks = _clip_first(clips)
        doubt = (
            "no name says which of them shows the masks; give --clips and --masks patterns, "
            "or correct clip and mask here"
        )
        pairs += [_pair(clip, mask, "by id", 0.5, doubt) for clip in clips for mask in masks]
    elif clips and masks:
        doubt = (
            f"{len(clips)} clips and {len(masks)} masks have this id; say yes to the right "
            "pair, no to the others"
        )
        pairs += [_pair(clip, mask, "by id", 0.4, doubt) for clip in clips for mask in masks]
    else:
        rest += open_
    return pairs, rest


def _clip_first(media: Sequence[Media]) -> tuple[list[Media], list[Media]]:
    """The most probable clip, and the others, each of which may show the masks."""
    first = next((one for one in media if one.role == "clip"), media[0])
    return [first], [one for one in media if one is not first]


def _is_simple(group: Sequence[Media]) -> bool:
    return len(group) == 1 or (len(group) == 2 and sum(one.role == "mask" for one in group) == 1)


def _simple(group: Sequence[Media]) -> tuple[list[Pair], list[Media]]:
    if len(group) == 1:
        return [], list(group)
    clip, mask = sorted(group, key=lambda one: one.role == "mask")
    how = (
        "by id and both roles in the names"
        if clip.role == "clip"
        else "by id and the mask's role in its name"
    )
    return [_pair(clip, mask, how, 1.0 if clip.stem == mask.stem else 0.95)], []


def _written_differently(alone: Sequence[Media]) -> tuple[list[Pair], list[Media]]:
    """Pairs among the rest, whose ids differ only in how they are written."""
    groups: dict[str, list[Media]] = defaultdict(list)
    for one in alone:
        groups[loose_key(one.stem)].append(one)
    pairs: list[Pair] = []
    rest: list[Media] = []
    for group in groups.values():
        masks = [one for one in group if one.role == "mask"]
        clips = [one for one in group if one.role != "mask"]
        if not masks or not clips:
            rest += group
            continue
        for clip in clips:
            for mask in masks:
                doubt = f"the names differ: {clip.stem} and {mask.stem}"
                pairs.append(_pair(clip, mask, "by letters and numbers of the id", 0.6, doubt))
    return pairs, rest


def _pair(clip: Media, mask: Media, how: str, confidence: float, doubt: str = "") -> Pair:
    return Pair(video_id_of(clip.stem), clip, mask, how, confidence, doubt)


def video_id_of(stem: str) -> str:
    """A video_id made from a name: characters other than letters, digits, _ and - become -."""
    kept = "".join(letter if VIDEO_ID.fullmatch(letter) else "-" for letter in stem)[:128]
    return kept if VIDEO_ID.fullmatch(kept) else "video"


def _distinct(pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs with a distinct id for each clip: the ids of clips of one name begin with their
    folders.
    """
    clips: dict[str, dict[str, Media]] = defaultdict(dict)
    for pair in pairs:
        clips[pair.video_id][pair.clip.name] = pair.clip
    out: list[Pair] = []
    for pair in pairs:
        same = list(clips[pair.video_id].values())
        bare_number = pair.clip.stem.isdecimal() and pair.clip.context
        if (len(same) > 1 and len({one.context for one in same}) == len(same)) or bare_number:
            out.append(
                replace(pair, video_id=video_id_of("_".join([*pair.clip.context, pair.clip.stem])))
            )
        elif len(same) > 1 and pair.is_sure:
            doubt = (
                f"{len(same)} clips have the video_id {pair.video_id}; give each its own "
                "video_id here"
            )
            out.append(replace(pair, confidence=0.5, doubt=doubt))
        else:
            out.append(pair)
    return out


def _alone(one: Media) -> str:
    if one.role == "mask":
        return "a mask without a clip of this id"
    return "a clip without a mask" if one.is_video else "images without a clip of this id"


def by_id(pairs: Iterable[Pair]) -> Iterator[tuple[str, list[Pair]]]:
    """(video_id, its pairs), sorted by video_id."""
    groups: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        groups[pair.video_id].append(pair)
    yield from sorted(groups.items())
