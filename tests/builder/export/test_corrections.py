"""Exports go into the tools that people have and come back: by what those tools document and do."""

import base64
import io
import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from brokenvideos.builder import BuildOptions, build
from brokenvideos.builder.export import ExportError, export
from brokenvideos.builder.export.brush import encode_brush
from brokenvideos.frames import encode_video
from tests.builder.export.rows_in import rows_of
from tests.odd_videos import rotated


def as_cvat_keeps(path: Path, labels: list[dict[str, Any]], *, more: str = "") -> None:
    """What CVAT exports of a task after it has imported this file.

    Of a mask track it takes the first keyframe, without its group; attributes it takes where the
    label has them. It writes a track a shape, by frame, and an outside shape after it.
    """
    root = ElementTree.parse(path).getroot()
    specs = {
        label["name"]: {attribute["name"] for attribute in label["attributes"]} for label in labels
    }
    stop = int(root.findtext("meta/task/stop_frame", ""))
    shapes = []
    for track in root.findall("track"):
        label = track.attrib["label"]
        first = next(mask for mask in track.findall("mask") if mask.attrib["keyframe"] == "1")
        assert {attribute.attrib["name"] for attribute in first} == specs[label]
        points = [
            *map(int, first.attrib["rle"].split(",")),
            int(first.attrib["left"]),
            int(first.attrib["top"]),
        ]
        points += [
            points[-2] + int(first.attrib["width"]) - 1,
            points[-1] + int(first.attrib["height"]) - 1,
        ]
        values = {attribute.attrib["name"]: attribute.text for attribute in first}
        shapes.append((int(first.attrib["frame"]), label, points, values))
    tracks = []
    for number, (frame, label, (*rle, left, top, right, bottom), values) in enumerate(
        sorted(shapes, key=lambda s: s[0])
    ):
        box = (
            f'rle="{str(rle)[1:-1]}" left="{left}" top="{top}" width="{right - left + 1}" '
            f'height="{bottom - top + 1}"'
        )
        attributes = "".join(
            f'<attribute name="{name}">{value}</attribute>' for name, value in values.items()
        )
        frames = [(frame, 0)] + ([(frame + 1, 1)] if frame + 1 < stop else [])
        masks = [
            f'<mask frame="{at}" keyframe="1" outside="{out}" {box}>{attributes}</mask>'
            for at, out in frames
        ]
        tracks.append(
            f'<track id="{number}" label="{label}" source="file">{"".join(masks)}</track>'
        )
    meta = ElementTree.tostring(root.find("meta"), encoding="unicode")
    path.write_text(
        f"<annotations><version>1.1</version>{meta}{''.join(tracks)}{more}</annotations>"
    )


def digests(release: Path) -> dict[str, str]:
    return {video_id: row["digest"] for video_id, (_, row) in rows_of(release).items()}


def test_cvat_gives_back_what_it_was_given_and_a_new_object(
    overlapping: Path, tmp_path: Path
) -> None:
    export(overlapping, tmp_path / "raw", layout="cvat")
    labels = json.loads((tmp_path / "raw" / "labels.json").read_text())
    assert [(label["name"], label["type"]) for label in labels] == [
        ("motion", "mask"),
        ("deformation", "mask"),
        ("blur", "mask"),
        ("artifact", "mask"),
    ]
    assert labels[0]["attributes"][0]["default_value"] == "0"
    for video_id in "abcd":
        as_cvat_keeps(tmp_path / "raw" / "annotations" / f"{video_id}.xml", labels)
    build(tmp_path / "raw", tmp_path / "same")
    assert digests(tmp_path / "same") == digests(overlapping)
    # A person draws something new in a video that was normal: the attribute has its default.
    box = 'rle="0, 2" left="1" top="1" width="2" height="1"'
    drawn = (
        f'<mask frame="3" keyframe="1" outside="0" {box}><attribute '
        'name="object_id">0</attribute></mask>'
    )
    more = f'<track id="9" label="deformation" source="manual">{drawn}</track>'
    as_cvat_keeps(tmp_path / "raw" / "annotations" / "c.xml", labels, more=more)
    build(tmp_path / "raw", tmp_path / "corrected")
    _, row = rows_of(tmp_path / "corrected")["c"]
    assert (row["objects"]["object_id"], row["objects"]["artifact_type"], row["label"]) == (
        [1],
        [1],
        1,
    )
    assert row["masks"]["frame_index"] == [3]
    changed = digests(tmp_path / "corrected")
    assert {
        video_id for video_id, digest in digests(overlapping).items() if changed[video_id] != digest
    } == {"c"}


