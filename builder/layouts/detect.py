"""Which layout a raw folder has."""

import re
from collections.abc import Iterator
from pathlib import Path

from ..raw import FILE_NAME, VIDEO_SUFFIXES, RawError, list_folder
from . import coco, geneva, label_studio, richhf
from .sav import ANNOTATION_NAME

_OBJECTS_KEY = re.compile(rb'"objects"\s*:')

LOOKED_FOR = {
    "own": f"{FILE_NAME} with objects, and no masks or masks/{{video_id}}/ folders",
    "davis": f"Annotations/, or masks/{{video_id}}/ folders and no objects in {FILE_NAME}",
    "sav": "{video_id}_manual.json or {video_id}_auto.json, in the folder itself or in annotations/",
    "mask-video": "masks/{video_id}.mp4",
    "coco": f"{coco.FILE_NAME}, in the folder itself or in annotations/",
    "cvat": "annotations/{video_id}.xml",
    "label-studio": label_studio.FILE_NAME,
    "labelme": "annotations/{video_id}/00000.json and so on",
    "pal4vst": "images/ and labels/",
    "anakin": "edited/{video_id}.mp4",
    "richhf": f"*{richhf.SUFFIX} and images/",
    "geneva": geneva.FILE_NAME,
}


def detect(raw: Path) -> str:
    """The layout whose files the folder holds, a key of LOOKED_FOR. Only names are looked at, and whether videos.jsonl gives
    objects.

    Raises:
        RawError: no such folder, or none or several of the layouts fit; says what was looked for, or what was found.
    """
    if not raw.is_dir():
        raise RawError(f"{raw}: no such folder; give the folder that holds the raw videos and masks")
    found = found_layouts(raw)
    if len(found) == 1:
        return next(iter(found))
    if found:
        clashes = "; ".join(f"{layout}: {evidence}" for layout, evidence in found.items())
        raise RawError(f"{raw}: files of {len(found)} layouts ({clashes}); give --layout, or move the files of one out")
    wanted = "; ".join(f"{layout}: {what}" for layout, what in LOOKED_FOR.items())
    raise RawError(f"{raw}: none of the known layouts; looked for {wanted}. Arrange the folder as one of them")


def found_layouts(raw: Path) -> dict[str, str]:
    """The layouts whose files the folder holds, and what shows it; empty for none."""
    in_masks = list_folder(raw / "masks")
    mask_folder = next((path for path in in_masks if path.is_dir()), None)
    mask_video = next((path for path in in_masks if path.is_file() and path.suffix.lower() in VIDEO_SUFFIXES), None)
    annotations = [*list_folder(raw), *list_folder(raw / "annotations")]
    sav = next((path for path in annotations if ANNOTATION_NAME.fullmatch(path.name)), None)
    listed = raw / FILE_NAME
    with_objects = listed.is_file() and _OBJECTS_KEY.search(listed.read_bytes()) is not None
    # On a disk that ignores case, Annotations/ and the annotations/ of SA-V are one folder: only folders in it are DAVIS's.
    davis_root = next((path for path in list_folder(raw / "Annotations") if path.is_dir()), None)
    found: dict[str, str] = {}
    if mask_folder is not None and not (raw / "edited").is_dir():  # masks/ is of ANAKIN then
        found["own" if with_objects else "davis"] = f"{_name(mask_folder, raw)}/"
    if davis_root is not None:
        found["davis"] = f"{_name(davis_root, raw)}/"
    if sav is not None:
        found["sav"] = _name(sav, raw)
    if mask_video is not None:
        found["mask-video"] = _name(mask_video, raw)
    found |= {layout: _name(path, raw) for layout, path in _found_files(raw, annotations)}
    if not found and with_objects:
        found["own"] = FILE_NAME
    return found


def _name(path: Path, raw: Path) -> str:
    return path.relative_to(raw).as_posix()


def _below(folder: Path) -> Iterator[Path]:
    for path in list_folder(folder):
        yield from list_folder(path) if path.is_dir() else (path,)


def _found_files(raw: Path, annotations: list[Path]) -> Iterator[tuple[str, Path]]:
    """Layouts that are known by a file of theirs, and that file."""
    of_tool = [path for path in annotations if path.parent != raw]
    in_folders = [path for folder in of_tool for path in list_folder(folder)]
    candidates = {
        "coco": (path for path in annotations if path.name == coco.FILE_NAME),
        "cvat": (path for path in of_tool if path.suffix == ".xml"),
        "label-studio": (path for path in annotations if path == raw / label_studio.FILE_NAME),
        "labelme": (path for path in in_folders if path.suffix == ".json"),
        "pal4vst": (path for path in _below(raw / "labels") if (raw / "images").is_dir()),
        "anakin": iter(list_folder(raw / "edited")),
        "richhf": (path for path in annotations if path.parent == raw and path.suffix == richhf.SUFFIX),
        "geneva": (path for path in annotations if path == raw / geneva.FILE_NAME),
    }
    for layout, paths in candidates.items():
        if (path := next((path for path in paths if path.is_file()), None)) is not None:
            yield layout, path
