"""Clips for a training loop: a torch IterableDataset that any number of workers and ranks share,
and that resumes exactly.
"""

import copy
import hashlib
import json
import logging
import warnings
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Literal, get_args

import torch
import torch.distributed
from torch.utils.data import IterableDataset, get_worker_info

from ..frames import Int64Array, VideoError
from ..masks import MaskError, RLEError
from ..masks.device import DeviceError, require_device
from .clip_masks import MaskLayout
from .cut import Clip, ClipForm, clips_of, threads_of_each
from .epoch_order import Done, Place
from .passes import Passes
from .plan import ClipPlan, Sampling
from .prepared import is_accelerate_used, prepared_loader, require_sendable
from .share import num_clips, order_of, rows_at, share_of
from .source import Row, Rows, data_of, has_rows, opened_source, worker_and_workers
from .state import Identity, dealt_state, done_of, require_fitting, require_same_place, stream_state
from .stream import is_stream, keeps_its_place, shuffled_stream, stream_of_rank, without_buffer

_LOG = logging.getLogger("brokenvideos.frames")
_COUNTERS = 256


def clips(
    source: Iterable[Row] | Rows | str | Path,
    *,
    num_frames: int,
    stride: int = 1,
    size: tuple[int, int] | None = None,
    clips_per_video: int = 1,
    sampling: Sampling = "random",
    seed: int = 0,
    epoch: int = 0,
    masks: MaskLayout | Literal["objects", "types"] = "union",
    device: torch.device | str | None = None,
    shuffle: bool = False,
    crop: float = 1.0,
    flip: float = 0.0,
    split: str = "train",
    rank: int | None = None,
    world_size: int | None = None,
    uneven: Literal["pad", "drop"] = "pad",
    on_error: Literal["raise", "skip"] = "raise",
    decoder_threads: int = 1,
) -> "ClipDataset":
    """A torch IterableDataset of clips. `ClipDataset` describes an item, and docs/clips.md the
    guarantees.

    Args:
        source: a release folder, a Hub repository "OWNER/NAME", a datasets.IterableDataset, a
            datasets.Dataset, a list or another sequence, or another iterable of rows with their
            `video`.
        num_frames: T, the number of frames in a clip.
        stride: a clip takes every stride-th frame.
        size: (height, width) of the clips; None keeps each video's size, and `collate` then gives a
            list.
        clips_per_video: number of clips of one video in an epoch; they follow one another and are
            decoded in one pass.
        sampling: "random", "uniform", "broken" (around frames with artifacts) or "all" (every frame
            once): see `ClipPlan`.
        seed, epoch: only these and the video_id decide where a clip is cut, not the number of
            workers or the order of rows.
        masks: "union" gives masks uint8[T, H, W], "type" uint8[T, 3, H, W], "object"
            uint8[T, K, H, W] with K of the video, "rle" a list of COCO RLEs: see `clip_masks`. The
            old names "types" and "objects" give a DeprecationWarning; the next version refuses
            them.
        device: the device on which video and masks are made; None is the CPU. Another device works
            only without DataLoader workers. With workers, use masks="rle" and decode the masks on
            the device of the batch, with `collate_rle` and `to_device`.
        shuffle: True gives another order of videos in each epoch; docs/clips.md says how random it
            is.
        crop: smallest share of height and width that a random crop keeps, in (0, 1]; 1 = whole
            frames.
        flip: probability of a mirrored clip.
        split: the split of a release folder or a Hub repository.
        rank, world_size: the part of the clips that is read here. None: the values of
            torch.distributed if it is initialised, otherwise all clips. If `accelerate` or Trainer
            divides the batches of a prepared loader, all clips too.
        uneven: with several ranks, every consumer (worker of a rank) gives the same number of
            clips. "pad": consumers with fewer clips repeat some of their own, flagged `repeated`.
            "drop": the additional clips of the others are left out.
        on_error: "raise", or "skip" a video that cannot be decoded, count it in `num_skipped` and
            log it.
        decoder_threads: largest number of threads per decoder; fewer if consumers times threads
            would exceed the cores. Without workers, more threads shorten the wait for a clip, at
            the cost of a tenth to a third more CPU. The pixels are the same.

    Raises:
        ValueError: an argument out of its range. ReleaseError: no release at `source`. DeviceError:
            the device does not exist.

    Examples:
        >>> rows = brokenvideos.load("sample", split="train", streaming=True)
        >>> dataset = brokenvideos.clips(rows, num_frames=8, size=(48, 64), shuffle=True, seed=0)
        >>> clip = next(iter(dataset))
        >>> clip["video"].shape, clip["masks"].shape, clip["valid"].all().item()
        (torch.Size([8, 3, 48, 64]), torch.Size([8, 48, 64]), True)

        In a training loop, by a DataLoader with any number of workers:

        >>> from torch.utils.data import DataLoader
        >>> batch = next(iter(DataLoader(brokenvideos.clips("release", num_frames=4), batch_size=2)))
        >>> batch["video"].shape
        torch.Size([2, 4, 3, 48, 64])
    """
    if num_frames < 1 or stride < 1 or (size is not None and min(size) < 1):
        raise ValueError(
            f"clips: num_frames={num_frames}, stride={stride}, size={size}; each must be 1 or "
            "more. Give positive numbers."
        )
    layout = {"objects": "object", "types": "type"}.get(masks, masks)
    if layout != masks:
        warnings.warn(
            f'clips: masks="{masks}" is now masks="{layout}".', DeprecationWarning, stacklevel=2
        )
    choices = (
        ("masks", layout, MaskLayout),
        ("uneven", uneven, Literal["pad", "drop"]),
        ("on_error", on_error, Literal["raise", "skip"]),
    )
    for name, value, allowed in choices:
        if value not in get_args(allowed):
            *others, last = (f'"{choice}"' for choice in get_args(allowed))
            raise ValueError(f"clips: {name}={value!r}, must be {', '.join(others)} or {last}.")
    if not 0 < crop <= 1 or not 0 <= flip <= 1:
        raise ValueError(
            f"clips: crop={crop}, flip={flip}; crop must be in (0, 1], flip in [0, 1]. Give such "
            "fractions."
        )
    if (rank is None) != (world_size is None) or (
        rank is not None and not 0 <= rank < (world_size or 0)
    ):
        raise ValueError(
            f"clips: rank={rank}, world_size={world_size}; give neither, or 0 <= rank < world_size."
        )
    return ClipDataset(
        opened_source(source, split=split),
        plan=ClipPlan(num_frames, stride, clips_per_video, sampling, seed),
        form=ClipForm(size, layout, crop, flip, require_device(device or "cpu")),  # type: ignore[arg-type]
        epoch=epoch,
        shuffle=shuffle,
        node=None if rank is None or world_size is None else (rank, world_size),
        uneven=uneven,
        on_error=on_error,
        decoder_threads=max(decoder_threads, 1),
    )


