"""Opens the folder to annotate (videos, a raw folder or a release) and the raw folder for the
results.
"""

import json
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ...builder.layouts import found_layouts, read_layout
from ...builder.raw import (
    FILE_NAME,
    NOT_GIVEN,
    SUFFIX_LIST,
    VIDEO_SUFFIXES,
    Problem,
    RawVideo,
    VideoEntry,
    is_still,
    list_folder,
    name_of_video,
    own_mask_pngs,
    read_video,
    read_videos_jsonl,
)
from ...builder.work import link_or_copy, sync_folder, write_atomic
from ...masks import encode
from ...release import MANIFEST, VIDEO_ID, parse_json

SETTINGS = "annotation.json"
"""A file in the folder that annotate makes: the source folder, the ids of file names, and the mode
of work.
"""
EVENTS = "events"
"""The folder of the logs."""
Mode = Literal["together", "independent", "double"]
MAX_ID = 128


class FolderError(ValueError):
    """A folder cannot be annotated."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The content of annotation.json. `names` are file names by video_id, `people` are names by
    folder.
    """

    folder: str
    kind: Literal["videos", "raw"]
    mode: Mode
    double_percent: int | None
    names: Mapping[str, str] = field(default_factory=dict)
    people: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AnnotationFolder:
    """A folder that is ready to be annotated.

    Attributes:
        raw: the raw folder for all results.
        videos: paths of all videos by video_id, whether they are in `raw` yet or not.
        about: the folder's lines of videos.jsonl by video_id.
        notices: messages for the people who annotate.
    """

    raw: Path
    settings: Settings
    videos: Mapping[str, Path]
    about: Mapping[str, VideoEntry]
    notices: tuple[str, ...]


def open_folder(
    folder: Path,
    out: Path | None = None,
    *,
    mode: Mode | None = "together",
    double_percent: int | None = None,
    artifact_type: str | None = None,
    generator: str | None = None,
) -> AnnotationFolder:
    """Reads the folder, which is not changed, and makes the raw folder for the results.

    From a folder of videos, each video is linked into the raw folder when somebody begins to work
    on it. A raw folder or a release is copied at once, with its masks. In a folder that annotate
    has made, the work continues.

    Args:
        out: the raw folder to make. Default: the folder's name with -raw.
        mode, double_percent: how people work together. A mode of None keeps the mode in which the
            folder was begun.
        artifact_type, generator: as in `read_layout`, for a raw folder without them.

    Raises:
        FolderError: the folder holds nothing to annotate, or was begun with other options.
        RawError: the raw folder is wrong; all problems are listed.
    """
    if not folder.is_dir():
        raise FolderError(
            f"{folder}: no such folder; give a folder of videos, a raw folder or a release"
        )
    if out is None and (folder / SETTINGS).is_file():
        out = folder
    out = out or folder.resolve().with_name(f"{folder.resolve().name}-raw")
    is_release = (folder / MANIFEST).is_file()
    kind: Literal["videos", "raw"] = "raw" if is_release or found_layouts(folder) else "videos"
    if (out / SETTINGS).is_file():
        settings = _begun(out, folder, mode=mode, double_percent=double_percent)
    elif mode is None:
        raise FolderError(
            f"{out}: nothing was annotated there yet; run annotate without --replay first"
        )
    else:
        settings = Settings(str(folder.resolve()), kind, mode, double_percent)
        if kind == "raw":
            _take_over(
                folder, out, is_release=is_release, artifact_type=artifact_type, generator=generator
            )
        elif out.exists() and any(out.iterdir()):
            raise FolderError(
                f"{out}: holds something that annotate has not made; name another folder with --out"
            )
        out.mkdir(parents=True, exist_ok=True)
    videos: dict[str, Path] = {}
    notices: list[str] = []
    about: dict[str, VideoEntry] = {}
    if settings.kind == "videos" and folder.resolve() != out.resolve():
        names, notices = _named(folder, settings.names)
        settings = Settings(**{**_plain(settings), "names": names})
        videos = {video_id: _video_folder(folder) / name for video_id, name in names.items()}
        about, problems = read_videos_jsonl(folder / FILE_NAME, required=())
        notices += [f"{folder / str(problem.where)}: {problem.what}" for problem in problems]
    for path in list_folder(out / "videos"):
        videos.setdefault(path.stem, path)
    if not videos:
        raise FolderError(
            f"{folder}: no video found; wanted {SUFFIX_LIST} files in it or in "
            f"{folder.name}/videos, a raw folder or a release"
        )
    save_settings(out, settings)
    return AnnotationFolder(out, settings, dict(sorted(videos.items())), about, tuple(notices))


def save_settings(raw: Path, settings: Settings) -> None:
    """Writes annotation.json, unless it holds these settings already. The old file stays if writing
    fails.
    """
    record = {"format_version": 1, **_plain(settings)}
    content = (json.dumps(record, ensure_ascii=False, indent=1) + "\n").encode()
    path = raw / SETTINGS
    if not path.is_file() or path.read_bytes() != content:
        write_atomic(path, content)


def safe_id(name: str, taken: Iterable[str]) -> str:
    """A video_id from a file's name. Characters other than letters, digits, _ and - become _.

    A number at its end makes it differ from the ids in `taken`.
    """
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_")[:MAX_ID] or "video"
    others = set(taken)
    video_id, number = plain, 1
    while video_id in others:
        number += 1
        video_id = f"{plain[: MAX_ID - len(str(number)) - 1]}-{number}"
    return video_id


def _plain(settings: Settings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in Settings.__slots__}


