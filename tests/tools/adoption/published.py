"""Trees such as somebody else may publish: clips, and videos in which their masks are shown or
drawn.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from brokenvideos.frames import encode_video, iter_frames

UInt8Array = npt.NDArray[np.uint8]
BoolArray = npt.NDArray[np.bool_]

HEIGHT, WIDTH, NUM_FRAMES = 144, 192, 10
MARKED = range(3, 8)


def clip_frames(seed: int = 0, *, num_frames: int = NUM_FRAMES) -> list[UInt8Array]:
    """Coloured blotches and stripes that move, with grain."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    colours = rng.uniform(40, 200, (6, 3))
    centres, radii = rng.uniform(0, 1, (6, 2)), rng.uniform(15, 50, 6)
    turn = rng.uniform(0, np.pi)
    across = np.cos(turn) * x + np.sin(turn) * y
    frames = []
    for number in range(num_frames):
        image = np.full((HEIGHT, WIDTH, 3), 110.0) + 25 * np.sin(across / 9 + number / 3)[..., None]
        image += 50 * np.sin(across / 60 + seed)[..., None]
        for colour, (cy, cx), radius in zip(colours, centres, radii, strict=True):
            near = np.exp(
                -((y - cy * HEIGHT) ** 2 + (x - cx * WIDTH - 2 * number) ** 2) / (2 * radius**2)
            )
            image += near[..., None] * (colour - 110)
        frames.append(
            np.clip(image + rng.normal(0, 3, (HEIGHT, WIDTH, 1)), 0, 255).astype(np.uint8)
        )
    return frames


def masks_of(seed: int = 0, *, num_frames: int = NUM_FRAMES) -> list[BoolArray]:
    """An ellipse that moves, in the frames of MARKED."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return [
        (((y - 70 - seed) / 30) ** 2 + ((x - 70 - 3 * number) / 42) ** 2 < 1)
        if number in MARKED
        else np.zeros((HEIGHT, WIDTH), np.bool_)
        for number in range(num_frames)
    ]


Look = Callable[[UInt8Array, BoolArray], UInt8Array]


def white_on_black(clip: UInt8Array, mask: BoolArray) -> UInt8Array:
    return np.repeat(np.where(mask, 255, 0).astype(np.uint8)[..., None], 3, axis=2)


def laid_over(colour: Sequence[int], alpha: float) -> Look:
    def look(clip: UInt8Array, mask: BoolArray) -> UInt8Array:
        out = clip.astype(np.float32)
        out[mask] = (1 - alpha) * out[mask] + alpha * np.asarray(colour, np.float32)
        return out.round().astype(np.uint8)

    return look


def with_contour(fill: Look, colour: Sequence[int], *, width: int) -> Look:
    """The fill, and a contour that lies half inside and half outside of the mask."""

    def look(clip: UInt8Array, mask: BoolArray) -> UInt8Array:
        out = fill(clip, mask)
        out[grown(mask, width // 2) & grown(~mask, width // 2)] = colour
        return out

    return look


def grown(mask: BoolArray, radius: int) -> BoolArray:
    out = mask.copy()
    for dy in range(-radius, radius + 1):
        for dx in range(-radius, radius + 1):
            if dy * dy + dx * dx <= radius * radius:
                out |= np.roll(mask, (dy, dx), (0, 1))
    return out


RED = laid_over((255, 0, 0), 0.5)
GREEN_WITH_CONTOUR = with_contour(laid_over((0, 255, 0), 0.4), (0, 255, 0), width=2)
SOLID = laid_over((255, 0, 255), 1.0)
FAINT_BLUE = laid_over((0, 0, 255), 0.3)
WHITE_CONTOUR = with_contour(laid_over((255, 0, 0), 0.3), (255, 255, 255), width=4)


def write_clip(path: Path, *, seed: int = 0, num_frames: int = NUM_FRAMES) -> list[UInt8Array]:
    """A clip as somebody's generator wrote it; its decoded frames, over which others draw."""
    path.parent.mkdir(parents=True, exist_ok=True)
    encode_video(path, clip_frames(seed, num_frames=num_frames), fps=8)
    return [rgb for _, rgb in iter_frames(path)]


def write_mask(
    path: Path,
    frames: Iterable[UInt8Array],
    masks: Iterable[BoolArray],
    look: Look = white_on_black,
    *,
    crf: int = 23,
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    encode_video(
        path, [look(rgb, mask) for rgb, mask in zip(frames, masks, strict=True)], fps=8, crf=crf
    )


def write_pngs(
    folder: Path, masks: Iterable[BoolArray], *, first: int = 0, value: int = 255
) -> None:
    folder.mkdir(parents=True)
    for number, mask in enumerate(masks, start=first):
        Image.fromarray((mask * value).astype(np.uint8)).save(folder / f"{number:05d}.png")


README = b"---\nlicense: other\nlicense_name: made-up-license\n---\n# \xe4\xb8\xad\xe6\x96\x87\n"


def write_tree(tree: Path) -> Path:
    """Four pairs of as many kinds, a clip without a mask, two lists of ids, a README."""
    for number, (video_id, look) in enumerate(
        {"Cog5B_00000": white_on_black, "Cog5B_00001": RED, "Kling1.5_00002": None}.items()
    ):
        frames = write_clip(tree / "videos" / f"{video_id}.mp4", seed=number)
        if look is None:
            write_pngs(tree / "masks" / video_id, masks_of(number))
        else:
            write_mask(tree / "masks" / f"{video_id}_mask.mp4", frames, masks_of(number), look)
    write_clip(tree / "videos" / "Luma_00003.mp4", seed=3)
    frames = [np.zeros((HEIGHT, WIDTH, 3), np.uint8)] * NUM_FRAMES
    write_mask(
        tree / "masks" / "Luma_00003_mask.mp4",
        frames,
        [np.zeros((HEIGHT, WIDTH), np.bool_)] * NUM_FRAMES,
    )
    write_clip(tree / "videos" / "Vidu_00004.mp4", seed=4)
    (tree / "README.md").write_bytes(README)
    (tree / "train.txt").write_text("Cog5B_00000\nCog5B_00001.mp4\nLuma_00003\n")
    (tree / "test.txt").write_text("Kling1.5_00002\nKling_09999\n")
    return tree


def iou(found: Iterable[BoolArray], wanted: Iterable[BoolArray]) -> float:
    """Over all frames together."""
    both = [
        (int((one & two).sum()), int((one | two).sum()))
        for one, two in zip(found, wanted, strict=True)
    ]
    return sum(same for same, _ in both) / max(1, sum(either for _, either in both))


def raw_masks(raw: Path, video_id: str, *, num_frames: int = NUM_FRAMES) -> list[BoolArray]:
    """What the PNGs of a raw folder mark, frame by frame."""
    out = []
    for number in range(num_frames):
        path = raw / "masks" / video_id / f"{number:05d}.png"
        out.append(
            np.asarray(Image.open(path)) > 0
            if path.exists()
            else np.zeros((HEIGHT, WIDTH), np.bool_)
        )
    return out
