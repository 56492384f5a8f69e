"""The section on statistics, in words and figures."""

import numpy as np

from ..details import AREA_EDGES
from ..facts import types_in
from ..inputs import CardInputs
from .markdown import figure, many, paragraphs, percent, table
from .prompts import prompts


def statistics(inputs: CardInputs) -> str:
    """Artifacts, masks, lengths and sizes, shortcuts."""
    return paragraphs(
        "Everything here was counted in the shards of this release.",
        "### Artifacts by generator",
        _generators(inputs),
        "### Prompts and triggers" if inputs.facts.triggers else None,
        prompts(inputs.facts.triggers),
        "### Masks",
        _masks(inputs),
        "### Lengths and sizes",
        _lengths(inputs),
        "### Shortcuts in the metadata",
        _shortcuts(inputs),
    )


def _generators(inputs: CardInputs) -> str:
    total, crossed = inputs.total, inputs.details.generator_types
    types = types_in(total.artifact_types)
    rows = [
        [name, count, crossed[name, "normal"], *(crossed[name, kind] for kind in types)]
        for name, count in sorted(total.generators.items())
    ]
    return paragraphs(
        figure("generators", "Videos by generator and artifact type"),
        table(["generator", "videos", "normal", *types], rows),
        "A broken video can have several types and is counted in each of them.",
    )


def _masks(inputs: CardInputs) -> str:
    total, details = inputs.total, inputs.details
    if not total.num_masks:
        return "There is no mask in this release."
    active = percent(total.num_active_frames, total.num_annotated_frames)
    rows = [
        [name, total.artifact_types[name], details.num_masks[name], _median_area(inputs, name)]
        for name in types_in(total.artifact_types)
        if details.num_masks[name]
    ]
    return paragraphs(
        f"{many(total.num_active_frames, 'frame')} have at least one mask, {active} of the "
        "annotated ones.",
        table(["type", "videos", "masks", "median mask, share of the frame"], rows),
        figure("mask_areas", "Masks by their share of the frame, for each artifact type"),
        figure("positions", "Where masks of each artifact type lie in the frame"),
        "Positions are those in the upright frame, all sizes stretched to one; the colour says "
        "which share of a type's masks covers a place.",
    )


def _median_area(inputs: CardInputs, name: str) -> str:
    """The bin that holds the median mask; the histogram does not allow a finer value."""
    bins = inputs.details.areas[name]
    middle = int(np.searchsorted(np.cumsum(bins), bins.sum() / 2))
    return f"{AREA_EDGES[middle]:.2%} to {AREA_EDGES[middle + 1]:.2%}"


def _lengths(inputs: CardInputs) -> str:
    lengths = sorted(inputs.total.num_frames.elements())
    rates = inputs.details.rates
    rate = ", ".join(
        f"{fps:g} ({count:,})"
        for fps, count in sorted(rates.items(), key=lambda item: (-item[1], item[0]))[:8]
    )
    more = f" and {len(rates) - 8} other rates" if len(rates) > 8 else ""
    median = lengths[(len(lengths) - 1) // 2]
    span = (
        f"{many(median, 'frame')} in every video."
        if lengths[0] == lengths[-1]
        else f"From {many(lengths[0], 'frame')} to {many(lengths[-1], 'frame')} in a video, the "
        f"median is {median:,}."
    )
    return paragraphs(
        f"{span} Frames per second (videos): {rate}{more}. "
        f"{many(len(inputs.total.sizes), 'frame size')}.",
        figure("lengths", "Videos by number of frames, normal and broken"),
        figure("sizes", "Videos by frame size, width by height"),
    )


def _shortcuts(inputs: CardInputs) -> str:
    shortcuts = inputs.facts.shortcuts
    if shortcuts.combined is None:
        return (
            "Whether length, size, rate or bytes alone give the label away cannot be said: there "
            f"are too few videos ({shortcuts.num_normal} normal, {shortcuts.num_broken} broken)."
        )
    rows = [
        [f"`{name}`", f"{value:.2f}"]
        for name, value in shortcuts.by_feature.items()
        if value is not None
    ]
    return paragraphs(
        "How well broken and normal videos are told apart without looking at a pixel, as area "
        "under the ROC curve: 0.50 is not at all, 1.00 is always. All columns together, on videos "
        f"that were not fitted on: **{shortcuts.combined:.2f}**. One column alone, whichever way "
        "round:",
        table(["metadata", "AUC"], rows),
        "A classifier of whole videos has to be compared with this number; masks are not given "
        "away by it.",
    )
