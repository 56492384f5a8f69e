"""Summaries of annotations and of people's work, for the list of videos."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .state import VideoState, person


@dataclass(frozen=True, slots=True)
class Summary:
    """The entry of one annotation in the list of videos.

    `worker` is the first person who edited it. `masks_by` and `seconds_by` count masks and active
    seconds by user.
    """

    revision: int
    status: str
    label: str | None
    num_frames: int
    num_seen: int
    num_masks: int
    num_objects: int
    num_proposals: int
    num_disputed: int
    annotator: str | None
    reviewer: str | None
    worker: str | None
    masks_by: Mapping[str, int]
    seconds_by: Mapping[str, float]


def summary_of(state: VideoState) -> Summary:
    """The summary of one annotation."""
    masks = [mask for found in state.masks.values() for mask in found.values()]
    masks_by: dict[str, int] = {}
    for mask in masks:
        if mask.origin not in ("imported", "proposal"):
            masks_by[mask.user] = masks_by.get(mask.user, 0) + 1
    return Summary(
        revision=state.revision,
        status=state.status,
        label=state.label,
        num_frames=state.video.num_frames,
        num_seen=len(state.seen),
        num_masks=len(masks),
        num_objects=len(state.objects),
        num_proposals=sum(mask.origin == "proposal" for mask in masks),
        num_disputed=sum(note.is_open for note in state.notes),
        annotator=state.annotator,
        reviewer=state.reviewer,
        worker=next(iter(state.seconds), None),
        masks_by=masks_by,
        seconds_by=dict(state.seconds),
    )


def people_of(summaries: Iterable[Summary]) -> list[dict[str, Any]]:
    """Counts for each person, sorted by name: videos, masks, reviews, active time, and time per
    mask.
    """
    people: dict[str, dict[str, Any]] = {}

    def of(user: str) -> dict[str, Any]:
        zero = {
            "videos": 0,
            "submitted": 0,
            "approved_of_theirs": 0,
            "rejected_of_theirs": 0,
            "reviewed": 0,
        }
        return people.setdefault(person(user), {"user": user, **zero, "masks": 0, "seconds": 0.0})

    for found in summaries:
        if found.annotator is not None and found.status != "untouched":
            theirs = of(found.annotator)
            theirs["videos"] += 1
            theirs["submitted"] += found.status in ("submitted", "approved")
            theirs["approved_of_theirs"] += found.status == "approved"
            theirs["rejected_of_theirs"] += found.status == "rejected"
        if found.reviewer is not None:
            of(found.reviewer)["reviewed"] += 1
        for user, masks in found.masks_by.items():
            of(user)["masks"] += masks
        for user, seconds in found.seconds_by.items():
            of(user)["seconds"] += seconds
    for found_person in people.values():
        masks, seconds = found_person["masks"], found_person["seconds"]
        found_person["seconds"] = round(seconds, 1)
        found_person["seconds_per_mask"] = round(seconds / masks, 2) if masks else None
    return [people[key] for key in sorted(people)]
