"""Writes a synthetic raw folder: small moving scenes, some of them broken on purpose, with exact
masks.
"""

import functools
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ...builder.work import Progress, executor_of, naming, no_progress, run_tasks
from ...frames import encode_video, index_video
from ...masks import ARTIFACT_TYPES
from .artifacts import Artifact, draw_artifacts
from .render import Rendered, render
from .scene import GENERATORS, NORMAL_TRAITS, Scene, make_scene

GENERATOR_VERSION = "1"
SCENE_STREAM, ARTIFACT_STREAM = 0, 1
MIN_SIDE_PX, MIN_FRAMES = 48, 8
# Object colours of the mask files. Only the index is data; the colours are for people who open a
# file.
MASK_PALETTE = bytes((0, 0, 0, 213, 94, 0, 86, 180, 233, 240, 228, 66))


class SampleExistsError(FileExistsError):
    """The output folder is not empty."""


class SampleError(ValueError):
    """A synthetic dataset that cannot be made as asked."""


@dataclass(frozen=True, slots=True)
class SampleSpec:
    """The values that all videos of a synthetic dataset share."""

    seed: int
    height: int
    width: int
    num_frames: int
    fps: int
    clean_twins: bool


@dataclass(frozen=True, slots=True)
class SampleVideo:
    """One synthetic video before it is written.

    `annotated_frames`: None if every frame is annotated; masks of other frames are not written.
    `trait`: an unusual property that is not an artifact.
    """

    number: int
    generator: str
    trait: str
    scene: Scene
    artifacts: tuple[Artifact, ...]
    annotated_frames: tuple[int, ...] | None
    rendered: Rendered

    @property
    def video_id(self) -> str:
        return f"{self.generator}_{self.number:05d}"