class ClipDataset(IterableDataset[Clip]):
    """Yields dicts, one for each clip:

    video_id: str.
    video: uint8[T, 3, H, W], RGB.
    masks: uint8[T, H, W] of 0 and 1 (other layouts: `clips`); they follow scale, crop and flip
        pixel by pixel: output row i is the input row that holds its centre, floor((i + 0.5) ·
        height / H), columns alike.
    frame_index: int64[T], the frames in the video.
    padding: bool[T], True past the video's end, where its last frame is repeated. This happens in a
        video that is shorter than the clip, and in the last clips of sampling "all".
    valid: bool[T], False for a frame that is not annotated, and for padding.
    repeated: bool, True for a clip that was given before and only fills an uneven share.
    """

    def __init__(
        self,
        source: Any,
        *,
        plan: ClipPlan,
        form: ClipForm,
        epoch: int,
        shuffle: bool,
        node: tuple[int, int] | None,
        uneven: Literal["pad", "drop"],
        on_error: Literal["raise", "skip"],
        decoder_threads: int,
    ) -> None:
        if shuffle and is_stream(source):
            source = shuffled_stream(source, seed=plan.seed)
        elif shuffle and not has_rows(source):
            raise ValueError(
                "clips: shuffle=True with a plain iterable, which cannot be shuffled. Shuffle it "
                "yourself, or give a list."
            )
        self.source = source
        self.data = data_of(source)
        """An identifier of the rows, for states; None if it is not known without reading them
        all.
        """
        self.plan = plan
        self.form = form
        self.shuffle = shuffle
        self.node = node
        self.uneven = uneven
        self.on_error = on_error
        self.decoder_threads = decoder_threads
        # Shared memory, so that workers that live longer than an epoch see set_epoch too, and the
        # loop sees what they skipped.
        self._passes = Passes(epoch)
        self._num_skipped: torch.Tensor = torch.zeros(_COUNTERS, dtype=torch.int64).share_memory_()  # type: ignore[no-untyped-call]
        self._pending: Mapping[str, Any] | None = None
        self._state: Mapping[str, Any] | None = None
        self._skipped: list[str] = []
        if epoch:
            self.set_epoch(epoch)

    @property
    def num_skipped(self) -> int:
        """Number of videos that could not be decoded, in all workers of this rank since the dataset
        was made.
        """
        return int(self._num_skipped.sum())

    def set_epoch(self, epoch: int) -> None:
        """Sets the epoch of the next pass: other clips, and with `shuffle` another order. A
        `source` with set_epoch gets it too.

        Without a call, each pass is the epoch after the previous pass.
        """
        self._passes.set_next(epoch)
        self._tell_source(epoch)

    def state_dict(self) -> dict[str, Any]:
        """The state of this epoch: the clips that were given, as numbers, strings and lists.

        It is the state of the latest iterator in this process. With DataLoader workers, use
        torchdata's StatefulDataLoader.
        """
        state = self._pending or self._state
        return (
            dict(state)
            if state is not None
            else self._first_state(self._place(), self._passes.next())
        )

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Makes the next pass continue from the state, if its epoch is the epoch of that pass.

        Args:
            state: the state of one consumer, for the same number of workers and ranks; or
                `join_states(…)` of all, for any number.

        Raises:
            ValueError: the state was made with other arguments.
        """
        require_fitting(state, identity=self._identity())
        self.set_epoch(int(state["epoch"]))
        self._pending = state

    def __len__(self) -> int:
        """The number of clips in one pass, with at most one worker.

        It counts the clips of this rank. If a loader prepared by accelerate divides the clips
        among ranks, it counts the clips of all ranks.

        Raises:
            TypeError: the number is not known before the pass. This is so for a stream or a plain
                iterable, with on_error="skip", and with sampling="all" on several ranks.
        """
        ranks = self._node_of_length()[1]
        if (
            not has_rows(self.source)
            or self.on_error == "skip"
            or (ranks > 1 and self.plan.sampling == "all")
        ):
            raise TypeError("clips: the number of clips in an epoch is not known before its end.")
        return num_clips(self.source, self.plan, world_size=ranks, uneven=self.uneven)

    def __bool__(self) -> bool:
        return True

    def __getstate__(self) -> dict[str, Any]:
        # A spawned worker has no torch.distributed of its own.
        return {**self.__dict__, "node": self._node()}

    def __iter__(self) -> Iterator[Clip]:
        # Not a generator: the state must be that of the new pass as soon as it exists.
        if self.form.device.type != "cpu" and get_worker_info() is not None:
            raise DeviceError(
                f'clips: device="{self.form.device}" in a worker of a DataLoader, which can use '
                "only the CPU. Use "
                "num_workers=0; or "
                'leave device out, give masks="rle", and decode in the main process, with '
                "collate_rle and to_device."
            )
        place, pending = self._place(), self._pending
        self._pending = None
        epoch = self._passes.begin()
        self._tell_source(epoch)
        is_of_epoch = pending is not None and pending["epoch"] == epoch
        state = (
            dict(pending)
            if pending is not None and is_of_epoch
            else self._first_state(place, epoch)
        )
        self._state = state
        if is_stream(self.source):
            require_same_place(state, place)
            return self._streamed_clips(place, epoch, source=state["source"], clips=state["clips"])
        done, progress = done_of(state, place)
        self._state = dealt_state(self._identity(), epoch, place, done, **progress)
        return self._dealt_clips(place, epoch, done, **progress)

    def _tell_source(self, epoch: int) -> None:
        if hasattr(self.source, "set_epoch"):
            self.source.set_epoch(epoch)

    def _node(self) -> tuple[int, int]:
        loader = prepared_loader(self)
        if loader is not None:
            require_sendable(loader)
            if self.node is not None and self.node[1] > 1 and is_accelerate_used():
                raise ValueError(
                    f"clips: world_size={self.node[1]}, but accelerate divides the batches of this "
                    "loader too. Leave rank and world_size out, or do not give the loader to "
                    "prepare()."
                )
            return 0, 1
        if self.node is not None:
            return self.node
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            return torch.distributed.get_rank(), torch.distributed.get_world_size()
        return 0, 1

    def _node_of_length(self) -> tuple[int, int]:
        # Only a loader that is being read can be recognised as a prepared one.
        return (0, 1) if self.node is None and is_accelerate_used() else self._node()

    def _place(self) -> Place:
        return Place(*self._node(), *worker_and_workers())

    def _identity(self) -> Identity:
        """The identity of a state: a digest of everything that decides the order of clips."""
        rows = len(self.source) if has_rows(self.source) else None
        facts = [repr(self.plan), self.shuffle, rows, is_stream(self.source)]
        return Identity(self.data, hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16])

    def _first_state(self, place: Place, epoch: int) -> dict[str, Any]:
        if is_stream(self.source):
            return stream_state(self._identity(), epoch, place, source=None, clips=0)
        return dealt_state(
            self._identity(), epoch, place, Done(), visits=0, clips=0, given=0, repeated=0
        )

    def _dealt_clips(
        self,
        place: Place,
        epoch: int,
        done: Done,
        *,
        visits: int,
        clips: int,
        given: int,
        repeated: int,
    ) -> Iterator[Clip]:
        """This consumer's clips that are not finished, from its position in the epoch on."""
        identity = self._identity()

        def remember(visits: int, clips: int) -> None:
            progress = {"visits": visits, "clips": clips, "given": given, "repeated": repeated}
            self._state = dealt_state(identity, epoch, place, done, **progress)

        source, order = self.source, None
        if has_rows(source):
            order = order_of(source, shuffle=self.shuffle, seed=self.plan.seed, epoch=epoch)
        share = share_of(source, order, self.plan, place=place, done=done, uneven=self.uneven)
        for visit, row, name in rows_at(source, order, islice(share.visits, visits, None)):
            over = clips or done.begun.get(visit, 0)
            for clip in self._clips_of(row, name, epoch, skip=over):
                if given == share.clips:
                    self._report_skipped()
                    return
                over, given = over + 1, given + 1
                remember(visits, over)
                yield clip
            visits, clips = visits + 1, 0
            remember(visits, clips)
        if order is not None and share.clips is not None and given < share.clips:
            again = self._again(share.visits or range(len(order)), order, epoch)
            for clip in islice(again, repeated, repeated + share.clips - given):
                repeated, given = repeated + 1, given + 1
                remember(visits, clips)
                yield {**clip, "repeated": True}
        self._report_skipped()

    def _again(self, visits: Iterable[int], order: Int64Array, epoch: int) -> Iterator[Clip]:
        """Repeats the clips of these visits without end; stops if no visit gives a clip."""
        while True:
            clip = None
            for _, row, name in rows_at(self.source, order, visits):
                for clip in self._clips_of(row, name, epoch):
                    yield clip
            if clip is None:
                return

    # --- streams: the source itself shares out its rows -------------------------------------------

    def _streamed_clips(
        self, place: Place, epoch: int, *, source: Any, clips: int
    ) -> Iterator[Clip]:
        identity = self._identity()
        stream = without_buffer(stream_of_rank(self.source, place))
        is_exact, rows_before = keeps_its_place(stream), 0
        if source is not None and is_exact:
            # A copy, because a datasets.IterableDataset keeps a loaded state in all its parts for
            # later passes.
            stream = copy.deepcopy(stream)
            stream.load_state_dict(source)
        elif source is not None:
            rows_before = source  # they are read again, and come in the same order
        for number, row in enumerate(islice(stream, rows_before, None), start=rows_before + 1):
            behind = stream.state_dict() if is_exact else number
            for clip in self._clips_of(row, "", epoch, skip=clips):
                clips += 1
                self._state = stream_state(identity, epoch, place, source=source, clips=clips)
                yield clip
            source, clips = behind, 0
            self._state = stream_state(identity, epoch, place, source=source, clips=0)
        self._report_skipped()

    # --- one video --------------------------------------------------------------------------------

    def _clips_of(self, row: Row, name: str, epoch: int, *, skip: int = 0) -> Iterator[Clip]:
        """The clips of one video from number `skip` on. They end at an error that is to be
        skipped.
        """
        threads = threads_of_each(self._place().consumers, at_most=self.decoder_threads)
        cut = clips_of(row, self.plan, self.form, epoch=epoch, skip=skip, decoder_threads=threads)
        while True:
            # No yield inside the try: after an early stop this generator may end at interpreter
            # exit, when module names are gone.
            try:
                clip = next(cut, None)
            except (VideoError, RLEError, MaskError) as error:
                self._skip_or_raise(error, row, name)
                return
            if clip is None:
                return
            yield clip

    def _skip_or_raise(self, error: VideoError | RLEError | MaskError, row: Row, name: str) -> None:
        # Errors of masks already name the video.
        where = f"{name}video {row['video_id']}: " if isinstance(error, VideoError) else name
        if self.on_error == "raise":
            kind = VideoError if isinstance(error, VideoError) else MaskError
            raise kind(f"{where}{error}") from error
        self._num_skipped[worker_and_workers()[0] % _COUNTERS] += 1
        self._skipped.append(f"{where}{error}")

    def _report_skipped(self) -> None:
        if self._skipped:
            _LOG.warning("%d videos skipped:\n%s", len(self._skipped), "\n".join(self._skipped))
            self._skipped = []
