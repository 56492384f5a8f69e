"""States: the finished part of an epoch as plain numbers, strings and lists, for one consumer or
for all.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .epoch_order import Done, Place, joined

_FORMAT = "brokenvideos.clips/2"
State = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Identity:
    """What a state belongs to: the rows (None if not known), and a digest of everything else that
    decides the order of clips.
    """

    data: str | None
    plan: str


def dealt_state(
    identity: Identity,
    epoch: int,
    place: Place | None,
    done: Done,
    *,
    visits: int,
    clips: int,
    given: int,
    repeated: int,
) -> State:
    """The state of a consumer that started at `done`.

    Args:
        place: the consumer; None for the joined state of all consumers.
        visits: number of visits that it has finished.
        clips: number of clips that it has given of the next visit.
        given: number of all clips that it has given.
        repeated: number of clips that it has repeated to fill its share.
    """
    return {
        "format": _FORMAT,
        "data": identity.data,
        "plan": identity.plan,
        "epoch": epoch,
        "place": None
        if place is None
        else [place.rank, place.world_size, place.worker, place.workers],
        "before": done.before,
        "whole": sorted(done.whole),
        "begun": [list(item) for item in sorted(done.begun.items())],
        "visits": visits,
        "clips": clips,
        "given": given,
        "repeated": repeated,
    }


def stream_state(identity: Identity, epoch: int, place: Place, *, source: Any, clips: int) -> State:
    """The state of a consumer that reads a stream.

    Args:
        source: the stream's own state before the current row. If that state is not exact, the
            number of rows before the current row. None: the start.
        clips: number of clips that were given of the current row.
    """
    return {
        "format": _FORMAT,
        "data": identity.data,
        "plan": identity.plan,
        "epoch": epoch,
        "place": [place.rank, place.world_size, place.worker, place.workers],
        "source": source,
        "clips": clips,
    }


def join_states(states: Iterable[Mapping[str, Any]]) -> State:
    """Joins the states of all consumers to one state, which a dataset with any number of workers
    and ranks can load.

        states = [None] * world_size
        torch.distributed.all_gather_object(states, loader.state_dict())
        dataset.load_state_dict(join_states(states))  # before the new loader is made

    Args:
        states: the state_dict() of every rank's StatefulDataLoader (taken after each step: its
            snapshot_every_n_steps is 1), or of every ClipDataset.

    Raises:
        ValueError: states of a stream, of different passes, or not of all consumers.
    """
    clip_states = list(_states_within(list(states)))
    if not clip_states:
        raise ValueError(
            "join_states: none of these is the state of a ClipDataset. Give state_dict() of "
            "loaders or datasets."
        )
    first = clip_states[0]
    if "source" in first:
        raise ValueError(
            "join_states: these are states of a stream, which keeps one position per worker. "
            "Resume it with the same number of workers and ranks, or read a release folder."
        )
    same = ("data", "plan", "epoch", "before", "whole", "begun")
    if any(state[key] != first[key] for state in clip_states for key in same):
        raise ValueError(
            "join_states: the states come from different passes. Give states that were taken at "
            "one step of one run."
        )
    if first["place"] is None:
        return dict(first)
    by_consumer = {_place(state).consumer: state for state in clip_states}
    consumers = _place(first).consumers
    if sorted(by_consumer) != list(range(consumers)) or len(clip_states) != consumers:
        raise ValueError(
            f"join_states: got states of consumers {sorted(by_consumer)}, wanted each of 0 to "
            f"{consumers - 1} once. Gather the states of all ranks."
        )
    parts = [
        (consumers, by_consumer[number]["visits"], by_consumer[number]["clips"])
        for number in range(consumers)
    ]
    done = joined(parts, _base(first))
    return dealt_state(
        Identity(first["data"], first["plan"]),
        first["epoch"],
        None,
        done,
        visits=0,
        clips=0,
        given=0,
        repeated=0,
    )


def require_fitting(state: Mapping[str, Any], *, identity: Identity) -> None:
    """Checks that a state belongs to the same clips and rows.

    Raises:
        ValueError: not a state of a ClipDataset, or the state of a dataset with other clips.
    """
    if state.get("format") != _FORMAT:
        raise ValueError(
            f"clips: not a state of a ClipDataset but {sorted(state)}. Load what state_dict() or "
            "join_states(…) gave; a loader's state goes into a StatefulDataLoader."
        )
    if state["plan"] != identity.plan:
        raise ValueError(
            "clips: the state was made with other settings. Make the dataset with the same rows, "
            "num_frames, stride, clips_per_video, sampling, seed and shuffle as in that run."
        )
    if state["data"] != identity.data:
        raise ValueError(
            f"clips: the state was made with other rows ({state['data']}) than these "
            f"({identity.data}): another release, split, filter, shuffle or order. Give the same "
            "rows as in that run, or start again without the state."
        )


def done_of(state: Mapping[str, Any], place: Place) -> tuple[Done, State]:
    """The finished part at the start of this pass, and this consumer's progress since (as keywords
    of `dealt_state`).

    Raises:
        ValueError: the state belongs to another consumer.
    """
    start = {"visits": 0, "clips": 0, "given": 0, "repeated": 0}
    if state["place"] is None:
        return _base(state), start
    if _place(state) == place:
        return _base(state), {key: state[key] for key in start}
    if _place(state).consumers == 1:
        return joined([(1, state["visits"], state["clips"])], _base(state)), start
    raise _moved(state, place)


def require_same_place(state: Mapping[str, Any], place: Place) -> None:
    """Checks that the state of a stream comes from this worker and rank.

    Raises:
        ValueError: a state of another worker or rank, from which a stream cannot continue.
    """
    if _place(state) != place:
        raise _moved(state, place)


def _moved(state: Mapping[str, Any], place: Place) -> ValueError:
    then = _place(state)
    return ValueError(
        f"clips: the state comes from worker {then.worker} of {then.workers} on rank {then.rank} "
        f"of {then.world_size}, this is worker {place.worker} of {place.workers} on rank "
        f"{place.rank} of {place.world_size}. For other numbers of workers or ranks give the "
        "dataset join_states(…) of all states; a stream continues only with the same numbers."
    )


def _states_within(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        if value.get("_steps_since_snapshot"):
            raise ValueError(
                "join_states: the loader's state is older than its last batch. Make "
                "StatefulDataLoader with snapshot_every_n_steps=1."
            )
        if value.get("format") == _FORMAT:
            yield value
        else:
            for inner in value.values():
                yield from _states_within(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _states_within(inner)


def _base(state: Mapping[str, Any]) -> Done:
    return Done(int(state["before"]), frozenset(state["whole"]), dict(state["begun"]))


def _place(state: Mapping[str, Any]) -> Place:
    return Place(*state["place"])
