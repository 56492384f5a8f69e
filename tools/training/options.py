"""The options of a training, and their defaults from a recipe."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from .recipe import Recipe, TrainError

Precision = Literal["auto", "no", "fp16", "bf16"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainOptions:
    """Everything that decides what a training does; None: the recipe's value.

    holdout: as in `brokenvideos.load`: left out of training and validation, scored separately at
    the end. init: a checkpoint that the recipe starts from.
    epochs: passes over train. steps: end after so many steps instead, at most.
    size: (height, width) of clips. num_frames, stride: of a clip. clips_per_video: in an epoch.
    faults: share of the clips that get a fault made on purpose (see `faults`); of a hold-out of an
    artifact type only such that do not resemble it.
    batch_size: clips per process and step. workers: decoding processes per process.
    patience: stop after so many validations without a better J&F, counted from the first above 0;
    0: never. validate_epochs: epochs between validations. checkpoint_steps: steps between
    checkpoints, beside those after validations.
    """

    recipe: str = "unet"
    holdout: str | None = None
    init: str | None = None
    epochs: int = 20
    steps: int | None = None
    size: tuple[int, int] | None = None
    num_frames: int | None = None
    stride: int = 1
    clips_per_video: int = 1
    batch_size: int | None = None
    lr: float | None = None
    weight_decay: float | None = None
    augment: bool = True
    faults: float = 0.0
    seed: int = 0
    workers: int = 0
    precision: Precision = "auto"
    patience: int = 5
    validate_epochs: int = 1
    checkpoint_steps: int | None = None
    cpu: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """`TrainOptions` in which the recipe's values replace every None."""

    recipe: str
    holdout: str | None
    init: str | None
    epochs: int
    steps: int | None
    size: tuple[int, int]
    num_frames: int
    stride: int
    clips_per_video: int
    batch_size: int
    lr: float
    weight_decay: float
    augment: bool
    faults: float
    crop: float
    flip: float
    seed: int
    workers: int
    precision: Precision
    patience: int
    validate_epochs: int
    checkpoint_steps: int | None
    cpu: bool


MAY_CHANGE = (
    "epochs",
    "steps",
    "workers",
    "patience",
    "validate_epochs",
    "checkpoint_steps",
    "cpu",
)
"""Options that may have other values when a run is resumed."""


def settled(options: TrainOptions, recipe: Recipe) -> Settled:
    """The options with the recipe's values, checked.

    Raises:
        TrainError: a number out of its range.
    """
    given = asdict(options)
    for name in ("size", "num_frames", "batch_size", "lr", "weight_decay"):
        given[name] = getattr(recipe, name) if given[name] is None else given[name]
    given["augment"] = options.augment and recipe.augment
    if not given["augment"]:
        given |= {"crop": 1.0, "flip": 0.0}
    else:
        given |= {"crop": recipe.crop, "flip": recipe.flip}
    for name in (
        "epochs",
        "steps",
        "num_frames",
        "stride",
        "clips_per_video",
        "batch_size",
        "validate_epochs",
        "checkpoint_steps",
    ):
        if given[name] is not None and given[name] < 1:
            raise TrainError(f"{name} is {given[name]}, must be 1 or more.")
    if not 0 <= given["faults"] <= 1:
        raise TrainError(f"faults is {given['faults']}, must be a share from 0 to 1.")
    if given["lr"] <= 0 or min(given["size"]) < 1:
        raise TrainError(f"lr is {given['lr']}, size {given['size']}; both must be above 0.")
    return Settled(**given)


def require_same(before: dict[str, Any], now: dict[str, Any]) -> None:
    """Checks that a resumed run has the options of its start, except those in MAY_CHANGE.

    Raises:
        TrainError: the run in the folder was started with other options.
    """
    other = [
        f"{name} {before.get(name)!r}, now {value!r}"
        for name, value in now.items()
        if before.get(name) != value
    ]
    if other:
        raise TrainError(
            f"--resume: the run was started with {'; '.join(other)}. Give the same options, or "
            "another --out."
        )
