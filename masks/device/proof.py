"""Computes fingerprints of decoded bitmaps on a device: strings are sent there, fingerprints come
back.
"""

from collections.abc import Sequence

import numpy as np
import torch

from .. import decoded
from ..batch import collate_planes
from ..runs import RLEError
from .bitmaps import read_any, refusal
from .fingerprints import fingerprint_unchecked
from .parse import DeviceRuns, Rule
from .place import Backend, backend_of, require_device
from .raster import draw, select

PART_BYTES = 512 << 20
"""Bytes of bitmaps that are drawn and then summed at a time."""


def fingerprint_decoded(
    counts: Sequence[str],
    *,
    height: int,
    width: int,
    device: torch.device | str = "cpu",
    budget_bytes: int = decoded.BUDGET_BYTES,
    backend: Backend | None = None,
) -> list[int | RLEError]:
    """The result of `brokenvideos.masks.fingerprint_decoded`, computed on a device; `backend` as in
    `decode`.
    """
    place = require_device(device)
    used = backend or backend_of(place)
    if used == "numpy":
        return decoded.fingerprint_on_host(
            counts, height=height, width=width, budget_bytes=budget_bytes
        )
    part_bytes = min(budget_bytes, PART_BYTES)
    return decoded.by_stretches(
        counts,
        lambda own: _on_device(
            own, height=height, width=width, part_bytes=part_bytes, device=place, backend=used
        ),
        problem=decoded.size_problem(height, width, budget_bytes=budget_bytes),
    )


def _on_device(
    counts: Sequence[str],
    *,
    height: int,
    width: int,
    part_bytes: int,
    device: torch.device,
    backend: Backend,
) -> list[int | RLEError]:
    errors: dict[int, RLEError] = {}
    good, places = list(counts), list(range(len(counts)))
    try:
        batch = collate_planes(good, height=height, width=width)
    except RLEError:  # not a text; the device checks all texts
        errors, good = decoded.checked_apart(counts, height=height, width=width)
        places = [index for index in places if index not in errors]
        batch = collate_planes(good, height=height, width=width)
    runs = read_any(batch, device=device, backend=backend)
    rules = runs.broken.cpu().numpy()
    for index in np.flatnonzero(rules < Rule.SOUND).tolist():
        errors[places[index]] = RLEError(refusal(batch, index).problem, places[index])
    sound = torch.from_numpy(np.flatnonzero(rules == Rule.SOUND))
    fingerprints = []
    part_masks = max(1, part_bytes // (height * width))
    for start in range(0, len(sound), part_masks):
        part = select(runs, sound[start : start + part_masks])
        fingerprints.append(_drawn_fingerprints(part, height=height, width=width, backend=backend))
    # One copy back at the end: nothing before it waits for the device.
    values = iter(torch.cat(fingerprints).tolist() if fingerprints else [])
    return [errors[index] if index in errors else next(values) for index in range(len(counts))]


def _drawn_fingerprints(
    runs: DeviceRuns, *, height: int, width: int, backend: Backend
) -> torch.Tensor:
    planes = torch.empty(
        (len(runs.starts), width * height), dtype=torch.uint8, device=runs.ends.device
    )
    draw(runs, planes, pixels=width * height, backend=backend)
    return fingerprint_unchecked(planes.view(len(planes), width, height).transpose(1, 2))
