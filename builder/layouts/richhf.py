"""RichHF-18K: {train,dev,test}.tfrecord of heat maps, and images/ with the Pick-a-Pic images that
the records name.

An image is a video of one frame (`builder.stills`). Object 1 is where the artifact map is 128 or
more of 255, so at least two of the dataset's three raters agree. The misalignment map (what does
not fit the prompt) marks no artifact and is not read. Records without their image are not read.
Points of single raters were never published.

Source: Liang et al., "Rich Human Feedback for Text-to-Image Generation" (CVPR 2024);
https://github.com/google-research/google-research, richhf_18k/parse_tfrecord_file.py.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from ..raw import (
    SPLIT_NAMES,
    STILL_LIST,
    Feature,
    FoundMasks,
    FrameLabels,
    Layout,
    Problem,
    RawError,
    RawVideo,
    find_stills,
    first_file,
    join_records,
    list_folder,
    missing_still,
    parse_example,
    peek_record,
    read_record,
    read_still,
    record_spans,
    still_size,
)

SUFFIX = ".tfrecord"
THRESHOLD = 128
"""Pixels of this value or brighter are marked."""

_MAP = "artifact_map"


@dataclass(frozen=True, slots=True)
class HeatMap:
    """The place of the record that holds one image's artifact map."""

    path: Path
    offset: int
    length: int
    image: Path

    def read(self) -> Iterator[FrameLabels]:
        """Frame 0. A map of another size is scaled to its image (bilinear) before the threshold is
        applied.

        Raises:
            RawError: a record, map or image that cannot be read.
        """
        try:
            data = _text(parse_example(read_record(self.path, self.offset, self.length)), _MAP)
        except RawError as error:
            raise RawError(f"{self.path}: {error}") from error
        heat = read_still(
            data, where=f"{self.path} record at byte {self.offset - 12} {_MAP}"
        ).convert("L")
        height, width = still_size(self.image)
        if heat.size != (width, height):
            heat = heat.resize((width, height), Image.Resampling.BILINEAR)
        yield FrameLabels(0, ((np.asarray(heat) >= THRESHOLD).astype(np.uint16),))


def _text(features: Mapping[str, Feature], name: str) -> bytes:
    values = features.get(name, ())
    if len(values) != 1 or not isinstance(values[0], bytes):
        raise RawError(f"a record has no {name}; wanted the records of RichHF-18K")
    return values[0]


def read_richhf(
    raw: Path, *, artifact_type: str | None, generator: str | None
) -> tuple[list[RawVideo], list[Problem]]:
    """Records by video_id, and every problem found without decoding an image or a map."""
    images, problems = find_stills(raw / "images", raw=raw)
    files = [path for path in list_folder(raw) if path.suffix.lower() == SUFFIX]
    if not problems and not (images and files):
        what = (
            f"{len(files)} {SUFFIX} files here and {len(images)} images in images/; wanted "
            f"train{SUFFIX} (dev, test) and "
        )
        return [], [Problem(".", f"{what}the Pick-a-Pic images that it names, {STILL_LIST}")]
    masks: dict[str, FoundMasks] = {}
    faults: list[Problem] = []
    for path in files:
        try:
            for offset, length in record_spans(path):
                features = parse_example(peek_record(path, offset, length))
                name = PurePosixPath(_text(features, "filename").decode("utf-8", "replace"))
                if name.stem not in images:
                    continue
                if name.stem in masks:
                    problems.append(
                        Problem(path.name, f"image {name.stem} is also in {masks[name.stem].where}")
                    )
                    continue
                masks[name.stem] = FoundMasks(
                    path.name,
                    HeatMap(path, offset, length, images[name.stem].path),
                    (0,),
                    split=SPLIT_NAMES.get(path.stem, images[name.stem].split),
                    notes=_notes(features),
                )
        except RawError as error:
            faults.append(Problem(path.name, str(error)))
    records, record_problems = join_records(
        raw,
        videos={video_id: image.path for video_id, image in images.items()},
        masks=masks,
        masks_wanted=f"a record of {{video_id}} in a {SUFFIX} file",
        artifact_type=artifact_type,
        generator=generator,
        missing=missing_still,
        unread=bool(faults),
    )
    return records, problems + faults + record_problems


def _notes(features: Mapping[str, Feature]) -> str | None:
    score = features.get("artifact_score", ())
    return (
        f"artifact_score {score[0]:.4g}"
        if len(score) == 1 and isinstance(score[0], float)
        else None
    )


def _detect(raw: Path) -> Path | None:
    return first_file(list_folder(raw), suffix=SUFFIX)


LAYOUT = Layout(
    help="RichHF-18K: heat maps of images in TFRecord files",
    looked_for=f"*{SUFFIX} and images/",
    detect=_detect,
    read=read_richhf,
)
