"""Checkpoints that are complete or absent: all processes write a temporary folder; the first one
flushes and renames it.
"""

import errno
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accelerate import Accelerator
from accelerate.utils import gather_object
from safetensors import SafetensorError
from torchdata.stateful_dataloader import StatefulDataLoader

from ...builder.work import partial_name, put_in_place, sync_folder, take_place, whole_folder
from ...release import parse_json
from ...sampling import ClipDataset, join_states
from .recipe import TrainError

if TYPE_CHECKING:
    from .faulty import FaultyClips

_NAME = re.compile(r"step-(\d{8})")
KEPT = 2


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a training. `epoch` is the current epoch, `best` the highest validation J&F
    of active frames so far, and `worse` the number of validations since then.
    """

    step: int = 0
    epoch: int = 0
    best: float | None = None
    worse: int = 0


def checkpoints(out: Path) -> list[Path]:
    """The complete checkpoints of a run, oldest first."""
    folder = out / "checkpoints"
    return (
        sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))
        if folder.is_dir()
        else []
    )


def save_checkpoint(
    accelerator: Accelerator, out: Path, progress: Progress, loader_state: Mapping[str, Any] | None
) -> None:
    """Writes model, optimizer, scaler, random state and position in the data of all processes; the
    latest `KEPT` stay.

    Args:
        loader_state: the position of this process, as `place_in` gives it; None at the end of an
            epoch.
    """
    final = out / "checkpoints" / f"step-{progress.step:08d}"
    partial = final.with_name(f".{final.name}.partial")
    if accelerator.is_main_process:
        for left in final.parent.glob(".*.partial") if final.parent.is_dir() else ():
            shutil.rmtree(left)
        partial.mkdir(parents=True)
    accelerator.wait_for_everyone()
    accelerator.save_state(str(partial))
    place = {"progress": asdict(progress), "loaders": gather_object([loader_state])}
    if accelerator.is_main_process:
        (partial / "place.json").write_text(json.dumps(place))
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        put_in_place(partial, final)
        for old in checkpoints(out)[:-KEPT]:
            shutil.rmtree(old)
    accelerator.wait_for_everyone()


def load_checkpoint(accelerator: Accelerator, path: Path) -> tuple[Progress, list[Any]]:
    """Restores model, optimizer, scaler and random state; returns the progress and the loaders'
    positions of all processes.
    """
    accelerator.load_state(str(path))
    place = parse_json((path / "place.json").read_bytes())
    return Progress(**place["progress"]), place["loaders"]


def place_in(loader: StatefulDataLoader) -> dict[str, Any]:
    """The loader's position in its epoch, and the number of its workers."""
    return {"workers": loader.num_workers, "state": loader.state_dict()}


def put_back(
    loader: StatefulDataLoader,
    dataset: "ClipDataset | FaultyClips",
    places: list[Any],
    *,
    rank: int,
    world_size: int,
) -> None:
    """Makes the loader's next pass give the rest of its epoch.

    With the same number of processes and workers, every batch is the same as without the
    interruption. With other numbers, the remaining clips are shared out again; each still comes
    once.
    """
    if any(place is None for place in places):
        return
    if len(places) == world_size and places[rank]["workers"] == loader.num_workers:
        loader.load_state_dict(places[rank]["state"])
    else:
        dataset.load_state_dict(join_states([place["state"] for place in places]))


@contextmanager
def kept_when_full(out: Path) -> Iterator[None]:
    """Turns the error of a failed write in the block into one line: what is kept, and how to
    continue.

    Raises:
        TrainError: the disk is full, a file is too large for it, or it is read-only. Without this
            block, safetensors and torch would raise errors of their own.
    """
    try:
        yield
    except (OSError, SafetensorError, RuntimeError) as error:
        full = getattr(error, "errno", None) in (
            errno.ENOSPC,
            errno.EFBIG,
            errno.EDQUOT,
            errno.EROFS,
        )
        foreign = isinstance(error, SafetensorError) or "PytorchStreamWriter" in str(error)
        if not full and not foreign:
            raise
        kept = checkpoints(out)
        what = f"{kept[-1]} is kept" if kept else "no checkpoint was written yet"
        path = getattr(error, "filename", None)
        path_text = f"{path}: " if path else ""
        why = f"{path_text}{' '.join(str(error).split())}"
        raise TrainError(
            f"{out}: cannot be written ({why}); {what}. Make room there; the same command with "
            "--resume continues."
        ) from error


@contextmanager
def newest_folder(name: Path, *, step: int) -> Iterator[Path]:
    """A folder to write into, {name}-{step}. Then `name` becomes a link to it in one step, and the
    previous folder is removed.

    If no link can be made (Windows needs a special permission), the folder itself gets the name.
    """
    final = name.with_name(f"{name.name}-{step:08d}")
    with whole_folder(final) as folder:
        yield folder
    link = partial_name(name)
    try:
        link.symlink_to(final.name)
        link.replace(name)
    except OSError:
        link.unlink(missing_ok=True)
        if name.is_symlink():
            name.unlink()
        take_place(final, name)
    sync_folder(name.parent)
    for old in name.parent.glob(f"{name.name}-*"):
        if old != final:
            shutil.rmtree(old)