def _begun(out: Path, folder: Path, *, mode: Mode | None, double_percent: int | None) -> Settings:
    path = out / SETTINGS
    try:
        record = parse_json(path.read_bytes())
        version = record.pop("format_version")
        settings = Settings(**record)
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise FolderError(
            f"{path}: cannot be read ({error}); put it back from a copy, or name another folder "
            "with --out"
        ) from error
    if version != 1:
        raise FolderError(
            f"{path}: format_version {version}, wanted 1; a later version wrote it: use that"
        )
    if out.resolve() != folder.resolve() and settings.folder != str(folder.resolve()):
        raise FolderError(
            f"{out}: was begun for {settings.folder}, not for {folder}; name another folder with "
            "--out"
        )
    if mode is not None and (settings.mode, settings.double_percent) != (mode, double_percent):
        begun = {
            "together": "without --independent and --double",
            "independent": "with --independent",
        }.get(settings.mode, f"with --double {settings.double_percent}")
        raise FolderError(
            f"{out}: was begun {begun}; go on that way, or name another folder with --out"
        )
    return settings


# --- A folder of videos ---------------------------------------------------------------------------


def _video_folder(folder: Path) -> Path:
    at_top = any(path.suffix.lower() in VIDEO_SUFFIXES for path in list_folder(folder))
    return folder if at_top or not (folder / "videos").is_dir() else folder / "videos"


def _named(folder: Path, names: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """File names by video_id, known ones first; and notices for people."""
    home, notices = _video_folder(folder), []
    files = []
    for path in list_folder(home):
        if path.suffix.lower() not in VIDEO_SUFFIXES:
            continue
        if not path.resolve().is_relative_to(folder.resolve()):
            notices.append(
                f"{path.name} is a link to a file outside of {folder}; it is not read: copy it "
                "into the folder"
            )
        elif path.is_file():
            files.append(path)
    known = {name: video_id for video_id, name in names.items()}
    names_by_id = {known[path.name]: path.name for path in files if path.name in known}
    fresh = [path for path in files if path.name not in known]
    # A name that is a valid id becomes that id, even if another name would be changed to it.
    for path in sorted(fresh, key=lambda path: (not VIDEO_ID.fullmatch(path.stem), path.name)):
        names_by_id[safe_id(path.stem, [*names, *names_by_id])] = path.name
    notices += [
        f"{name} gets the id {video_id} here: an id has only letters, digits, _ and -"
        for video_id, name in sorted(names_by_id.items())
        if Path(name).stem != video_id
    ]
    return dict(sorted(names_by_id.items())), notices


# --- A raw folder or a release --------------------------------------------------------------------


def _take_over(
    folder: Path, out: Path, *, is_release: bool, artifact_type: str | None, generator: str | None
) -> None:
    """Copies the folder into a raw folder of our own layout. If this fails, `out` stays as it
    was.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise FolderError(
            f"{out}: holds something that annotate has not made; name another folder with --out"
        )
    if is_release:
        from ...builder.export import export  # it imports `datasets`, which no other folder needs

        export(folder, out, layout="own", videos=True)
        return
    records, problems = read_layout(folder, artifact_type=artifact_type, generator=generator)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.taking-over-", dir=out.parent) as work:
        lines = []
        for record in records:
            marked = _copy_video(record, Path(work) / "raw")
            lines.append(json.dumps(_line(record, marked), ensure_ascii=False) + "\n")
            unlisted = [i for i in marked if record.objects is not None and i not in record.objects]
            if unlisted:
                what = (
                    f"objects {unlisted} have masks and are not listed; add them to objects "
                    "with their artifact type"
                )
                problems.append(Problem(f"video {record.video_id}", what))
        if problems:
            listed = "\n".join(map(str, sorted(problems)))
            number = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
            raise FolderError(f"{folder}: {number}, nothing was taken over.\n{listed}")
        write_atomic(Path(work) / "raw" / FILE_NAME, "".join(lines).encode())
        if out.exists():
            out.rmdir()
        (Path(work) / "raw").rename(out)
        sync_folder(out.parent)


def _copy_video(record: RawVideo, out: Path) -> list[int]:
    """Links the video and writes its masks. Returns the ids of objects with at least one pixel,
    ascending.
    """
    path = out / "videos" / name_of_video(record.video_id, record.video_path)
    if is_still(record.video_path):
        write_atomic(path, read_video(record.video_path))
    else:
        link_or_copy(record.video_path, path)
    marked: set[int] = set()
    for frame in record.masks.read():
        masks: dict[int, str] = {}
        for plane in frame.planes:
            for object_id in sorted(set(plane[plane > 0].tolist())):
                masks[object_id] = encode((plane == object_id)[None])[0]
        marked |= set(masks)
        height, width = frame.planes[0].shape
        for name, content in own_mask_pngs(
            frame.frame_index, masks, height=height, width=width
        ).items():
            write_atomic(out / "masks" / record.video_id / name, content)
    return sorted(marked)


def object_line(object_id: int, artifact_type: str | None, subtype: str | None) -> dict[str, Any]:
    """One object of a video, in the form of videos.jsonl."""
    line: dict[str, Any] = {"object_id": object_id, "artifact_type": artifact_type}
    return line if subtype is None else {**line, "subtype": subtype}


def _line(record: RawVideo, marked: Sequence[int]) -> dict[str, Any]:
    default = None if record.default_artifact_type == NOT_GIVEN else record.default_artifact_type
    types = record.objects or {}
    line: dict[str, Any] = {
        "video_id": record.video_id,
        "generator": record.generator,
        "objects": [object_line(i, types.get(i, default), record.subtypes.get(i)) for i in marked],
        "source": dict(record.source),
    }
    rest = {
        "prompt": record.prompt,
        "label": record.label,
        "split": record.split,
        "review": record.review,
        "annotated_frames": None
        if record.annotated_frames is None
        else list(record.annotated_frames),
    }
    return line | {key: value for key, value in rest.items() if value is not None}
