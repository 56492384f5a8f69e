"""The section on how the masks were made, and how well annotators agree."""

from ..inputs import CardInputs
from .data import is_rendered
from .markdown import estimate, many, number, paragraphs, percent, table, unreliable_note


def annotation(inputs: CardInputs) -> str:
    """The number of annotated frames and annotators, and the maintainers' text."""
    total, details = inputs.total, inputs.details
    frames = sum(length * count for length, count in total.num_frames.items())
    named = len(set(details.annotators) - {"unknown"})
    text = inputs.about.texts.get("annotation")
    if text is None and is_rendered(inputs):
        text = (
            "The program that drew the artifacts drew the masks too: they mark exactly the "
            "pixels that it changed on purpose."
        )
    return paragraphs(
        text or "How the masks were made was not stated when this card was made.",
        f"{total.num_annotated_frames:,} of {frames:,} frames "
        f"({percent(total.num_annotated_frames, frames)}) are annotated; "
        f"{details.num_partly_annotated:,} of {many(total.num_videos, 'video')} only in part. "
        f"`source.annotator` tells {many(named, 'annotator')} apart and is null for "
        f"{many(details.annotators['unknown'], 'video')}.",
        "Each object is one artifact region with one type, followed through the video. The "
        "fingerprint of every mask, taken from the raw annotation before any coding, is kept "
        "beside it.",
    )


def agreement(inputs: CardInputs) -> str:
    """The main scores of `brokenvideos agree`."""
    agreement = inputs.about.agreement
    if agreement is None:
        return (
            "No agreement between annotators was measured when this card was made. `brokenvideos "
            "agree` measures it where two or more people have annotated the same videos."
        )
    names = ("active_jf", "jf", "active_dice", "kappa", "types_equal")
    rows = [
        [str(place), *(number(pair[name]) for name in names)]
        for place, pair in enumerate(agreement["pairs"], start=1)
    ]
    ceiling = {name: estimate(agreement["ceiling"][name]) for name in ("active_jf", "jf")}
    return paragraphs(
        f"{many(agreement['num_annotators'], 'annotator')} marked the same "
        f"{many(agreement['num_videos'], 'video')}; in {agreement['num_marked']:,} of them "
        f"somebody marked something. People reach **{ceiling['active_jf']}** J&F with each other "
        f"in frames that one of a pair marked, and {ceiling['jf']} over all annotated frames: what "
        "a model can be expected to reach (mean and 95 % interval over videos).",
        unreliable_note(*ceiling.values()),
        table(["pair", "J&F active", "J&F", "Dice active", "Cohen's kappa", "equal types"], rows),
        f"Fleiss' kappa {number(agreement['fleiss_kappa'])}, Krippendorff's alpha "
        f"{number(agreement['krippendorff_alpha'])}, over pixels.",
    )
