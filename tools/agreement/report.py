"""An agreement as a report: the human ceiling, the pairs, STAPLE's view of each annotator, and
every video.
"""

from collections.abc import Sequence

import numpy as np

from ..evaluation import UNRELIABLE, UNRELIABLE_NOTE, Estimate
from ..page import (
    Cell,
    Column,
    Definitions,
    EveryVideo,
    Facts,
    Figure,
    Figures,
    Metric,
    Ranged,
    Report,
    Scored,
    Section,
    Table,
    Text,
)
from .agreement import CONVENTIONS, Agreement, PairVideo, shown_number

PAIR_COLUMNS = ("J&F active", "J&F", "Dice active", "Dice")


def agreement_report(agreement: Agreement) -> Report:
    """The report; equal for equal agreements.

    Its page is given the first annotator as the source, and the others in their order.
    """
    facts = (
        ("Annotators", ", ".join(agreement.annotators)),
        ("Videos", f"{agreement.num_videos}, {agreement.num_marked} marked by somebody"),
        ("Fleiss' kappa", shown_number(agreement.fleiss_kappa)),
        ("Krippendorff's alpha", shown_number(agreement.krippendorff_alpha)),
    )
    num_others = len(agreement.annotators) - 1
    metrics = {
        "active_jf": "J&F active",
        "jf_of_pairs": "J&F",
        "dice": "Dice",
    }
    values = [_means(agreement.by_video[video_id]) for video_id in agreement.by_video]
    return Report(
        title=f"Agreement of {', '.join(agreement.annotators)}",
        sections=(
            Section("", (Facts(facts),)),
            Section("Human ceiling", _ceiling(agreement)),
            Section("Pairs", _pairs(agreement)),
            *_staple(agreement),
            Section("Every video", (EveryVideo(_every_video(agreement)),)),
            Section("What the numbers mean", (Definitions(tuple(CONVENTIONS.items())),)),
        ),
        videos=tuple(agreement.by_video),
        metrics=tuple(
            Metric(key, title, tuple(found[place] for found in values))
            for place, (key, title) in enumerate(metrics.items())
        ),
        sort="active_jf",
        worst=tuple(video_id for video_id, _ in agreement.worst),
        # The pairs with the first annotator stand before all others.
        scores={
            video_id: [_scored(pair) for pair in pairs[:num_others]]
            for video_id, pairs in agreement.by_video.items()
        },
    )


def _means(pairs: Sequence[PairVideo]) -> tuple[float | None, ...]:
    columns = np.array([(pair.active_jf, pair.jf, pair.dice) for pair in pairs], np.float64)
    return tuple(
        None if np.isnan(column).all() else float(np.nanmean(column)) for column in columns.T
    )


def _scored(pair: PairVideo) -> Scored:
    jf = None if np.isnan(pair.jf) else pair.jf
    if np.isnan(pair.active_jf):
        return Scored(jf, None if jf is None else 0.0, None)
    return Scored(jf, 1 - pair.active_jf, pair.worst_frame)


def _ceiling(agreement: Agreement) -> tuple[Text | Figures, ...]:
    figures = []
    for title, note, found in (
        (
            "J&F in active frames",
            "Frames in which one of a pair marks something.",
            agreement.active_ceiling,
        ),
        ("J&F in all frames", "Every frame that both of a pair looked at.", agreement.ceiling),
    ):
        if found.value is not None:
            interval = "" if found.low is None else f"95 % {_interval(found)}"
            figures.append(
                Figure(title, note, found.value, found.n, found.low, found.high, interval)
            )
    note = (
        "People with each other, on marked videos: what a model can be expected to reach. "
        f"{UNRELIABLE_NOTE}"
    )
    if not figures:
        return (Text("Nobody has marked anything, so there is no ceiling."),)
    return (Text(note, "note"), Figures(tuple(figures)))


def _interval(found: Estimate) -> str:
    if found.low is None or found.high is None:
        return ""
    return f"{found.low:.3f} to {found.high:.3f}{'' if found.reliable else UNRELIABLE}"


def _pairs(agreement: Agreement) -> tuple[Text | Table, ...]:
    columns = (
        Column("pair", "text"),
        *map(Column, PAIR_COLUMNS),
        Column("kappa"),
        Column("objects matched", "text"),
        Column("types equal"),
    )
    rows: list[tuple[Cell, ...]] = []
    for pair in agreement.pairs:
        estimates = (pair.active_jf, pair.jf, pair.active_dice, pair.dice)
        rows.append(
            (
                f"{pair.first} and {pair.second}",
                *(Ranged(found.value, _interval(found)) for found in estimates),
                pair.kappa,
                f"{pair.objects_matched} of {pair.objects_first} and {pair.objects_second}",
                pair.types_equal,
            )
        )
    return (
        Text(f"Means over marked videos, 95 % intervals. {UNRELIABLE_NOTE}", "note"),
        Table(columns, tuple(rows)),
    )


def _staple(agreement: Agreement) -> tuple[Section, ...]:
    if agreement.sensitivity is None or agreement.specificity is None:
        return ()
    rows = zip(agreement.annotators, agreement.sensitivity, agreement.specificity, strict=True)
    columns = (Column("annotator", "text"), Column("sensitivity"), Column("specificity"))
    return (Section("Against STAPLE's truth", (Table(columns, tuple(rows)),)),)


def _every_video(agreement: Agreement) -> str:
    if not any(score < 1 for _, score in agreement.worst):
        return "Nothing is disputed."
    first = agreement.annotators[0]
    return (
        f"Means of the pairs. A video opens at its most disputed frame, {first} beside the "
        "annotator who differs most; you choose another one above the picture."
    )
