"""A FiftyOne dataset of a release, its masks drawn exactly where they are: python
examples/fiftyone_masks.py EXPORTED [--launch]

EXPORTED is what `brokenvideos export RELEASE EXPORTED --layout coco --frames png` makes. Without
--launch nothing is stored: samples are made and their masks compared with the export. With it they
go into a dataset, which FiftyOne's App shows.
"""

import json
import sys
from pathlib import Path

import fiftyone as fo
import numpy as np

Mask = np.ndarray


def detection_of(mask: Mask, label: str) -> fo.Detection:
    """A detection whose mask FiftyOne draws exactly; `mask` is bool[H, W] with at least one pixel.

    FiftyOne keeps the box in fractions of the frame and rounds its corners down: without the 0.01
    pixel, some come out one less.
    """
    detection = fo.Detection.from_mask(mask, label=label)
    left, top, width, height = detection.bounding_box
    detection.bounding_box = [
        left + 0.01 / mask.shape[1],
        top + 0.01 / mask.shape[0],
        width,
        height,
    ]
    return detection


def bitmap_of(segmentation: dict) -> Mask:
    """bool[H, W] of a COCO RLE whose counts are a list, as `export` writes it."""
    height, width = segmentation["size"]
    values = np.arange(len(segmentation["counts"])) % 2 == 1
    return np.repeat(values, segmentation["counts"]).reshape(width, height).T


def samples_of(exported: Path) -> list[tuple[fo.Sample, list[Mask]]]:
    """A sample per image, and the masks that its detections stand for."""
    content = json.loads((exported / "instances.json").read_text(encoding="utf-8"))
    labels = {category["id"]: category["name"] for category in content["categories"]}
    found = []
    for image in content["images"]:
        annotations = [
            entry for entry in content["annotations"] if entry["image_id"] == image["id"]
        ]
        masks = [bitmap_of(entry["segmentation"]) for entry in annotations]
        detections = []
        for entry, mask in zip(annotations, masks, strict=True):
            detection = detection_of(mask, labels[entry["category_id"]])
            detection["object_id"] = entry["object_id"]
            detections.append(detection)
        sample = fo.Sample(filepath=str((exported / "JPEGImages" / image["file_name"]).resolve()))
        sample["video_id"], sample["frame_index"] = (
            str(Path(image["file_name"]).parent),
            image["frame_index"],
        )
        sample["artifacts"] = fo.Detections(detections=detections)
        found.append((sample, masks))
    return found


def is_exact(detection: fo.Detection, mask: Mask) -> bool:
    """Whether FiftyOne draws the mask where it is."""
    height, width = mask.shape
    drawn = detection.to_segmentation(frame_size=(width, height), target=1).mask
    return np.array_equal(drawn > 0, mask)


def main() -> None:
    exported = Path(sys.argv[1])
    samples = samples_of(exported)
    pairs = [
        pair
        for sample, masks in samples
        for pair in zip(sample["artifacts"].detections, masks, strict=True)
    ]
    exact = sum(is_exact(detection, mask) for detection, mask in pairs)
    print(f"{len(samples)} frames, {len(pairs)} masks, {exact} of them exact")
    if "--launch" in sys.argv:
        dataset = fo.Dataset(f"brokenvideos-{exported.name}")
        dataset.add_samples([sample for sample, _ in samples])
        fo.launch_app(dataset).wait()


if __name__ == "__main__":
    main()
