"""Streams of `datasets`: their parts, whether their own state is an exact position, and an
identifier of their rows.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

import datasets
from datasets.distributed import split_dataset_by_node

from ..release import BrokenVideos
from .epoch_order import Place

_KEEP_THEIR_PLACE = {
    "ArrowExamplesIterable",
    "ExamplesIterable",
    "FormattedExamplesIterable",
    "SelectColumnsIterable",
    "SkipExamplesIterable",
    "StepExamplesIterable",
    "TakeExamplesIterable",
}
"""Steps of a stream whose state is exact. Any other step, also of a later version of `datasets`,
counts as not exact. The earlier rows are then read again, which is always correct.
"""


def is_stream(source: Any) -> bool:
    """Whether `datasets` itself shares the shards among workers."""
    return isinstance(source, datasets.IterableDataset)


def shuffled_stream(source: datasets.IterableDataset, *, seed: int) -> datasets.IterableDataset:
    """The stream with its shards in random order, cut to row groups if the source can; rows inside
    keep their order.

    It uses no buffer of rows: a buffer would hold videos in memory, and a resume would have to read
    them again.
    """
    return source.reshard().shuffle(seed=seed, buffer_size=1, max_buffer_input_shards=1)


def stream_of_rank(source: datasets.IterableDataset, place: Place) -> datasets.IterableDataset:
    """The part of the stream for this rank, unless the caller has split the source already."""
    already = getattr(source, "_distributed", None) is not None
    if place.world_size == 1 or already:
        return source
    return split_dataset_by_node(source, place.rank, place.world_size)


def without_buffer(source: datasets.IterableDataset) -> datasets.IterableDataset:
    """The same rows in the same order, without a shuffle buffer of one row at its end, which copies
    each row.
    """
    step = source._ex_iterable
    if type(step).__name__ != "BufferShuffledExamplesIterable" or step.buffer_size != 1:
        return source
    # copy.copy would give another object of the same __dict__.
    bare = object.__new__(type(source))
    bare.__dict__ = {**source.__dict__, "_ex_iterable": step.ex_iterable}
    return bare


def keeps_its_place(source: datasets.IterableDataset) -> bool:
    """Whether the stream can resume exactly from its own state.

    It cannot if rows wait in a buffer (`shuffle`, batched `map`) or come from several streams in
    turn (`concatenate_datasets`, `interleave_datasets`): `datasets` then loses rows, gives some
    twice, or raises IndexError.
    """
    return all(_is_exact(step) for step in _steps(source))


def data_of_stream(source: datasets.IterableDataset) -> str:
    """An identifier of the stream's rows and their order, as far as its steps show them: 16 hex
    digits.

    For our own builder it covers the shards' checksums, the filters and the hold-out. It does not
    distinguish functions of `map` and `filter`.
    """
    facts = [fact for step in _steps(source) for fact in _facts(step)]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]


def _steps(source: datasets.IterableDataset) -> Iterator[Any]:
    """The iterables inside the stream, which form a chain or a tree."""
    waiting = [source._ex_iterable]
    while waiting:
        step = waiting.pop()
        yield step
        inner = getattr(step, "ex_iterable", None)
        waiting += ([] if inner is None else [inner]) + list(getattr(step, "ex_iterables", []))


def _is_exact(step: Any) -> bool:
    kind = type(step).__name__
    if kind == "BufferShuffledExamplesIterable":
        return bool(step.buffer_size == 1)
    if kind == "RebatchedArrowExamplesIterable":
        return bool(step.batch_size == 1)
    if kind in ("MappedExamplesIterable", "FilteredExamplesIterable"):
        return not step.batched
    return kind in _KEEP_THEIR_PLACE


def _facts(step: Any) -> Iterator[str]:
    yield type(step).__name__
    for name in (
        "n",
        "buffer_size",
        "batch_size",
        "num_times",
        "step",
        "offset",
        "probabilities",
        "stopping_strategy",
    ):
        if hasattr(step, name):
            yield f"{name} {getattr(step, name)}"
    if hasattr(step, "generator"):
        # Without a seed, the shuffle differs in every process.
        yield str(step.generator.bit_generator.state)
    builder = getattr(getattr(step, "generate_tables_fn", None), "__self__", None)
    if isinstance(builder, BrokenVideos):
        config, split = builder.config, step.kwargs["split"]
        yield f"{split} {config.digests[split]} {config.filters} {config.holdout}"
        # The files in their order, without the folder of the release.
        yield from ("/".join(path.rsplit("/", 2)[1:]) for path in step.kwargs["files"])
        yield str(step.kwargs["row_groups"])
