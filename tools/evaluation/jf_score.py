"""Computes J&F batch by batch in a training loop, and joins the results of several processes."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from .counts import FIELDS, Counts, against_empty, against_full, count_bitmaps, joined_counts
from .evaluation import Evaluation, evaluation_of
from .scores import ScoredVideo

if TYPE_CHECKING:
    import torch

    Masks: TypeAlias = "np.ndarray[Any, Any] | torch.Tensor"


class JFScore:
    """A metric that takes masks in batches and gives the `Evaluation` of all of them.

    The methods have the names of torchmetrics. It stores seven integers per frame and no masks. If
    a frame of a video comes twice (overlapping clips, or a sampler that repeats items to fill a
    rank), only the first one counts. Score at the size of the truth if you compare with others,
    because F depends on the size.

    Examples:
        >>> from torch.utils.data import DataLoader
        >>> score = brokenvideos.JFScore()
        >>> for batch in DataLoader(brokenvideos.clips("release", num_frames=8), batch_size=2):
        ...     predicted = batch["masks"].clone()  # in the place of a model's answer
        ...     score.update(
        ...         predicted,
        ...         batch["masks"],
        ...         video_ids=batch["video_id"],
        ...         frame_indices=batch["frame_index"],
        ...         valid=batch["valid"],
        ...     )
        >>> score.compute().scores.broken["active_jf"].value
        1.0
    """

    def __init__(self) -> None:
        self._parts: dict[str, list[Counts]] = {}
        self._facts: dict[str, dict[str, Any]] = {}

    def update(
        self,
        pred: "Masks",
        truth: "Masks",
        *,
        video_ids: str | Sequence[str],
        frame_indices: Any = None,
        valid: Any = None,
        facts: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        """Adds the masks of one video ([T, H, W] and one id) or of B clips ([B, T, H, W] and B
        ids).

        Args:
            pred, truth: bool or uint8 of 0 and 1, NumPy arrays or torch tensors. Tensors on a GPU
                are counted there.
            frame_indices: int[T] or [B, T]; None: 0 ... T - 1.
            valid: bool[T] or [B, T]; False leaves a frame out (not annotated, or padding). None:
                all frames count.
            facts: generator, split and artifact_types by video_id, for the scores of groups.

        Raises:
            ValueError: shapes, ids or values that do not fit. Nothing is added then.
        """
        if isinstance(video_ids, str):
            video_ids, pred, truth = [video_ids], pred[None], truth[None]
            frame_indices = None if frame_indices is None else _array(frame_indices)[None]
            valid = None if valid is None else _array(valid)[None]
        if pred.ndim != 4 or tuple(pred.shape) != tuple(truth.shape) or len(video_ids) != len(pred):
            raise ValueError(
                f"pred {list(pred.shape)}, truth {list(truth.shape)}, {len(video_ids)} video_ids; "
                "wanted two of [B, T, H, W] and B ids, or [T, H, W] and one id as text."
            )
        shape = (len(pred), pred.shape[1])
        frames = (
            np.tile(np.arange(shape[1]), (shape[0], 1))
            if frame_indices is None
            else _array(frame_indices)
        )
        is_valid = np.ones(shape, np.bool_) if valid is None else _array(valid).astype(np.bool_)
        if frames.shape != shape or is_valid.shape != shape:
            raise ValueError(
                f"frame_indices {list(frames.shape)}, valid {list(is_valid.shape)}; wanted "
                f"{list(shape)}, as pred has."
            )
        parts = [
            _count(truth[index], pred[index], frames[index], is_valid[index])
            for index in range(len(pred))
        ]
        for video_id, part in zip(video_ids, parts, strict=True):
            have = self._parts.get(video_id, [part])[0]
            if (have.height, have.width) != (part.height, part.width):
                raise ValueError(
                    f"video {video_id}: masks of {part.height}x{part.width} pixels, before of "
                    f"{have.height}x{have.width}; wanted one size per video."
                )
        for video_id, part in zip(video_ids, parts, strict=True):
            self._parts.setdefault(video_id, []).append(part)
        self._facts.update(
            {video_id: dict(facts_of_video) for video_id, facts_of_video in (facts or {}).items()}
        )

    def compute(self) -> Evaluation:
        """The evaluation of all added frames, with the floors all-empty and all-full."""
        videos = []
        for video_id in sorted(self._parts):
            counts = self._counts(video_id)
            facts = self._facts.get(video_id, {})
            videos.append(
                ScoredVideo(
                    video_id=video_id,
                    split=facts.get("split"),
                    generator=facts.get("generator", "unknown"),
                    artifact_types=tuple(facts.get("artifact_types", ())),
                    broken=bool(counts.truth_px.any()),
                    counts=counts,
                    floors={"all-empty": against_empty(counts), "all-full": against_full(counts)},
                )
            )
        return evaluation_of(videos, truth="given", predictions="given", options={"empty": "davis"})

    def merge(self, state: Mapping[str, Any]) -> None:
        """Adds the counts of another process: its `state()`, from
        `torch.distributed.all_gather_object`.
        """
        for video_id, columns_by_name in state["videos"].items():
            height, width = columns_by_name["size"]
            columns = (np.array(columns_by_name[name], np.int64) for name in ("frames", *FIELDS))
            self._parts.setdefault(video_id, []).append(Counts(height, width, *columns))
        self._facts.update(state["facts"])

    def state(self) -> dict[str, Any]:
        """All counts as plain lists and numbers, for `merge`."""
        videos = {}
        for video_id in self._parts:
            counts = self._counts(video_id)
            columns = {name: getattr(counts, name).tolist() for name in ("frames", *FIELDS)}
            videos[video_id] = {"size": [counts.height, counts.width], **columns}
        return {
            "videos": videos,
            "facts": {video_id: dict(facts) for video_id, facts in self._facts.items()},
        }

    def reset(self) -> None:
        """Removes all counts."""
        self._parts.clear()
        self._facts.clear()

    def _counts(self, video_id: str) -> Counts:
        joined = joined_counts(self._parts[video_id])
        # joined_counts keeps the order of equal frames
        _, first = np.unique(joined.frames, return_index=True)
        is_first = np.zeros(len(joined), np.bool_)
        is_first[first] = True
        return joined.at(is_first)


def _count(
    truth: "Masks", pred: "Masks", frames: "np.ndarray[Any, Any]", is_valid: "np.ndarray[Any, Any]"
) -> Counts:
    where = np.flatnonzero(is_valid)
    where = where[np.argsort(frames[where], kind="stable")]
    frame_indices = frames[where].astype(np.int64).tolist()
    if isinstance(truth, np.ndarray) and isinstance(pred, np.ndarray):
        return count_bitmaps(truth[where], pred[where], frames=frame_indices)
    import torch

    truth, pred = torch.as_tensor(truth), torch.as_tensor(pred)
    if truth.device.type == "cpu" and pred.device.type == "cpu":
        return count_bitmaps(
            truth.detach().numpy()[where], pred.detach().numpy()[where], frames=frame_indices
        )
    from .device import count_tensors

    device = pred.device if truth.device.type == "cpu" else truth.device
    rows = torch.as_tensor(where, device=device)
    return count_tensors(truth.to(device)[rows], pred.to(device)[rows], frames=frame_indices)


def _array(values: Any) -> "np.ndarray[Any, Any]":
    if isinstance(values, np.ndarray):
        return values
    detach = getattr(values, "detach", None)
    return np.asarray(values if detach is None else detach().cpu().numpy())