def test_label_studio_gives_back_what_it_was_given_and_a_new_object(
    overlapping: Path, tmp_path: Path
) -> None:
    export(overlapping, tmp_path / "raw", layout="label-studio")
    config = ElementTree.parse(tmp_path / "raw" / "label_config.xml").getroot()
    controls = {control.attrib["name"]: control for control in config if "toName" in control.attrib}
    tasks = json.loads((tmp_path / "raw" / "tasks.json").read_text())
    for number, task in enumerate(tasks):
        prefix, _, name = task["data"][config.find("Image").attrib["value"][1:]].partition(
            "/data/local-files/?d="
        )
        assert prefix == ""
        with Image.open(tmp_path / "raw" / name) as picture:
            size = picture.size
        # What the export of a project adds.
        task |= {"id": number, "file_upload": None, "project": 1, "meta": {}}
        task["annotations"][0] |= {
            "id": number,
            "completed_by": 1,
            "was_cancelled": False,
            "ground_truth": False,
        }
        for result in task["annotations"][0]["result"]:
            control = controls[result["from_name"]]
            assert control.tag.lower() == result["type"]
            assert (
                result["to_name"] == control.attrib["toName"] == config.find("Image").attrib["name"]
            )
            assert (result["original_width"], result["original_height"]) == size
            if control.tag == "BrushLabels":
                assert set(result["value"]["brushlabels"]) <= {
                    label.attrib["value"] for label in control
                }
            else:
                assert control.attrib["perRegion"] == "true"
    (tmp_path / "raw" / "tasks.json").write_text(json.dumps(tasks[::-1]))
    build(tmp_path / "raw", tmp_path / "same")
    assert digests(tmp_path / "same") == digests(overlapping)
    bitmap = np.zeros((16, 24), np.uint8)
    bitmap[3:5, 6:9] = 1
    value = {"format": "rle", "rle": encode_brush(bitmap), "brushlabels": ["blur"]}
    drawn = {
        "id": "x",
        "type": "brushlabels",
        "original_width": 24,
        "original_height": 16,
        "value": value,
    }
    at = next(
        place for place, task in enumerate(tasks) if task["data"]["image"].endswith("a/00008.png")
    )
    tasks[at]["annotations"][0]["result"].append(drawn)
    (tmp_path / "raw" / "tasks.json").write_text(json.dumps(tasks))
    build(tmp_path / "raw", tmp_path / "corrected")
    _, row = rows_of(tmp_path / "corrected")["a"]
    assert row["objects"]["object_id"] == [1, 7, 300, 301]


def test_labelme_reads_shapes_and_pictures(overlapping: Path, tmp_path: Path) -> None:
    export(overlapping, tmp_path / "raw", layout="labelme")
    _, row = rows_of(overlapping)["a"]
    pixels = 0
    for path in sorted((tmp_path / "raw" / "annotations" / "a").glob("*.json")):
        content = json.loads(path.read_text())
        assert set(content) == {
            "version",
            "flags",
            "shapes",
            "imagePath",
            "imageData",
            "imageHeight",
            "imageWidth",
        }
        with Image.open(path.parent / content["imagePath"]) as picture:
            assert picture.size == (content["imageWidth"], content["imageHeight"]) == (24, 16)
        for shape in content["shapes"]:
            (left, top), (right, bottom) = shape["points"]
            with Image.open(io.BytesIO(base64.b64decode(shape["mask"]))) as mask:
                bitmap = np.asarray(mask).astype(bool)
            assert bitmap.shape == (bottom - top + 1, right - left + 1)
            assert (shape["shape_type"], shape["label"]) == (
                "mask",
                {1: "blur", 7: "motion", 300: "blur"}[shape["group_id"]],
            )
            pixels += bitmap.sum()
    areas = [11 * 8, 5 * 17, 11 * 8, 2 * 2]
    assert pixels == sum(areas)
    assert len(row["masks"]["counts"]) == len(areas)


def test_a_tool_that_shows_the_video_turned_is_told_before(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    for folder in (raw / "videos", raw / "masks" / "a"):
        folder.mkdir(parents=True)
    encode_video(tmp_path / "upright.mp4", [np.full((48, 64, 3), 90, np.uint8)] * 3, fps=8)
    (raw / "videos" / "a.mp4").write_bytes(rotated((tmp_path / "upright.mp4").read_bytes(), 180))
    mask = np.zeros((48, 64), np.uint8)
    mask[4:9, 7:21] = 1
    Image.fromarray(mask).save(raw / "masks" / "a" / "00001.png")
    build(raw, tmp_path / "release", BuildOptions(artifact_type="blur", masks_are="coded"))
    with pytest.raises(ExportError) as caught:
        export(tmp_path / "release", tmp_path / "out", layout="cvat")
    what = "CVAT shows the video turned clockwise by 180 degrees, as its display matrix asks"
    assert str(caught.value).splitlines()[1:] == [
        f"video a: {what}; the masks lie on the frame as it is stored."
    ]
    assert not (tmp_path / "out").exists()
    report = export(tmp_path / "release", tmp_path / "out", layout="labelme")
    assert report.build_options == ("--masks-are", "coded")
    build(tmp_path / "out", tmp_path / "again", BuildOptions(masks_are="coded"))
    assert digests(tmp_path / "again") == digests(tmp_path / "release")
