"""The strict check and the parser as torch operations, for masks of many sizes at once.

The rules and messages are those of `brokenvideos.masks.runs.parse`. This code finds the first mask
that breaks a rule; the host parser then reads that string and makes the message.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

import torch

CHUNK_BYTES = 2 << 20
"""Bytes of text that are parsed at a time; temporary arrays take up to 100 times as much."""


class Rule(IntEnum):
    """The rules that a string can break, in the order of the checks; SOUND means that it breaks
    none.
    """

    BYTE = 0
    CUT_OFF = 1
    TOO_MANY_GROUPS = 2
    NOT_MINIMAL = 3
    NEGATIVE = 4
    LONGER_THAN_MASK = 5
    ZERO = 6
    SUM = 7
    SOUND = 8


@dataclass(frozen=True, slots=True, eq=False)
class DeviceRuns:
    """Runs of N masks on a device.

    Mask i owns ends[starts[i]:starts[i] + counts[i]], int32: the pixel after each of its runs,
    counted from the start of the mask. Runs 0, 2, … are background and the last end is the number
    of pixels. `broken` is the first Rule that the string breaks, int32[N]; the runs of such a mask
    are not valid. `starts` and `counts` are int64[N].
    """

    ends: torch.Tensor
    starts: torch.Tensor
    counts: torch.Tensor
    broken: torch.Tensor


Parser = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], DeviceRuns]


def parse(text: torch.Tensor, bounds: torch.Tensor, pixels: torch.Tensor) -> DeviceRuns:
    """Runs of N masks.

    Args:
        text: uint8[B], all strings as one.
        bounds: int64[N], where each string ends; none is empty.
        pixels: int64[N], height · width of each mask.
    """
    groups = text - 48  # what is below 48 wraps round to a large value
    broken = torch.where(groups[bounds - 1] > 31, int(Rule.CUT_OFF), int(Rule.SOUND)).to(
        torch.int32
    )
    is_bad = groups > 63
    if bool(is_bad.any() | (broken < Rule.SOUND).any()):
        broken[torch.searchsorted(bounds, is_bad.nonzero()[:, 0], right=True)] = int(Rule.BYTE)
        return _without(broken, text, bounds, pixels)
    last_bytes = (groups < 32).nonzero()[:, 0]
    offsets = torch.searchsorted(last_bytes, torch.cat([torch.zeros_like(bounds[:1]), bounds]))
    counts = offsets.diff()
    mask_of_run = torch.repeat_interleave(counts, output_size=len(last_bytes))
    numbers, rules = _numbers(groups, last_bytes)
    lengths = _undo_differences(numbers, offsets, mask_of_run)
    is_first = torch.zeros_like(lengths, dtype=torch.bool)
    is_first[offsets[:-1]] = True
    for rule, is_broken in (
        (Rule.NEGATIVE, lengths < 0),
        (Rule.LONGER_THAN_MASK, lengths > pixels[mask_of_run]),
        (Rule.ZERO, (lengths == 0) & ~is_first),
    ):
        rules = torch.where(is_broken & (rules > rule), int(rule), rules)
    broken = broken.scatter_reduce(0, mask_of_run, rules, "amin")
    # If an earlier rule is broken, sums may overflow; they are not used then.
    sums = torch.cat([torch.zeros_like(lengths[:1]), lengths.cumsum(0)])
    before = sums[offsets[:-1]]
    totals = sums[offsets[1:]] - before
    broken = torch.where((totals != pixels) & (broken > Rule.SUM), int(Rule.SUM), broken)
    return DeviceRuns(
        (sums[1:] - before[mask_of_run]).to(torch.int32), offsets[:-1], counts, broken
    )


def _without(
    broken: torch.Tensor, text: torch.Tensor, bounds: torch.Tensor, pixels: torch.Tensor
) -> DeviceRuns:
    """The runs of the strings that have broken no rule so far; other strings have no runs."""
    good = (broken == Rule.SOUND).nonzero()[:, 0]
    starts, counts = torch.zeros_like(bounds), torch.zeros_like(bounds)
    if not len(good):
        return DeviceRuns(
            torch.zeros(0, dtype=torch.int32, device=text.device), starts, counts, broken
        )
    owner = torch.searchsorted(bounds, torch.arange(len(text), device=text.device), right=True)
    own_bounds = bounds.diff(prepend=torch.zeros_like(bounds[:1]))[good].cumsum(0)
    runs = parse(text[(broken == Rule.SOUND)[owner]], own_bounds, pixels[good])
    starts[good], counts[good], broken[good] = runs.starts, runs.counts, runs.broken
    return DeviceRuns(runs.ends, starts, counts, broken)


def in_chunks(
    parser: Parser, text: torch.Tensor, bounds: torch.Tensor, pixels: torch.Tensor
) -> DeviceRuns:
    """Applies `parser` to parts of about CHUNK_BYTES of text, so that its temporary arrays stay
    small.

    `bounds` and `pixels` are on the CPU, `text` on the device.
    """
    parts: list[DeviceRuns] = []
    first = bytes_before = runs_before = 0
    while first < len(bounds):
        # At least one string, however long.
        behind = max(
            first + 1, int(torch.searchsorted(bounds, bytes_before + CHUNK_BYTES, right=True))
        )
        stop = int(bounds[behind - 1])
        own_bounds = (bounds[first:behind] - bytes_before).to(text.device)
        part = parser(text[bytes_before:stop], own_bounds, pixels[first:behind].to(text.device))
        parts.append(DeviceRuns(part.ends, part.starts + runs_before, part.counts, part.broken))
        runs_before += len(part.ends)
        first, bytes_before = behind, stop
    if len(parts) == 1:
        return parts[0]
    return DeviceRuns(
        *(
            torch.cat([getattr(part, name) for part in parts])
            for name in ("ends", "starts", "counts", "broken")
        )
    )


def _numbers(groups: torch.Tensor, last_bytes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The signed number that ends at each of `last_bytes`, int64, and the rule that its bytes
    break, int32.
    """
    numbers = (groups[last_bytes].long() ^ 16) - 16  # bit 16 of the last group is the sign
    rules = torch.full_like(numbers, Rule.SOUND, dtype=torch.int32)
    # In front of the first byte, index -1 is the last byte, which ends a number as the byte before
    # any other number does.
    before = groups[last_bytes - 1]
    says_nothing = (before > 31) & (groups[last_bytes] == torch.where((before & 16) > 0, 31, 0))
    rules[says_nothing] = int(Rule.NOT_MINIMAL)
    longer = (before > 31).nonzero()[:, 0]
    for group in range(1, 7):
        numbers[longer] = numbers[longer] << 5 | (groups[last_bytes[longer] - group].long() & 31)
        longer = longer[groups[last_bytes[longer] - group - 1] > 31]
    rules[longer] = int(Rule.TOO_MANY_GROUPS)
    return numbers, rules


def _undo_differences(
    numbers: torch.Tensor, offsets: torch.Tensor, mask_of_run: torch.Tensor
) -> torch.Tensor:
    """Run lengths from numbers that are differences to the run two before, from the fourth run of
    each mask on.

    Every second run of the whole batch is one lane. In a lane, the runs of a mask are a cumulative
    sum that starts again at each mask. It does not matter whether a mask begins in lane 0 or 1.
    """
    first_runs = offsets[:-1]
    lengths = numbers.clone()
    lengths[first_runs] = 0  # the third run does not build on the first
    for lane in (0, 1):
        sums = torch.cat([torch.zeros_like(lengths[:1]), lengths[lane::2].cumsum(0)])
        runs_before = (first_runs + 1 - lane) // 2
        lengths[lane::2] = sums[1:] - sums[runs_before[mask_of_run[lane::2]]]
    lengths[first_runs] = numbers[first_runs]
    return lengths
