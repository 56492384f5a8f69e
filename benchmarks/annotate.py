"""Counts the actions that a person needs for the masks of a video, with an engine and with
polygons.

    python benchmarks/annotate.py

A scripted person, who knows the exact masks, annotates synthetic videos. Each click, vertex, stroke
and key counts as one action. A box is one stroke (press, drag, release).

With polygons: a polygon on every fourth frame and on the last one, with the fewest vertices that
give an IoU of 0.9. One key closes it and one goes to the next frame. Frames between are
interpolated.

With an engine: on about every eighth frame a box and up to two clicks, and keys for the ends of the
range and for propagating masks in both directions. Then corrections where the error is largest; each
is propagated too.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from brokenvideos.frames import encode_video, iter_frames
from brokenvideos.tools.annotation.engines import (
    ENGINES,
    Click,
    Engine,
    EngineError,
    Prompt,
    make_engine,
)
from brokenvideos.tools.annotation.engines.regions import box_of, overlap
from brokenvideos.tools.synthetic.sample import SampleSpec, make_sample_video

BoolArray = npt.NDArray[np.bool_]
UInt8Array = npt.NDArray[np.uint8]

GOOD = 0.9
"""IoU at which the person leaves a frame alone."""
CLICKS = 2
"""More on one frame are seldom worth it: another frame is then."""
AIM = 0.85


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """A video uint8[T, H, W, 3] and the masks bool[T, H, W] of one object, with the methods of
    `Frames`.
    """

    frames: UInt8Array
    truth: BoolArray

    @property
    def height(self) -> int:
        return self.frames.shape[1]

    @property
    def width(self) -> int:
        return self.frames.shape[2]

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, frame_index: int) -> UInt8Array:
        return self.frames[frame_index]

    @property
    def window(self) -> range:
        """The frames from the first to the last one with the object."""
        shows = np.flatnonzero(self.truth.any(axis=(1, 2)))
        return range(int(shows[0]), int(shows[-1]) + 1)


@dataclass(slots=True, eq=False)
class Desk:
    """The masks that the person has made so far. `curve` has the mean IoU over the window after
    each action.
    """

    clip: Clip
    masks: dict[int, BoolArray] = field(default_factory=dict)
    marked: set[int] = field(default_factory=set)
    curve: list[float] = field(default_factory=list)
    click_s: list[float] = field(default_factory=list)
    propagate_s: list[float] = field(default_factory=list)

    def iou(self, frame_index: int) -> float:
        mask = self.masks.get(frame_index)
        return 0.0 if mask is None else overlap(mask, self.clip.truth[frame_index])

    def missing_around(self, frame_index: int) -> float:
        """The missing IoU up to GOOD, summed over the frames at most three away; near frames weigh
        more.

        A correction is propagated to these frames too.
        """
        near = range(
            max(frame_index - 3, self.clip.window[0]),
            min(frame_index + 3, self.clip.window[-1]) + 1,
        )
        return sum(
            max(0.0, GOOD - self.iou(other)) / (1 + abs(other - frame_index)) for other in near
        )

    def count(self, events: int = 1) -> None:
        self.curve += [
            statistics.fmean(self.iou(frame_index) for frame_index in self.clip.window)
        ] * events


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--videos", type=int, default=20)
    parser.add_argument("--frames", type=int, default=48)
    parser.add_argument("--size", default="384x288", help="width x height")
    parser.add_argument("--engine", choices=ENGINES, default="flow")
    parser.add_argument("--checkpoint", help="of a model with real weights")
    parser.add_argument("--device")
    parser.add_argument(
        "--most", type=int, default=40, help="events per object after which the person gives up"
    )
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))
    engine = make_engine(options.engine, checkpoint=options.checkpoint, device=options.device)
    with tempfile.TemporaryDirectory() as folder:
        clips = list(
            synthetic_clips(
                Path(folder), options.videos, options.frames, height=height, width=width
            )
        )
    desks = [annotate(engine, clip, most=options.most) for clip in clips]
    polygons = [draw_polygons(clip) for clip in clips]
    report(engine, desks, polygons)


def synthetic_clips(
    folder: Path, videos: int, num_frames: int, *, height: int, width: int
) -> Iterator[Clip]:
    """Yields every object of the first broken videos, with frames decoded from the encoded
    videos.
    """
    spec = SampleSpec(
        seed=7,
        height=height,
        width=width,
        num_frames=num_frames,
        fps=num_frames // 2,
        clean_twins=False,
    )
    # every third one is normal
    for number in [number for number in range(2 * videos) if number % 3 != 2][:videos]:
        video = make_sample_video(number, spec)
        path = folder / f"{number}.mp4"
        encode_video(path, video.rendered.frames, fps=spec.fps)
        frames = np.stack([frame for _, frame in iter_frames(path)])
        for artifact in video.artifacts:
            yield Clip(frames, video.rendered.labels == artifact.object_id)


def annotate(engine: Engine, clip: Clip, *, most: int) -> Desk:
    """Annotates a clip as the scripted person does with an engine."""
    desk = Desk(clip)
    engine.open(clip)
    window = clip.window
    num_keyframes = max(1, round(len(window) / 8))
    for number in range(num_keyframes):
        desk.count()  # the key that leads there
        mark(
            engine, desk, window[(2 * number + 1) * len(window) // (2 * num_keyframes)], is_new=True
        )
    desk.count(2)  # the ends of the range
    propagate(engine, desk, backwards=True)
    given_up: set[int] = set()
    while len(desk.curve) < most:
        left = [
            frame_index
            for frame_index in window
            if frame_index not in given_up and desk.iou(frame_index) < GOOD
        ]
        if not left:
            break
        worst = max(left, key=desk.missing_around)
        given_up.add(worst)
        desk.count()  # the key that leads there
        is_first = worst < min(desk.marked)
        mark(engine, desk, worst, is_new=desk.iou(worst) < 0.5)
        propagate(engine, desk, backwards=is_first)
    return desk


def mark(engine: Engine, desk: Desk, frame_index: int, *, is_new: bool) -> None:
    """Draws a box if the mask is useless, then clicks where the error is largest."""
    desk.marked.add(frame_index)
    truth = desk.clip.truth[frame_index]
    corners = box_of(truth)
    if corners is None:  # said by a key that clears the frame
        desk.masks[frame_index] = engine.prompt(Prompt(1, frame_index, mask=truth))
        desk.count()
        return
    box = (
        (float(corners[0]), float(corners[1]), float(corners[2]), float(corners[3]))
        if is_new
        else None
    )
    started = None if is_new else desk.masks[frame_index]
    clicks: tuple[Click, ...] = ()
    if is_new:
        ask(engine, desk, Prompt(1, frame_index, box=box))
    while desk.iou(frame_index) < GOOD and len(clicks) < CLICKS:
        clicks = (*clicks, next_click(desk.masks.get(frame_index, np.zeros_like(truth)), truth))
        ask(engine, desk, Prompt(1, frame_index, clicks=clicks, box=box, mask=started))


def ask(engine: Engine, desk: Desk, prompt: Prompt) -> None:
    start_s = time.perf_counter()
    try:
        desk.masks[prompt.frame_index] = engine.prompt(prompt)
    except EngineError:
        desk.masks.pop(prompt.frame_index, None)
    desk.click_s.append(time.perf_counter() - start_s)
    desk.count()


def next_click(mask: BoolArray, truth: BoolArray) -> Click:
    """A point in the middle of the largest connected region of error."""
    errors = [(truth & ~mask, True), (mask & ~truth, False)]
    best_area, best = -1, Click(0, 0)
    for error, positive in errors:
        count, pieces, stats, _ = cv2.connectedComponentsWithStats(error.view(np.uint8))
        if count < 2:
            continue
        piece = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
        area = int(stats[piece, cv2.CC_STAT_AREA])
        if area > best_area:
            inside = np.pad((pieces == piece).view(np.uint8), 1)
            y, x = np.unravel_index(
                cv2.distanceTransform(inside, cv2.DIST_L2, 5)[1:-1, 1:-1].argmax(), mask.shape
            )
            best_area, best = area, Click(float(x) + 0.5, float(y) + 0.5, positive)
    return best


def propagate(engine: Engine, desk: Desk, *, backwards: bool) -> None:
    """Propagates the masks, with one key for each direction. Backwards only for frames before the
    first marked one.
    """
    window = desk.clip.window
    start_s, num_masks = time.perf_counter(), 0
    ranges = [(window[0], window[-1])]
    if backwards and desk.marked:
        ranges.append((min(desk.marked), window[0]))
    for first, last in ranges:
        try:
            for frame_index, _, mask in engine.propagate([1], first=first, last=last):
                desk.masks[frame_index] = mask
                num_masks += 1
        except EngineError:
            pass  # nothing is marked yet
        desk.count()
    if num_masks:
        desk.propagate_s.append((time.perf_counter() - start_s) / num_masks)


@dataclass(frozen=True, slots=True)
class Polygons:
    events: int
    vertices: list[int]
    iou: float


def draw_polygons(clip: Clip) -> Polygons:
    """Annotates a clip as the scripted person does with polygons only."""
    window = clip.window
    shows = [frame_index for frame_index in window if clip.truth[frame_index].any()]
    keyframes = sorted({*shows[::4], shows[-1]})
    outlines = {frame_index: polygon(clip.truth[frame_index]) for frame_index in keyframes}
    ious = [
        overlap(between(outlines, frame_index, clip.truth[0].shape), clip.truth[frame_index])
        for frame_index in window
    ]
    vertices = [len(outline) for outline in outlines.values()]
    return Polygons(sum(vertices) + 2 * len(vertices), vertices, statistics.fmean(ious))


def polygon(mask: BoolArray) -> npt.NDArray[np.float32]:
    """float32[N, 2], x and y: the polygon around the largest piece with the fewest vertices and an
    IoU of GOOD.

    If no polygon reaches GOOD, the one with the highest IoU.
    """
    contours, _ = cv2.findContours(mask.view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    contour = max(contours, key=cv2.contourArea)
    for tolerance_px in np.geomspace(30, 0.5, 40):
        outline = cv2.approxPolyDP(contour, float(tolerance_px), True)
        if (
            len(outline) > 2
            and overlap(filled(outline[:, 0].astype(np.float32), mask.shape), mask) >= GOOD
        ):
            break
    return np.asarray(outline[:, 0], np.float32)


def filled(outline: npt.NDArray[np.float32], shape: tuple[int, ...]) -> BoolArray:
    plane = np.zeros(shape, np.uint8)
    cv2.fillPoly(plane, [np.rint(outline).astype(np.int32)], 1)
    return plane > 0


def between(
    outlines: dict[int, npt.NDArray[np.float32]], frame_index: int, shape: tuple[int, ...]
) -> BoolArray:
    """An outline between two drawn outlines, interpolated in time.

    Both have 64 points. Their starting points are shifted so that the points fit best.
    """
    before = max(other for other in outlines if other <= frame_index)
    after = min(other for other in outlines if other >= frame_index)
    if before == after:
        return filled(outlines[before], shape)
    one, other = along(outlines[before]), along(outlines[after])
    centred = one - one.mean(axis=0), other - other.mean(axis=0)
    turns = [
        float(np.square(centred[0] - np.roll(centred[1], turn, axis=0)).sum())
        for turn in range(len(one))
    ]
    other = np.roll(other, int(np.argmin(turns)), axis=0)
    share = (frame_index - before) / (after - before)
    return filled((one * (1 - share) + other * share).astype(np.float32), shape)


def along(outline: npt.NDArray[np.float32], count: int = 64) -> npt.NDArray[np.float64]:
    closed = np.vstack([outline, outline[:1]]).astype(np.float64)
    length = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T))])
    at = np.linspace(0, length[-1], count, endpoint=False)
    return np.stack([np.interp(at, length, closed[:, axis]) for axis in (0, 1)], axis=1)


def report(engine: Engine, desks: Sequence[Desk], polygons: Sequence[Polygons]) -> None:
    drawn = statistics.fmean(drawing.events for drawing in polygons)
    frames = statistics.fmean(len(desk.clip.window) for desk in desks)
    print(
        f"{len(desks)} objects, {frames:.1f} frames each; engine: "
        + ", ".join(f"{k} {v}" for k, v in engine.facts.items())
    )
    vertices = statistics.fmean(statistics.fmean(drawing.vertices) for drawing in polygons)
    print(
        f"polygons on every fourth frame: {drawn:.1f} events per object ({vertices:.1f} vertices "
        f"each), mean IoU {statistics.fmean(drawing.iou for drawing in polygons):.3f}"
    )
    longest = max(len(desk.curve) for desk in desks)
    curve = [
        statistics.fmean(desk.curve[min(count, len(desk.curve) - 1)] for desk in desks)
        for count in range(longest)
    ]
    mean = [
        statistics.fmean(min(count + 1, len(desk.curve)) for desk in desks)
        for count in range(longest)
    ]
    print("\n| events per object | relative to polygons | mean IoU |\n|---|---|---|")
    reached = next((count for count, value in enumerate(curve) if value >= AIM), None)
    for count, value in enumerate(curve):
        if count % 2 or count == reached or count == longest - 1:
            mark_ = f" (first >= {AIM})" if count == reached else ""
            print(f"| {mean[count]:.1f} | {mean[count] / drawn:.2f} | {value:.3f}{mark_} |")
    clicks = [seconds for desk in desks for seconds in desk.click_s]
    propagations = [seconds for desk in desks for seconds in desk.propagate_s]
    print(
        f"\nprompt to mask: median {statistics.median(clicks):.2f} s, 90 % within "
        f"{np.quantile(clicks, 0.9):.2f} s; "
        f"propagating: median {statistics.median(propagations):.3f} s a frame"
    )


if __name__ == "__main__":
    main()
