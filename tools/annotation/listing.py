"""The list of videos for one person: their status, who works on them, and which video is next."""

from collections.abc import Mapping
from typing import Any

from .sessions import Session, Sessions
from .state import person
from .store import Store
from .summary import Summary


def video_line(store: Store, sessions: Sessions, session: Session, video_id: str) -> dict[str, Any]:
    """One video in the list."""
    problem, summary, key = None, None, None
    try:
        key = store.key_for(session.user, video_id, sessions.held_by_another)
        summary = store.summary(key)
    except (ValueError, OSError) as error:
        problem = str(error)
    holder = None if key is None else sessions.holder(key)
    return {
        "video_id": video_id,
        "name": store.name_of(video_id),
        "double": video_id in store.doubled,
        "problem": problem,
        "holder": None if holder is None else holder.user,
        "holder_is_me": holder is session,
        **_line(summary, session.user),
    }


def next_video(
    store: Store, sessions: Sessions, session: Session, *, after: str | None, for_review: bool
) -> str | None:
    """The next video that this person should annotate, or may review; after the given one if
    possible.

    Videos that were sent back come before videos that nobody has begun, and before the person's own
    ones.
    """
    ids = store.video_ids
    turn = [*ids[ids.index(after) + 1 :], *ids[: ids.index(after)]] if after in ids else ids
    lines = [video_line(store, sessions, session, video_id) for video_id in turn]
    free = [
        line
        for line in lines
        if line["problem"] is None and (line["holder"] is None or line["holder_is_me"])
    ]
    if for_review:
        wanted = [line for line in free if line["can_review"]]
    else:
        wanted = [line for line in free if line["status"] == "rejected" and line["is_mine"]]
        wanted += [line for line in free if _is_open(line)]
    return wanted[0]["video_id"] if wanted else None


def _is_open(line: Mapping[str, Any]) -> bool:
    return line["status"] == "untouched" or bool(line["status"] == "working" and line["is_mine"])


def _line(summary: Summary | None, user: str) -> dict[str, Any]:
    counts = ("num_seen", "num_masks", "num_objects", "num_proposals")
    if summary is None:
        return {
            **{
                "status": "untouched",
                "label": None,
                "num_frames": None,
                "annotator": None,
                "reviewer": None,
            },
            **dict.fromkeys(counts, 0),
            **{
                "disputed": 0,
                "can_review": False,
                "is_mine": False,
                "seconds": 0.0,
                "seconds_per_mask": None,
            },
        }
    names = (*counts, "status", "label", "num_frames", "annotator", "reviewer")
    mine = person(summary.annotator or "") == person(user)
    seconds, masks = sum(summary.seconds_by.values()), sum(summary.masks_by.values())
    return {
        **{name: getattr(summary, name) for name in names},
        "disputed": summary.num_disputed,
        "can_review": summary.status == "submitted" and not mine,
        "is_mine": mine and summary.status != "untouched",
        "seconds": round(seconds, 1),
        "seconds_per_mask": round(seconds / masks, 2) if masks else None,
    }