def write_sample(
    out: Path,
    *,
    videos: int = 12,
    seed: int = 0,
    height: int = 96,
    width: int = 128,
    num_frames: int = 24,
    fps: int = 12,
    clean_twins: bool = False,
    workers: int = 1,
    on_progress: Progress = no_progress,
) -> Path:
    """Writes a raw folder `out` in the layout "own" with synthetic videos, and returns `out`.

    One of three videos is normal. The others have motion, deformation and blur in turn; every
    fourth of them has two types. Video k does not depend on `videos`, `clean_twins` or `workers`.
    The folder appears under its name only when it is complete.

    Args:
        out: a folder that does not exist yet, or is empty.
        height, width: even, at least 48.
        num_frames: at least 8.
        clean_twins: also write `{video_id}_clean` for every broken video: scene and grain without
            the artifact, label normal.
        workers: number of processes.
        on_progress: called with ("sample", finished videos, all videos) before the first video and
            after each.

    Raises:
        SampleExistsError: `out` is not empty.
        SampleError: a number is out of range.
    """
    _check_numbers(
        videos=videos,
        seed=seed,
        height=height,
        width=width,
        num_frames=num_frames,
        fps=fps,
        workers=workers,
    )
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise SampleExistsError(
            f"{out}: exists and is not an empty folder. Name a new folder, or remove this one "
            "first."
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.parent / f".{out.name}.{os.getpid()}.partial"
    spec = SampleSpec(seed, height, width, num_frames, fps, clean_twins)
    try:
        for folder in ("videos", "masks"):
            (partial / folder).mkdir(parents=True)
        tasks = [(partial, spec, number) for number in range(videos)]
        shown = functools.partial(on_progress, "sample")
        with (
            naming(out),
            executor_of(workers) as executor,
            (partial / "videos.jsonl").open("w", encoding="utf-8") as lines,
        ):
            for records in run_tasks(executor, _write_video, tasks, shown):
                lines.writelines(json.dumps(record) + "\n" for record in records)
        partial.rename(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return out


def make_sample_video(number: int, spec: SampleSpec) -> SampleVideo:
    """Video `number` of a synthetic dataset, rendered. It depends only on its number and the spec.

    Its artifacts are drawn again until each is visible in at least half of its active, annotated
    frames.

    Raises:
        SampleError: no artifact was visible in 64 draws; the frame is too small for the scene.
    """
    generator = GENERATORS[(number + number // 3) % 3]
    types = _artifact_types(number)
    trait = "calm" if types else NORMAL_TRAITS[number // 3 % len(NORMAL_TRAITS)]
    scene = make_scene(
        _stream(spec.seed, number, SCENE_STREAM),
        height=spec.height,
        width=spec.width,
        num_frames=spec.num_frames,
        generator=generator,
        trait=trait,
    )
    annotated = tuple(range(0, spec.num_frames, 2)) if number % 6 == 4 else None
    stream = _stream(spec.seed, number, ARTIFACT_STREAM)
    for _ in range(64):
        artifacts = draw_artifacts(stream, scene, types)
        rendered = render(scene, artifacts)
        if all(_shows(artifact, rendered.labels, annotated) for artifact in artifacts):
            return SampleVideo(number, generator, trait, scene, artifacts, annotated, rendered)
    raise SampleError(
        f"video {number}: no artifact was visible in 64 draws at {spec.width}x{spec.height}, "
        f"{spec.num_frames} frames. Ask for larger or longer videos, or another seed."
    )


def _check_numbers(**numbers: int) -> None:
    lowest = {"height": MIN_SIDE_PX, "width": MIN_SIDE_PX, "num_frames": MIN_FRAMES, "seed": 0}
    for name, number in numbers.items():
        if number < lowest.get(name, 1):
            raise SampleError(f"{name} is {number}, must be at least {lowest.get(name, 1)}.")
        if name in ("height", "width") and number % 2:
            raise SampleError(
                f"{name} is {number}, must be even: the videos are written in yuv420p."
            )


def _stream(seed: int, number: int, tag: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence([seed, number, tag]))


def _artifact_types(number: int) -> tuple[str, ...]:
    """Artifact types by video number: none for every third, otherwise the three in turn, two for
    every fourth broken video.
    """
    if number % 3 == 2:
        return ()
    broken_number = number - number // 3
    first = broken_number % 3
    if broken_number % 4 != 3:
        return (ARTIFACT_TYPES[first],)
    return (ARTIFACT_TYPES[first], ARTIFACT_TYPES[(first + broken_number // 4) % 3])


def _shows(
    artifact: Artifact, labels: npt.NDArray[np.uint8], annotated: Sequence[int] | None
) -> bool:
    area_px = (labels == artifact.object_id).sum(axis=(1, 2))
    due = np.flatnonzero(artifact.active)
    due = due if annotated is None else np.intersect1d(due, annotated)
    visible = area_px[due] >= labels[0].size * 0.003
    return due.size > 0 and int(visible.sum()) * 2 >= due.size


def _write_video(task: tuple[Path, SampleSpec, int]) -> list[dict[str, Any]]:
    """Writes a video, its masks and its twin; returns their lines for videos.jsonl."""
    raw, spec, number = task
    video = make_sample_video(number, spec)
    objects = [
        {"object_id": a.object_id, "artifact_type": a.artifact_type} for a in video.artifacts
    ]
    notes = "broken on purpose" if objects else f"normal, {video.trait}"
    records = [_write_frames(raw, spec, video, video.video_id, video.rendered.frames, notes=notes)]
    records[0]["objects"] = objects
    if objects:
        records[0]["label"] = "broken"
        _write_masks(raw / "masks" / video.video_id, video)
    if video.annotated_frames is not None:
        records[0]["annotated_frames"] = list(video.annotated_frames)
    if objects and spec.clean_twins:
        twin = render(video.scene, ())
        notes = f"clean twin of {video.video_id}"
        records.append(
            _write_frames(raw, spec, video, f"{video.video_id}_clean", twin.frames, notes=notes)
        )
    return records


def _write_frames(
    raw: Path,
    spec: SampleSpec,
    video: SampleVideo,
    video_id: str,
    frames: npt.NDArray[np.uint8],
    *,
    notes: str,
) -> dict[str, Any]:
    """Encodes frames and describes them as a normal video."""
    path = raw / "videos" / f"{video_id}.mp4"
    encode_video(path, frames, fps=spec.fps)
    return {
        "video_id": video_id,
        "generator": video.generator,
        "prompt": video.scene.prompt,
        "label": "normal",
        "objects": [],
        "source": {
            "generator_version": GENERATOR_VERSION,
            "seed": str(spec.seed),
            "license": "CC0-1.0",
            "annotator": "renderer",
            "frames_sha256": index_video(path).frames_sha256,
            "notes": notes,
        },
    }


def _write_masks(folder: Path, video: SampleVideo) -> None:
    folder.mkdir()
    annotated = (
        range(len(video.rendered.labels))
        if video.annotated_frames is None
        else video.annotated_frames
    )
    for frame_index in annotated:
        labels = video.rendered.labels[frame_index]
        if labels.any():
            image = Image.fromarray(labels, mode="L")
            image.putpalette(MASK_PALETTE)
            image.save(folder / f"{frame_index:05d}.png", optimize=False)
