"""Read the tars of a release with Megatron-Energon: python examples/energon_cooker.py RELEASE WORK

Energon writes an index beside the tars (.nv-meta and *.tar.idx), which a release does not hold; so
WORK, a new folder, gets links to them. `cook` makes a sample of a crude one; a TaskEncoder of yours
takes it into its `cookers`.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import numpy as np
from megatron.energon import (
    Cooker,
    DefaultTaskEncoder,
    Sample,
    WorkerConfig,
    basic_sample_keys,
    edataclass,
    get_loader,
    get_train_dataset,
    stateless,
)
from pycocotools import mask as coco


@edataclass
class VideoSample(Sample):
    """A video's bytes, and where it is broken: bool[frames, H, W], the union of all objects."""

    video_id: str
    video: bytes
    artifacts: np.ndarray


@stateless
def cook(crude: dict) -> VideoSample:
    row = json.loads(crude["json"])
    artifacts = np.zeros((row["num_frames"], row["height"], row["width"]), bool)
    size = [row["height"], row["width"]]
    for frame_index, counts in zip(
        row["masks"]["frame_index"], row["masks"]["counts"], strict=True
    ):
        artifacts[frame_index] |= coco.decode({"size": size, "counts": counts}) > 0
    return VideoSample(
        **basic_sample_keys(crude),
        video_id=row["video_id"],
        video=crude["mp4"],
        artifacts=artifacts,
    )


class Encoder(DefaultTaskEncoder):
    """Hands samples on as they are cooked; a batch is one of them, since videos differ in size."""

    cookers: ClassVar = [Cooker(cook)]
    decoder = None  # bytes as they are: `cook` reads them

    def batch(self, samples: list[VideoSample]) -> VideoSample:
        return samples[0]


def prepare(release: Path, work: Path) -> None:
    """Links the tars into `work` and lets energon index them; the splits stay those of the
    release.
    """
    work.mkdir(parents=True)
    for tar in sorted((release / "webdataset").glob("*.tar")):
        (work / tar.name).symlink_to(tar.resolve())
    splits = [
        f"--split-parts={name}:{pattern}"
        for name, pattern in (("train", "train-.*"), ("val", "validation-.*"), ("test", "test-.*"))
    ]
    energon = Path(sys.executable).with_name("energon")
    command = [
        energon,
        "prepare",
        work,
        "--non-interactive",
        "--skip-dataset-yaml",
        "--num-workers=1",
        "--no-progress",
    ]
    subprocess.run([*command, *splits], check=True, stdout=subprocess.DEVNULL)
    (work / ".nv-meta" / "dataset.yaml").write_text(
        "__module__: megatron.energon\n__class__: CrudeWebdataset\n"
    )


def main() -> None:
    release, work = Path(sys.argv[1]), Path(sys.argv[2])
    prepare(release, work)
    dataset = get_train_dataset(
        work,
        batch_size=1,
        shuffle_buffer_size=None,
        max_samples_per_sequence=None,
        worker_config=WorkerConfig(rank=0, world_size=1, num_workers=0),
        task_encoder=Encoder(),
        repeat=False,
    )
    for sample in get_loader(dataset):
        print(
            sample.video_id,
            len(sample.video),
            "bytes",
            sample.artifacts.shape,
            int(sample.artifacts.sum()),
            "pixels",
        )


if __name__ == "__main__":
    main()
