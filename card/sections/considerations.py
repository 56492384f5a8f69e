"""The section on considerations for using the data. Each statement is counted, follows from the
format, or is the maintainers'.
"""

from collections import Counter

from ...masks import ARTIFACT_TYPES
from ..facts import types_in
from ..inputs import CardInputs
from .data import is_rendered
from .markdown import many, paragraphs, percent


def considerations(inputs: CardInputs) -> str:
    """Biases, limits, personal information, use and misuse."""
    parts = {
        "Biases": biases(inputs),
        "Limits": limits(inputs),
        "Personal information": personal_information(inputs),
        "Use": use_cases(inputs),
        "Misuse and social impact": social_impact(inputs),
    }
    return paragraphs(*(f"### {title}\n\n{_bullets(lines)}" for title, lines in parts.items()))


def biases(inputs: CardInputs) -> list[str]:
    total, shortcuts = inputs.total, inputs.facts.shortcuts
    types = Counter({name: total.artifact_types[name] for name in types_in(total.artifact_types)})
    lines = [
        f"{percent(total.labels['broken'], total.num_videos)} of the videos are broken. This is "
        "how the release was put together, no estimate of how often generators fail.",
        f"Videos by generator: {_spread(total.generators)}. A model may learn a generator and not "
        "an artifact; hold-outs show it.",
        f"Broken videos by artifact type: {_spread(types)}.",
    ]
    if shortcuts.combined is not None:
        lines.append(
            "Metadata alone tells broken from normal videos with an AUC of "
            f"{shortcuts.combined:.2f} (0.50 is not at all)."
        )
    return _with_stated(inputs, "biases", lines)


def limits(inputs: CardInputs) -> list[str]:
    total, details = inputs.total, inputs.details
    lines = [
        f"Three artifact types are marked: {', '.join(ARTIFACT_TYPES)}. What is broken in another "
        "way may be unmarked.",
        "A mask says where something is broken, not how badly.",
        "Frames outside `annotated_frames` are unknown; "
        f"{details.num_partly_annotated:,} of {many(total.num_videos, 'video')} have some.",
    ]
    if not is_rendered(inputs):
        lines.append("Where an artifact ends is a matter of judgement: see Agreement.")
    else:
        lines.append(
            "The videos are rendered: scores on them say little about videos of real generators."
        )
    return _with_stated(inputs, "limits", lines)


def personal_information(inputs: CardInputs) -> list[str]:
    total, details = inputs.total, inputs.details
    named = len(set(details.annotators) - {"unknown"})
    lines = [
        f"`prompt` holds text that people may have written, for {details.num_prompts:,} of "
        f"{many(total.num_videos, 'video')}.",
        f"`source.annotator` names {many(named, 'annotator')}, as given.",
    ]
    if not is_rendered(inputs):
        lines.append(
            "Generated pictures can resemble real people. The program that made this card did not "
            "look for that."
        )
    return _with_stated(inputs, "personal_information", lines)


def use_cases(inputs: CardInputs) -> list[str]:
    lines = [
        "Made for training and scoring models that find artifacts in generated videos, frame by "
        "frame and pixel by pixel.",
        "Made by a program for trying code out, and for tests."
        if is_rendered(inputs)
        else "Not made for telling generated from recorded videos: every row names a generator, "
        "there is nothing to compare with.",
    ]
    return _with_stated(inputs, "use", lines)


def social_impact(inputs: CardInputs) -> list[str]:
    del inputs  # the same for every release
    return [
        "Finding artifacts helps to filter and to improve generators. The same masks can be used "
        "to train generators whose output is harder to recognise.",
        "A video in which a model finds no artifact is not thereby real, and one in which it does "
        "is not thereby generated: such a model must not decide about people or evidence.",
    ]


def _with_stated(inputs: CardInputs, key: str, lines: list[str]) -> list[str]:
    text = inputs.about.texts.get(key)
    return lines if text is None else [*lines, text]


def _spread(counts: Counter[str]) -> str:
    """The values, from the rarest to the most frequent."""
    ordered = sorted(counts.items(), key=lambda item: (item[1], item[0]))
    if len(ordered) < 2:
        return ", ".join(f"{name} {count:,}" for name, count in ordered)
    (low, few), (high, most) = ordered[0], ordered[-1]
    if few == most:
        return f"{few:,} each"
    return f"from {few:,} ({low}) to {most:,} ({high})"


def _bullets(lines: list[str]) -> str:
    return "\n".join(f"- {line}".replace("\n", "\n  ") for line in lines)
