"""Measures how well two or more annotators of the same videos agree, which is the most that a model
can be expected to reach.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from ...builder.raw import FILE_NAME, MasksAre, Problem
from ...builder.work import Progress, executor_of, no_progress, run_tasks
from ...masks import ARTIFACT_TYPES, TYPE_NOT_GIVEN, Float64Array, Int64Array, decode, empty, parse
from ...release import __version__
from ..evaluation import (
    UNRELIABLE,
    UNRELIABLE_NOTE,
    AnnotatedVideo,
    Annotation,
    Estimate,
    EvaluationError,
    Masklet,
    areas,
    count_strings,
    disputed,
    estimate,
    foreground,
    intersections,
    on_stored,
    read_annotation,
)
from .votes import (
    MAX_ANNOTATORS,
    cohen_kappa,
    fleiss_kappa,
    krippendorff_alpha,
    pair_table,
    staple,
    votes_of,
)

MATCH_IOU = 0.5

CONVENTIONS = {
    "frames": "those that both of a pair (for Fleiss' kappa and STAPLE: all) have annotated",
    "jf": "J&F and Dice as in `brokenvideos evaluate`, per frame, mean over frames, then pairs, "
    "then videos",
    "marked": "videos in which at least one annotator marks a pixel; in all others everybody "
    "agrees",
    "active": "frames in which at least one of the pair marks a pixel",
    "ceiling": "active and all-frames J&F of people with each other, on marked videos: what a "
    "model can be expected to reach",
    "kappa": "over the pixels of all common frames together; 1 where everybody chose one class "
    "throughout, none without a frame",
    "objects": "matched by IoU over the video, at least 0.5; their types are compared",
}


@dataclass(frozen=True, slots=True)
class PairVideo:
    """Two annotators on one video: means over their common frames; NaN if no frame is active."""

    jf: float
    j: float
    f: float
    dice: float
    active_jf: float
    active_dice: float
    frames: int
    objects: tuple[int, int]
    type_table: tuple[tuple[int, ...], ...]
    """Number of matched objects by the two annotators' types, in the order of ARTIFACT_TYPES and
    `TYPE_NOT_GIVEN`.
    """
    worst_frame: int | None
    """The active frame with the lowest J&F; None without one."""


@dataclass(frozen=True, slots=True, eq=False)
class VideoVotes:
    """One video of all annotators. `patterns`: int64[2**N] for each set of annotators of a frame,
    given as a bit mask.
    """

    video_id: str
    marked: bool
    pairs: tuple[PairVideo, ...]
    patterns: Mapping[int, Int64Array]


@dataclass(frozen=True, slots=True)
class PairAgreement:
    """Two annotators on all videos."""

    first: str
    second: str
    jf: Estimate
    dice: Estimate
    active_jf: Estimate
    active_dice: Estimate
    kappa: float | None
    objects_first: int
    objects_second: int
    objects_matched: int
    types_equal: float | None
    type_kappa: float | None

    def to_dict(self) -> dict[str, Any]:
        estimates = {
            name: getattr(self, name).to_dict()
            for name in ("jf", "dice", "active_jf", "active_dice")
        }
        other_names = (
            "kappa",
            "objects_first",
            "objects_second",
            "objects_matched",
            "types_equal",
            "type_kappa",
        )
        return {
            "first": self.first,
            "second": self.second,
            **estimates,
            **{name: getattr(self, name) for name in other_names},
        }


@dataclass(frozen=True, slots=True)
class Agreement:
    """The result of `agree`. `worst`: (video_id, mean active J&F over the pairs), lowest first."""

    annotators: tuple[str, ...]
    num_videos: int
    num_marked: int
    ceiling: Estimate
    active_ceiling: Estimate
    pairs: tuple[PairAgreement, ...]
    fleiss_kappa: float | None
    krippendorff_alpha: float | None
    sensitivity: tuple[float, ...] | None
    specificity: tuple[float, ...] | None
    """Sensitivity and specificity of each annotator against STAPLE's estimate of the truth, over
    all videos; None if no frame was annotated by all.
    """
    worst: tuple[tuple[str, float], ...]
    by_video: Mapping[str, tuple[PairVideo, ...]]
    """Every pair of annotators, in the order of `pairs`, by video_id."""

    def to_dict(self) -> dict[str, Any]:
        """Everything, as plain values for JSON."""
        return {
            "format_version": 1,
            "brokenvideos": __version__,
            "conventions": dict(CONVENTIONS),
            "annotators": list(self.annotators),
            "videos": self.num_videos,
            "marked_videos": self.num_marked,
            "ceiling": {"jf": self.ceiling.to_dict(), "active_jf": self.active_ceiling.to_dict()},
            "pairs": [pair.to_dict() for pair in self.pairs],
            "fleiss_kappa": self.fleiss_kappa,
            "krippendorff_alpha": self.krippendorff_alpha,
            "staple": None
            if self.sensitivity is None or self.specificity is None
            else {"sensitivity": list(self.sensitivity), "specificity": list(self.specificity)},
            "worst": [{"video_id": video_id, "active_jf": score} for video_id, score in self.worst],
        }

    def table(self) -> str:
        """The main results as lines of text."""
        lines = [
            f"{self.num_videos} videos, {self.num_marked} marked by somebody; annotators: "
            f"{', '.join(self.annotators)}",
            "Human ceiling, J&F on marked videos: active frames "
            f"{shown_estimate(self.active_ceiling)}, all frames {shown_estimate(self.ceiling)}",
            "",
            "| pair | J&F active | J&F | Dice active | Dice | kappa | objects matched | types "
            "equal |",
            "|---|---|---|---|---|---|---|---|",
        ]
        for pair in self.pairs:
            cells = [
                f"{pair.first} and {pair.second}",
                *(
                    shown_estimate(score)
                    for score in (pair.active_jf, pair.jf, pair.active_dice, pair.dice)
                ),
                shown_number(pair.kappa),
                f"{pair.objects_matched} of {pair.objects_first} and {pair.objects_second}",
                shown_number(pair.types_equal),
            ]
            lines.append(f"| {' | '.join(cells)} |")
        lines += [
            "",
            f"Fleiss' kappa {shown_number(self.fleiss_kappa)}, Krippendorff's alpha "
            f"{shown_number(self.krippendorff_alpha)}",
        ]
        if self.sensitivity is not None and self.specificity is not None:
            rated = zip(self.annotators, self.sensitivity, self.specificity, strict=True)
            lines.append(
                "Against STAPLE's truth: "
                + ", ".join(
                    f"{name} sensitivity {p:.3f}, specificity {q:.5f}" for name, p, q in rated
                )
            )
        if self.worst:
            lines.append(
                "Most disputed (active J&F): "
                + ", ".join(f"{video_id} {score:.3f}" for video_id, score in self.worst[:10])
            )
        if any(f"]{UNRELIABLE}" in line for line in lines):
            lines.append(UNRELIABLE_NOTE)
        return "\n".join(lines)


def agree(
    paths: Sequence[Path],
    *,
    masks_are: MasksAre | None = None,
    workers: int = 1,
    on_progress: Progress = no_progress,
) -> Agreement:
    """The agreement of annotators on the videos that all of them have.

    Args:
        paths: two to eight releases, raw folders or folders of PNG masks.
        masks_are: how masks of rotated videos were drawn, if their size does not show it. None:
            such a mask is an error.

    Raises:
        EvaluationError: fewer or more folders, two with one name, no common video, or videos of
            different sizes or rotations.
        RawError: it is not known how a mask was drawn.
    """
    annotations = _read_all(paths, masks_are)
    names = names_of(paths)
    common = common_videos(annotations)
    with executor_of(workers) as executor:
        tasks = [tuple(readers) for readers in readers_of(annotations, common)]
        votes = partial(_votes, masks_are=masks_are)
        videos = list(
            run_tasks(
                executor, votes, tasks, lambda done, total: on_progress("compare", done, total)
            )
        )
    return _agreement(names, videos)


def apart(paths: Sequence[Path]) -> list[Path]:
    """The annotators' folders: `paths`, or, for one folder with the work of several people, the
    folders in it.

    `brokenvideos annotate` keeps one raw folder below people/ for each person, or one in second/
    for second opinions.
    """
    if len(paths) != 1:
        return list(paths)
    people = sorted(path.parent for path in paths[0].glob(f"people/*/{FILE_NAME}"))
    second = [path.parent for path in paths[0].glob(f"second/{FILE_NAME}")]
    return people or [*paths, *second]


def names_of(paths: Sequence[Path]) -> tuple[str, ...]:
    """Short names of the annotators: the folder's name, with as much of its path as is needed to
    make the names different.
    """
    for depth in range(1, 8):
        names = tuple("/".join(path.resolve().parts[-depth:]) for path in paths)
        if len(set(names)) == len(names):
            return names
    return tuple(str(path) for path in paths)


def _read_all(paths: Sequence[Path], masks_are: MasksAre | None) -> list[Annotation]:
    if not 2 <= len(paths) <= MAX_ANNOTATORS:
        raise EvaluationError(
            [Problem("annotators", f"{len(paths)} given, wanted 2 to {MAX_ANNOTATORS}")]
        )
    return [read_annotation(path, masks_are=masks_are) for path in paths]


def common_videos(annotations: Sequence[Annotation]) -> list[str]:
    """Ids of the videos that all annotators have, sorted.

    Raises:
        EvaluationError: there is no such video.
    """
    common = sorted(set.intersection(*(set(annotation.splits) for annotation in annotations)))
    if not common:
        have = "; ".join(
            f"{annotation.path} has {len(annotation.splits)}" for annotation in annotations
        )
        raise EvaluationError(
            [Problem("videos", f"no video_id is in all annotations ({have}); check the names")]
        )
    return common


@dataclass(frozen=True, slots=True)
class Reader:
    """One video of one annotator, not read yet."""

    annotation: Path
    part: Any
    video_id: str

    def read(self) -> AnnotatedVideo:
        for video in self.part.read():
            if video.video_id == self.video_id:
                annotated: AnnotatedVideo = video
                return annotated
        raise KeyError(self.video_id)


def readers_of(
    annotations: Sequence[Annotation], video_ids: Sequence[str]
) -> Iterator[list[Reader]]:
    """Yields for every video one reader per annotator."""
    homes = []
    for annotation in annotations:
        home = {}
        for part in annotation.parts:
            if len(part.video_ids) == 1:
                home[part.video_ids[0]] = part
            else:
                home.update({video.video_id: part for video in part.read()})
        homes.append(home)
    for video_id in video_ids:
        yield [
            Reader(a.path, home[video_id], video_id)
            for a, home in zip(annotations, homes, strict=True)
        ]


def _votes(readers: Sequence[Reader], *, masks_are: MasksAre | None) -> VideoVotes:
    videos = read_together(readers, masks_are=masks_are)
    unions = [video.union() for video in videos]
    pairs = tuple(
        _pair(videos, unions, first, second)
        for first, second in combinations(range(len(videos)), 2)
    )
    patterns: dict[int, Int64Array] = {}
    for frame_index in sorted({frame for video in videos for frame in video.frames}):
        looked = sum(
            1 << number for number, video in enumerate(videos) if frame_index in set(video.frames)
        )
        strings = [union.get(frame_index) for union in unions]
        frame_votes = frame_patterns(strings, height=videos[0].height, width=videos[0].width)
        patterns[looked] = patterns.get(looked, 0) + np.bincount(
            frame_votes.reshape(-1), minlength=1 << len(videos)
        )
    return VideoVotes(videos[0].video_id, any(unions), pairs, patterns)


def read_together(readers: Sequence[Reader], *, masks_are: MasksAre | None) -> list[AnnotatedVideo]:
    """One video of all annotators, with masks on the stored frames.

    Masks of an annotator without the video are turned onto the stored frames of an annotator who
    has it.

    Args:
        masks_are: how masks without a video were drawn, if the video is rotated and their size does
            not show it.

    Raises:
        EvaluationError: the sizes or the rotations of the video differ.
        RawError: it is not known how a mask was drawn.
    """
    names = [str(reader.annotation) for reader in readers]
    videos = [reader.read() for reader in readers]
    place = next(
        (place for place, video in enumerate(videos) if video.orientation is not None), None
    )
    if place is not None:
        videos = [
            on_stored(
                video, videos[place], masks_are=masks_are, where=f"{name} video {video.video_id}"
            )
            for video, name in zip(videos, names, strict=True)
        ]
    _check_turns(videos, names, place or 0)
    _check_sizes(videos, names)
    return videos


def _check_turns(videos: Sequence[AnnotatedVideo], names: Sequence[str], place: int) -> None:
    """The rotation that can be compared: a row stores an angle that is not a quarter turn as 0."""
    first = videos[place].orientation
    for video, name in zip(videos, names, strict=True):
        if (
            first is not None
            and video.orientation is not None
            and video.orientation.rotation != first.rotation
        ):
            what = (
                f"players show it {video.orientation} in {name}, {first} in {names[place]} (its "
                "display matrix)"
            )
            raise EvaluationError(
                [Problem(f"video {video.video_id}", f"{what}; annotate the same video file")]
            )


def _check_sizes(videos: Sequence[AnnotatedVideo], names: Sequence[str]) -> None:
    first = videos[0]
    for video, name in zip(videos, names, strict=True):
        if (video.height, video.width) != (first.height, first.width):
            what = (
                f"masks of {video.height}x{video.width} in {name}, of {first.height}x{first.width} "
                f"in {names[0]}"
            )
            raise EvaluationError(
                [Problem(f"video {video.video_id}", f"{what}; annotate at the size of the video")]
            )


def frame_patterns(
    strings: Sequence[str | None], *, height: int, width: int
) -> "np.ndarray[Any, np.dtype[np.uint8]]":
    """uint8[H, W]: the annotators who mark each pixel, one bit each; None: no pixel is marked."""
    patterns = np.zeros((height, width), np.uint8)
    for number, counts in enumerate(strings):
        if counts is not None:
            patterns |= decode([counts], height=height, width=width)[0] << np.uint8(number)
    return patterns


def _pair(
    videos: Sequence[AnnotatedVideo], unions: Sequence[Mapping[int, str]], first: int, second: int
) -> PairVideo:
    one, other = videos[first], videos[second]
    height, width = one.height, one.width
    background = empty(height, width)
    frames = sorted(set(one.frames) & set(other.frames))
    strings = [
        [unions[number].get(frame, background) for frame in frames] for number in (first, second)
    ]
    counts = count_strings(strings[0], strings[1], frames=frames, height=height, width=width)
    j, f, dice = counts.j(), counts.f(), counts.dice()
    active = (counts.truth_px > 0) | (counts.pred_px > 0)
    return PairVideo(
        jf=_mean((j + f) / 2),
        j=_mean(j),
        f=_mean(f),
        dice=_mean(dice),
        active_jf=_mean((j + f)[active] / 2),
        active_dice=_mean(dice[active]),
        frames=len(frames),
        objects=(len(one.masklets), len(other.masklets)),
        type_table=_type_table(one, other, frames),
        worst_frame=disputed(counts)[1],
    )


def _mean(values: Float64Array) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _type_table(
    first: AnnotatedVideo, second: AnnotatedVideo, frames: Sequence[int]
) -> tuple[tuple[int, ...], ...]:
    """Matched objects by type. Above IoU one half an object has at most one match, so taking the
    best pairs first is optimal.
    """
    names = (*ARTIFACT_TYPES, TYPE_NOT_GIVEN)
    by_iou = sorted(
        (
            (_iou(a, b, frames, height=first.height, width=first.width), number, second_number)
            for number, a in enumerate(first.masklets)
            for second_number, b in enumerate(second.masklets)
        ),
        key=lambda entry: (-entry[0], entry[1:]),
    )
    table = [[0] * len(names) for _ in names]
    taken: tuple[set[int], set[int]] = (set(), set())
    for iou, number, second_number in by_iou:
        if iou >= MATCH_IOU and number not in taken[0] and second_number not in taken[1]:
            taken[0].add(number)
            taken[1].add(second_number)
            row, column = (
                first.masklets[number].artifact_type,
                second.masklets[second_number].artifact_type,
            )
            table[names.index(row)][names.index(column)] += 1
    return tuple(map(tuple, table))


def _iou(a: Masklet, b: Masklet, frames: Sequence[int], *, height: int, width: int) -> float:
    background = empty(height, width)
    spans = [
        foreground(
            parse(
                [masklet.counts.get(frame, background) for frame in frames],
                height=height,
                width=width,
            )
        )
        for masklet in (a, b)
    ]
    both = int(intersections(spans[0], spans[1]).sum())
    either = int(areas(spans[0]).sum() + areas(spans[1]).sum()) - both
    return both / either if either else 0.0


def _agreement(names: Sequence[str], videos: Sequence[VideoVotes]) -> Agreement:
    marked = [video for video in videos if video.marked]
    num_annotators = len(names)
    everybody = (1 << num_annotators) - 1
    total = np.zeros(1 << num_annotators, np.int64)
    by_raters: dict[int, Int64Array] = {}
    looked_at: dict[int, Int64Array] = {}
    for video in videos:
        for looked, patterns in video.patterns.items():
            looked_at[looked] = looked_at.get(looked, 0) + patterns
            raters = looked.bit_count()
            by_raters[raters] = by_raters.get(raters, 0) + votes_of(patterns)[: raters + 1]
    total = looked_at.get(everybody, total)
    rated = staple(total)
    worst = sorted(
        (
            (video.video_id, float(np.nanmean([pair.active_jf for pair in video.pairs])))
            for video in marked
            if _any_active(video)
        ),
        key=lambda entry: (entry[1], entry[0]),
    )
    return Agreement(
        annotators=tuple(names),
        num_videos=len(videos),
        num_marked=len(marked),
        ceiling=estimate(
            np.array([np.mean([pair.jf for pair in video.pairs]) for video in marked])
        ),
        active_ceiling=estimate(np.array([score for _, score in worst])),
        pairs=tuple(
            _pair_agreement(
                names, [video.pairs[number] for video in marked], looked_at, first, second
            )
            for number, (first, second) in enumerate(combinations(range(num_annotators), 2))
        ),
        fleiss_kappa=fleiss_kappa(votes_of(total)),
        krippendorff_alpha=krippendorff_alpha(by_raters),
        sensitivity=None if rated is None else tuple(rated.sensitivity.tolist()),
        specificity=None if rated is None else tuple(rated.specificity.tolist()),
        worst=tuple(worst),
        by_video={video.video_id: video.pairs for video in videos},
    )


def _any_active(video: VideoVotes) -> bool:
    return any(not np.isnan(pair.active_jf) for pair in video.pairs)


def _pair_agreement(
    names: Sequence[str],
    pairs: Sequence[PairVideo],
    looked_at: Mapping[int, Int64Array],
    first: int,
    second: int,
) -> PairAgreement:
    pixels = np.zeros((2, 2), np.int64)
    for looked, patterns in looked_at.items():
        if looked >> first & 1 and looked >> second & 1:
            pixels += pair_table(patterns, first, second)
    types = (
        np.sum([pair.type_table for pair in pairs], axis=0) if pairs else np.zeros((4, 4), np.int64)
    )
    # Two types that are not given do not count as agreement about types.
    types = types[:-1, :-1]
    num_typed = int(types.sum())
    return PairAgreement(
        first=names[first],
        second=names[second],
        jf=estimate(np.array([pair.jf for pair in pairs])),
        dice=estimate(np.array([pair.dice for pair in pairs])),
        active_jf=estimate(np.array([pair.active_jf for pair in pairs])),
        active_dice=estimate(np.array([pair.active_dice for pair in pairs])),
        kappa=cohen_kappa(pixels),
        objects_first=sum(pair.objects[0] for pair in pairs),
        objects_second=sum(pair.objects[1] for pair in pairs),
        objects_matched=sum(int(np.sum(pair.type_table)) for pair in pairs),
        types_equal=float(np.trace(types)) / num_typed if num_typed else None,
        type_kappa=cohen_kappa(types),
    )


def shown_estimate(score: Estimate) -> str:
    """A mean with its interval, as texts and pages show it."""
    return "-" if score.value is None else f"{score.value:.3f} {score.interval()}".rstrip()


def shown_number(value: float | None) -> str:
    """A coefficient, as texts and pages show it."""
    return "-" if value is None else f"{value:.3f}"
