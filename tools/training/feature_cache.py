"""A cache of a frozen encoder's features, so that each frame is encoded once."""

import hashlib
from collections.abc import Callable, Sequence

import torch
from torch import Tensor


class FeatureCache:
    """Feature maps of single frames on the CPU, in half precision, by the frame's pixels.

    It keeps the first frames and never removes one. If an epoch does not fit, a cache that removes
    the least recently used frames would never have a hit. The key is the content, because clips
    start anywhere and validation uses the same frames; an augmented frame is another frame.

    Args:
        max_bytes: limit for all maps together; 0 keeps none.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.num_bytes = 0
        self.hits = 0
        self._maps: dict[bytes, list[Tensor]] = {}

    def __call__(
        self, frames: Tensor, encode: Callable[[Tensor], Sequence[Tensor]]
    ) -> list[Tensor]:
        """The maps of all frames, level by level: [N, C, h, w] in the frames' type, rounded to half
        precision, cached or new.

        Args:
            frames: float[N, 3, H, W].
            encode: (frames) -> their maps; called for frames that are not in the cache.
        """
        if not self.max_bytes:
            return [level.half().to(frames.dtype) for level in encode(frames)]
        keys = [
            hashlib.blake2b(frame.numpy().tobytes(), digest_size=16).digest()
            for frame in frames.float().cpu()
        ]
        missing = [
            n for n, key in enumerate(keys) if key not in self._maps and keys.index(key) == n
        ]
        new_maps: dict[bytes, list[Tensor]] = {}
        if missing:
            levels = [level.half().cpu() for level in encode(frames[missing])]
            new_maps = {
                keys[n]: [level[place] for level in levels] for place, n in enumerate(missing)
            }
        self.hits += len(keys) - len(missing)
        all_maps = [self._maps.get(key) or new_maps[key] for key in keys]
        for key, maps in new_maps.items():
            self._keep(key, maps)
        # Cast before they are joined: autocast cannot join halves on every device.
        cast = (
            [maps.to(frames.device).to(frames.dtype) for maps in level]
            for level in zip(*all_maps, strict=True)
        )
        return [torch.stack(level) for level in cast]

    def _keep(self, key: bytes, maps: list[Tensor]) -> None:
        size = sum(level.nbytes for level in maps)
        if self.num_bytes + size <= self.max_bytes:
            # A copy: a slice would keep all of its batch.
            self._maps[key] = [level.clone() for level in maps]
            self.num_bytes += size
