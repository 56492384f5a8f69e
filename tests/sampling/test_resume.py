"""An epoch that is cut off anywhere goes on with exactly the clips that were not given yet."""

import json
import sys
from collections import Counter
from functools import partial
from itertools import islice
from pathlib import Path

import datasets
import pyarrow.parquet as pq
import pytest
from datasets import load_dataset
from torch.utils.data import DataLoader
from torchdata.stateful_dataloader import StatefulDataLoader

import brokenvideos
from brokenvideos.sampling import clips, join_states
from tests.rewritten import rewritten

# Of torchdata 0.11 with torch 2.13.
pytestmark = [
    pytest.mark.filterwarnings("ignore:'set_vital' is deprecated"),
    pytest.mark.filterwarnings("ignore:This DataLoader will create"),
]

WHAT = {"num_frames": 3, "stride": 2, "size": (16, 16), "clips_per_video": 3, "seed": 4}


@pytest.fixture(scope="module")
def folder(release: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The release with row groups of two videos."""

    def write(table, path):
        pq.write_table(table, path, row_group_size=2, compression="none", use_dictionary=False)

    return rewritten(release, tmp_path_factory.mktemp("small") / "release", write)


@pytest.fixture(scope="module")
def rows(folder: Path) -> list:
    return list(load_dataset("brokenvideos", data_dir=str(folder), split="train", streaming=True))


class Iterable:
    """Neither a list nor of `datasets`."""

    def __init__(self, rows):
        self.rows = rows

    def __iter__(self):
        return iter(self.rows)


def dataset_of(kind: str, folder: Path, rows: list, **more):
    options = {**WHAT, **more}
    if kind == "folder":
        return clips(folder, shuffle=True, **options)
    if kind == "list":
        return clips(rows, shuffle=True, **options)
    if kind == "iterable":
        return clips(Iterable(rows), **options)
    return clips(
        load_dataset("brokenvideos", data_dir=str(folder), split="train", streaming=True),
        shuffle=True,
        **options,
    )


KINDS = ["folder", "list", "iterable", "stream"]


def keys(items) -> list:
    return [(item["video_id"], *item["frame_index"].tolist(), item["repeated"]) for item in items]


def through_json(state):
    return json.loads(json.dumps(state))


@pytest.mark.parametrize("kind", KINDS)
def test_an_epoch_holds_every_video_and_epochs_differ(folder, rows, kind):
    dataset = dataset_of(kind, folder, rows)
    first = keys(dataset)
    assert Counter(key[0] for key in first) == {row["video_id"]: 3 for row in rows}
    second = keys(dataset)
    assert sorted(second) != sorted(first)
    dataset.set_epoch(0)
    assert keys(dataset) == first
    assert keys(dataset) == second
    orders = set()
    for epoch in range(4):  # four row groups leave room for chance
        dataset.set_epoch(epoch)
        orders.add(tuple(key[0] for key in keys(dataset)))
    assert (len(orders) > 1) == (kind != "iterable")


@pytest.mark.parametrize("kind", KINDS)
def test_the_dataset_goes_on_from_every_clip(folder, rows, kind):
    everything = keys(dataset_of(kind, folder, rows, epoch=2))
    for stop in range(len(everything) + 1):
        dataset = dataset_of(kind, folder, rows, epoch=2)
        seen = keys(islice(dataset, stop))
        again = dataset_of(kind, folder, rows)
        again.load_state_dict(through_json(dataset.state_dict()))
        assert seen + keys(again) == everything
        # The pass after that is a whole one again.
        if stop == 5:
            again.set_epoch(2)
            assert keys(again) == everything


def test_a_state_holds_for_its_epoch(folder, rows):
    dataset = dataset_of("folder", folder, rows)
    list(islice(dataset, 4))
    again = dataset_of("folder", folder, rows)
    again.load_state_dict(dataset.state_dict())
    again.set_epoch(1)
    assert keys(again) == keys(dataset_of("folder", folder, rows, epoch=1))


@pytest.mark.parametrize("workers", [0, 1, 2, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_a_loader_goes_on_with_its_workers(folder, rows, kind, workers):
    def loader():
        context = "fork" if workers else None
        dataset = dataset_of(kind, folder, rows)
        return StatefulDataLoader(
            dataset,
            batch_size=2,
            num_workers=workers,
            collate_fn=keys,
            multiprocessing_context=context,
        )

    everything = list(loader())
    assert Counter(key[0] for batch in everything for key in batch) == {
        row["video_id"]: 3 for row in rows
    }
    for stop in {0: [0, 1, 6, len(everything)], 1: [3], 2: [4], 3: [1, 5]}[workers]:
        first = loader()
        batches = iter(first)
        seen = [next(batches) for _ in range(stop)]
        state = through_json(first.state_dict())
        del batches
        again = loader()
        again.load_state_dict(state)
        if stop < len(everything):
            assert seen + list(again) == everything


@pytest.mark.parametrize("kind", ["folder", "list", "iterable"])
@pytest.mark.parametrize(("before", "after", "last"), [(2, 0, 3), (0, 2, 1), (3, 2, 0)])
def test_another_number_of_workers_goes_on(folder, rows, kind, before, after, last):
    seen, state = [], None
    for workers, batches in ((before, 3), (after, 2), (last, None)):
        dataset = dataset_of(kind, folder, rows)
        if state is not None:
            dataset.load_state_dict(state)
        context = "fork" if workers else None
        loader = StatefulDataLoader(
            dataset,
            batch_size=2,
            num_workers=workers,
            collate_fn=keys,
            multiprocessing_context=context,
        )
        seen += [key for batch in islice(loader, batches) for key in batch]
        state = through_json(join_states([loader.state_dict()]))
    assert sorted(seen) == sorted(keys(dataset_of(kind, folder, rows)))


@pytest.mark.parametrize(("before", "after"), [(2, 3), (3, 1), (1, 4)])
def test_another_number_of_ranks_goes_on(folder, rows, before, after):
    def ranks(world_size, state=None):
        for rank in range(world_size):
            dataset = dataset_of(
                "folder", folder, rows, rank=rank, world_size=world_size, uneven="pad"
            )
            if state is not None:
                dataset.load_state_dict(state)
            yield dataset

    datasets_before = list(ranks(before))
    seen = [
        key
        for number, dataset in enumerate(datasets_before)
        for key in keys(islice(dataset, 2 + number))
    ]
    state = join_states(dataset.state_dict() for dataset in datasets_before)
    rest = [keys(dataset) for dataset in ranks(after, state)]
    assert len({len(share) for share in rest}) == 1
    seen += [key for share in rest for key in share if not key[-1]]
    assert sorted(seen) == sorted(keys(dataset_of("folder", folder, rows)))


@pytest.mark.parametrize("kind", ["folder", "list"])
@pytest.mark.parametrize("sampling", ["random", "all"])
@pytest.mark.parametrize("consumers", [2, 3, 4, 20])
def test_uneven_shares_are_padded_or_dropped(folder, rows, kind, sampling, consumers):
    everything = keys(dataset_of(kind, folder, rows, sampling=sampling))
    shares = {
        uneven: [
            keys(
                dataset_of(
                    kind,
                    folder,
                    rows,
                    sampling=sampling,
                    rank=rank,
                    world_size=consumers,
                    uneven=uneven,
                    clips_per_video=3,
                )
            )
            for rank in range(consumers)
        ]
        for uneven in ("pad", "drop")
    }
    assert len({len(share) for share in shares["pad"]}) == 1
    own = [key for share in shares["pad"] for key in share if not key[-1]]
    assert sorted(own) == sorted(everything)
    assert len({len(share) for share in shares["drop"]}) == 1
    kept = [key for share in shares["drop"] for key in share]
    assert Counter(kept) <= Counter(everything)


def test_padding_resumes_too(folder, rows):
    def share():
        return dataset_of("folder", folder, rows, sampling="all", rank=0, world_size=4)

    shares = [
        keys(dataset_of("folder", folder, rows, sampling="all", rank=rank, world_size=4))
        for rank in range(4)
    ]
    rank = next(rank for rank in range(4) if shares[rank][-1][-1])
    for stop in range(len(shares[rank]) - 2, len(shares[rank])):
        dataset = dataset_of("folder", folder, rows, sampling="all", rank=rank, world_size=4)
        seen = keys(islice(dataset, stop))
        again = dataset_of("folder", folder, rows, sampling="all", rank=rank, world_size=4)
        again.load_state_dict(dataset.state_dict())
        assert seen + keys(again) == shares[rank]


GLOO = """
import json, sys
import torch.distributed as dist
from torchdata.stateful_dataloader import StatefulDataLoader
import brokenvideos
from brokenvideos.sampling import clips, join_states
from tests.rewritten import rewritten

folder, rank, meeting, out = sys.argv[1:]
dist.init_process_group("gloo", init_method="file://" + meeting, rank=int(rank), world_size=2)

def make(kind):
    source = folder if kind == "folder" else brokenvideos.load(data_dir=folder, split="train", streaming=True)
    return clips(source, num_frames=3, size=(16, 16), clips_per_video=2, shuffle=True)

def keys(items):
    return [[item["video_id"], *item["frame_index"].tolist(), item["repeated"]] for item in items]

def loader(dataset, workers):
    context = "fork" if workers else None
    return StatefulDataLoader(dataset, batch_size=2, num_workers=workers, collate_fn=keys, multiprocessing_context=context)

results = {}
for kind, workers in (("folder", 0), ("folder", 2), ("stream", 0)):
    first = loader(make(kind), workers)
    batches = iter(first)
    seen, again = next(batches), []
    states = [None, None]
    dist.all_gather_object(states, first.state_dict())
    rest = [key for batch in batches for key in batch]
    if kind == "folder":
        # The ranks go on together, as another number of consumers would.
        dataset = make(kind)
        dataset.load_state_dict(join_states(states))
        again = [key for batch in loader(dataset, 3 - workers) for key in batch]
    results[f"{kind} {workers}"] = [seen, rest, again]
with open(out, "w") as file:
    json.dump(results, file)
dist.barrier()
dist.destroy_process_group()
"""


@pytest.mark.slow
def test_two_processes_share_an_epoch(folder, rows, run_process, tmp_path):
    script = tmp_path / "rank.py"
    script.write_text(GLOO)
    run = f"{sys.executable} -W ignore {script} {folder}"
    shell = (
        f"{run} 1 {tmp_path}/meeting {tmp_path}/1.json & {run} 0 {tmp_path}/meeting "
        f"{tmp_path}/0.json; wait"
    )
    done = run_process(["bash", "-c", shell])
    assert done.returncode == 0, done.stderr
    ranks = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2)]
    everything = sorted(keys(clips(rows, num_frames=3, size=(16, 16), clips_per_video=2)))
    for name in ranks[0]:
        results = [rank[name] for rank in ranks]
        given = [tuple(key) for seen, rest, _ in results for key in seen + rest]
        assert sorted(key for key in given if not key[-1]) == everything
        if name.startswith("folder"):
            assert len(results[0][1]) == len(results[1][1])
            on = [tuple(key) for seen, _, again in results for key in seen + again]
            assert sorted(key for key in on if not key[-1]) == everything
            assert len(results[0][2]) == len(results[1][2])


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize(
    "mix",
    [
        lambda one, two: one.shuffle(seed=1, buffer_size=4),
        lambda one, two: datasets.concatenate_datasets([one, two]),
        lambda one, two: datasets.interleave_datasets([one, two]),
        lambda one, two: datasets.interleave_datasets([one, two], probabilities=[0.4, 0.6], seed=3),
        lambda one, two: one.repeat(2),
        lambda one, two: one.map(lambda rows: rows, batched=True, batch_size=3),
    ],
    ids=["buffer", "concatenated", "interleaved", "at random", "repeated", "batched map"],
)
def test_streams_that_lose_their_place_are_read_again(folder, mix, shuffle):
    """`datasets` itself loses rows of these, gives them twice, or raises IndexError at the second
    resume.
    """

    def dataset():
        one, two = (
            load_dataset("brokenvideos", data_dir=str(folder), split="train", streaming=True)
            for _ in range(2)
        )
        return clips(mix(one, two), num_frames=2, clips_per_video=2, size=(16, 16), shuffle=shuffle)

    everything, seen, state = keys(dataset()), [], None
    for stop in (3, 4, 1, None):
        part = dataset()
        if state is not None:
            part.load_state_dict(through_json(state))
        seen += keys(islice(part, stop))
        state = part.state_dict()
    assert seen == everything


@pytest.mark.parametrize("workers", [2, 3])
def test_workers_read_a_mixed_stream_again(folder, workers):
    def loader():
        parts = [
            load_dataset("brokenvideos", data_dir=str(folder), split="train", streaming=True)
            for _ in range(2)
        ]
        rows = datasets.concatenate_datasets(parts).shuffle(seed=1, buffer_size=4)
        dataset = clips(rows, num_frames=2, size=(16, 16))
        return StatefulDataLoader(
            dataset,
            batch_size=2,
            num_workers=workers,
            collate_fn=keys,
            multiprocessing_context="fork",
        )

    everything, seen, state = list(loader()), [], None
    for stop in (2, 1, None):
        part = loader()
        if state is not None:
            part.load_state_dict(through_json(state))
        for batch in islice(part, stop):
            seen.append(batch)
            state = part.state_dict()
    assert seen == everything


def test_a_state_is_of_its_data(folder, rows, tmp_path):
    def stream(**options):
        return brokenvideos.load(data_dir=folder, split="train", streaming=True, **options)

    def other_version(table, path):
        pq.write_table(table, path, row_group_size=1, compression="none", use_dictionary=False)

    other = rewritten(folder, tmp_path / "other", other_version)
    sources = [
        (clips(folder, **WHAT), clips(other, **WHAT)),
        (clips(folder, **WHAT), clips(folder, split="test", **WHAT)),
        (clips(rows, **WHAT), clips(rows[::-1], **WHAT)),
        (clips(stream(), **WHAT), clips(stream(filters=[("label", "==", "broken")]), **WHAT)),
        (clips(stream(), **WHAT), clips(stream(holdout="artifact:blur"), **WHAT)),
        (
            clips(stream().shuffle(buffer_size=3), **WHAT),
            clips(stream().shuffle(buffer_size=3), **WHAT),
        ),
    ]
    for one, another in sources:
        state = one.state_dict()
        one.load_state_dict(state)
        if state["plan"] != another.state_dict()["plan"]:  # of another number of rows
            assert message_of(partial(another.load_state_dict, state)).startswith(
                "clips: the state was made with other settings."
            )
            continue
        assert message_of(partial(another.load_state_dict, state)) == (
            f"clips: the state was made with other rows ({state['data']}) than these "
            f"({another.data}): another release, split, filter, shuffle or order. Give the same "
            "rows as in that run, or start again without the state."
        )


def test_a_split_stream_is_not_split_again(folder, rows):
    stream = load_dataset("brokenvideos", data_dir=str(folder), split="train", streaming=True)
    shares = []
    for rank in range(2):
        part = datasets.distributed.split_dataset_by_node(stream, rank, 2)
        shares += keys(clips(part, rank=rank, world_size=2, **WHAT))
    assert sorted(shares) == sorted(keys(dataset_of("list", folder, rows)))


def message_of(call) -> str:
    with pytest.raises(ValueError) as error:
        call()
    return str(error.value)


def test_states_that_do_not_fit_say_why(folder, rows):
    dataset = dataset_of("list", folder, rows)
    other = dataset_of("list", folder, rows, seed=5)
    assert message_of(lambda: other.load_state_dict(dataset.state_dict())) == (
        "clips: the state was made with other settings. Make the dataset with the same rows, "
        "num_frames, stride, clips_per_video, sampling, seed and shuffle as in that run."
    )
    assert message_of(lambda: dataset.load_state_dict({"a": 1})) == (
        "clips: not a state of a ClipDataset but ['a']. Load what state_dict() or join_states(…) "
        "gave; a loader's state goes into a StatefulDataLoader."
    )
    one = dataset_of("list", folder, rows, rank=1, world_size=2).state_dict()
    dataset.load_state_dict(one)
    assert message_of(lambda: iter(dataset)) == (
        "clips: the state comes from worker 0 of 1 on rank 1 of 2, this is worker 0 of 1 on rank 0 "
        "of 1. For other numbers of workers or ranks give the dataset join_states(…) of all "
        "states; a stream continues only with the same numbers."
    )
    assert message_of(lambda: join_states([one])) == (
        "join_states: got states of consumers [1], wanted each of 0 to 1 once. Gather the states "
        "of all ranks."
    )
    assert message_of(lambda: join_states([{}])) == (
        "join_states: none of these is the state of a ClipDataset. Give state_dict() of loaders or "
        "datasets."
    )
    zero = dataset_of("list", folder, rows, rank=0, world_size=2, epoch=1).state_dict()
    assert message_of(lambda: join_states([zero, one])) == (
        "join_states: the states come from different passes. Give states that were taken at one "
        "step of one run."
    )
    stream = dataset_of("stream", folder, rows).state_dict()
    assert message_of(lambda: join_states([stream])) == (
        "join_states: these are states of a stream, which keeps one position per worker. Resume it "
        "with the same number of workers and ranks, or read a release folder."
    )
    loader = StatefulDataLoader(
        dataset_of("list", folder, rows),
        batch_size=1,
        collate_fn=keys,
        snapshot_every_n_steps=3,
        num_workers=1,
    )
    batches = iter(loader)
    next(batches)
    assert message_of(lambda: join_states([loader.state_dict()])) == (
        "join_states: the loader's state is older than its last batch. Make StatefulDataLoader "
        "with snapshot_every_n_steps=1."
    )


def test_plain_loader_workers_share_a_folder(folder, rows):
    loader = DataLoader(
        dataset_of("folder", folder, rows),
        batch_size=4,
        num_workers=2,
        collate_fn=keys,
        multiprocessing_context="fork",
    )
    assert sorted(key for batch in loader for key in batch) == sorted(
        keys(dataset_of("folder", folder, rows))
    )
    assert brokenvideos.__version__
