"""Measures how well masks are recovered that were drawn over clips.

    python benchmarks/drawn_masks.py [--real DIR]

Draws exact masks over decoded clips in several styles, and encodes the result with x264 at several
qualities. Prints the mean and the smallest IoU for each style and quality, over all frames of a
video together. Uses three synthetic videos. With --real it also uses videos/*.mp4 of a folder,
scaled to 720x480, with the masks of as many sequences of davis/rvos/ in that folder.
"""

import argparse
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from brokenvideos.frames import encode_video, iter_frames
from brokenvideos.tools.adoption.drawn import marked, measure
from brokenvideos.tools.synthetic.sample import write_sample

CRFS = (18, 23, 28)
FRAMES, UNMARKED = 24, 6


def laid_over(
    colour: Sequence[int], alpha: float, *, contour: Sequence[int] | None = None, half: int = 1
) -> Callable:
    def look(clip: np.ndarray, mask: np.ndarray) -> np.ndarray:
        out = clip.astype(np.float32)
        out[mask] = (1 - alpha) * out[mask] + alpha * np.asarray(colour, np.float32)
        if contour is not None:
            out[grown(mask, half) & grown(~mask, half)] = contour
        return out.round().astype(np.uint8)

    return look


LOOKS = {
    "red, alpha 0.5": laid_over((255, 0, 0), 0.5),
    "green, alpha 0.4, contour 2 px": laid_over((0, 255, 0), 0.4, contour=(0, 255, 0)),
    "white, solid": laid_over((255, 255, 255), 1.0),
    "blue, alpha 0.3": laid_over((0, 0, 255), 0.3),
    "red, alpha 0.3, white contour 4 px": laid_over(
        (255, 0, 0), 0.3, contour=(255, 255, 255), half=2
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--real", type=Path, help="a folder with videos/ and davis/rvos/")
    arguments = parser.parse_args()
    ious: dict[tuple[str, int], list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for frames, masks in [*synthetic(work), *(real(arguments.real) if arguments.real else ())]:
            clip = encoded(work / "clip.mp4", frames, crf=18)
            for name, look in LOOKS.items():
                for crf in CRFS:
                    drawn = [look(rgb, mask) for rgb, mask in zip(clip, masks, strict=True)]
                    ious[name, crf].append(
                        iou(clip, encoded(work / "drawn.mp4", drawn, crf=crf), masks)
                    )
    print(
        "| look | "
        + " | ".join(f"crf {crf}: mean, least" for crf in CRFS)
        + " |\n|---|"
        + "---|" * len(CRFS)
    )
    for name in LOOKS:
        cells = [f"{np.mean(ious[name, crf]):.3f}, {min(ious[name, crf]):.3f}" for crf in CRFS]
        print(f"| {name} | {' | '.join(cells)} |")


def encoded(path: Path, frames: Sequence[np.ndarray], *, crf: int) -> list[np.ndarray]:
    encode_video(path, frames, fps=8, crf=crf)
    return [rgb for _, rgb in iter_frames(path)]


def iou(
    clip: Sequence[np.ndarray], other: Sequence[np.ndarray], masks: Sequence[np.ndarray]
) -> float:
    drawing = measure(zip(clip, other, strict=True), num_frames=len(clip))
    both = either = 0
    for rgb, shown, mask in zip(clip, other, masks, strict=True):
        read_back = marked(rgb, shown, drawing)
        both, either = both + int((read_back & mask).sum()), either + int((read_back | mask).sum())
    return both / either


def synthetic(work: Path) -> Iterator[tuple[list[np.ndarray], list[np.ndarray]]]:
    raw = write_sample(work / "raw", videos=4, num_frames=FRAMES, height=240, width=352)
    for folder in sorted((raw / "masks").iterdir()):
        frames = [rgb for _, rgb in iter_frames(raw / "videos" / f"{folder.name}.mp4")]
        paths = [folder / f"{number:05d}.png" for number in range(len(frames))]
        nothing = np.zeros(frames[0].shape[:2], np.bool_)
        yield (
            frames,
            [np.asarray(Image.open(path)) > 0 if path.exists() else nothing for path in paths],
        )


def real(folder: Path) -> Iterator[tuple[list[np.ndarray], list[np.ndarray]]]:
    sequences = sorted((folder / "davis" / "rvos").iterdir())[2:]
    for path, sequence in zip(sorted((folder / "videos").iterdir()), sequences, strict=False):
        frames = [
            rgb
            for _, (_, rgb) in zip(range(FRAMES), iter_frames(path, size=(480, 720)), strict=False)
        ]
        masks = [
            np.asarray(Image.open(png).resize((720, 480), 0)) > 0
            for png in sorted(sequence.iterdir())[:FRAMES]
        ]
        yield (
            frames[: len(masks)],
            [mask & (number >= UNMARKED) for number, mask in enumerate(masks)],
        )


def grown(mask: np.ndarray, radius: int) -> np.ndarray:
    out = mask.copy()
    for dy in range(-radius, radius + 1):
        for dx in range(-radius, radius + 1):
            if dy * dy + dx * dx <= radius * radius:
                out |= np.roll(mask, (dy, dx), (0, 1))
    return out


if __name__ == "__main__":
    main()
