"""Uncompressed tars of PNGs with the same paths as in folders. They are read without unpacking."""

import tarfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from .....builder.raw import Problem, is_litter
from .....release import VIDEO_ID, in_words
from ..form import Format, PredictedVideo, Predictions, Reading
from ..mask_files import FRAME_NAME, OBJECT_NAME, MaskFile, PngVideo, is_note, joined_files
from ..place import Place


def detect(place: Place) -> Sequence[Path]:
    """Tar files."""
    return place.with_suffix(".tar")


def read(place: Place, files: Sequence[Path], reading: Reading) -> Predictions:
    """The masks of all tars."""
    problems: list[Problem] = []
    homes: dict[str, Path] = {}
    masks: dict[str, list[tuple[int, str, MaskFile]]] = defaultdict(list)
    hidden = False
    for file in files:
        members, fault = _members(file)
        if fault:
            problems.append(Problem(str(file), fault))
            hidden = True
        placed = [(member, _placed(member, reading)) for member in members]
        folders = {
            str(PurePosixPath(member.name).parent) for member, home in placed if home is not None
        }
        for member, home in placed:
            where = f"{file} member {member.name}"
            path = PurePosixPath(member.name)
            if home is None:
                if not (is_note(path.name) and str(path.parent) not in folders):
                    problems.append(Problem(where, "not a mask; wanted {video_id}/{frame}.png"))
                    hidden = True
                continue
            video_id, of_object, frame = home
            if homes.setdefault(video_id, file) != file:
                problems.append(
                    Problem(
                        where,
                        f"video {video_id} is also in {homes[video_id]}; keep a video in one tar",
                    )
                )
            else:
                masks[video_id].append(
                    (frame, of_object, MaskFile(where, file, member.offset_data, member.size))
                )
    videos: dict[str, PredictedVideo] = {}
    for video_id, mask_files in masks.items():
        joined, faults = joined_files(mask_files)
        problems += faults
        videos[video_id] = PngVideo(f"{homes[video_id]} {video_id}", joined, reading.values)
    return Predictions(
        place.path, FORMAT.name, videos, tuple(problems), None if hidden else frozenset()
    )


def _members(file: Path) -> tuple[list[tarfile.TarInfo], str]:
    """The files of a tar without litter, as far as it can be read, and its problem ("" if there is
    none).
    """
    members: list[tarfile.TarInfo] = []
    try:
        for member in _every_member(file):
            if not any(
                is_litter(part) for part in PurePosixPath(member.name).parts if part != ".."
            ):
                if not member.isreg() or member.issparse():
                    kind = "sparse" if member.issparse() else "a link"
                    return members, f"member {member.name} is {kind}; pack the files themselves"
                members.append(member)
    # tarfile raises plain ValueErrors for invalid numbers in headers, and OverflowErrors for
    # numbers that are too large.
    except (tarfile.TarError, OSError, ValueError, EOFError, OverflowError) as error:
        return members, f"not a readable, uncompressed tar ({in_words(error)}); pack it again"
    return members, ""


def _every_member(file: Path) -> Iterator[tarfile.TarInfo]:
    size = file.stat().st_size
    with tarfile.open(file, "r:") as tar:  # "r:": a compressed tar cannot be read at an offset
        for member in tar:
            if not 0 <= member.size <= size - member.offset_data:
                raise tarfile.ReadError(f"member {member.name} ends after the file")
            if not member.isdir():
                yield member


def _placed(member: tarfile.TarInfo, reading: Reading) -> tuple[str, str, int] | None:
    """(video_id, object, frame number) of a member; None if it is not a mask.

    A folder whose name is a number may be a video or an object. It is an object if its parent
    folder is a video of the truth.
    """
    *folders, name = PurePosixPath(member.name).parts
    match = FRAME_NAME.fullmatch(name)
    if match is None or not folders:
        return None
    video_id, of_object = folders[-1], ""
    known = reading.video_ids or ()
    if (
        len(folders) > 1
        and OBJECT_NAME.fullmatch(video_id)
        and video_id not in known
        and folders[-2] in known
    ):
        video_id, of_object = folders[-2], video_id
    return (video_id, of_object, int(match[1])) if VIDEO_ID.fullmatch(video_id) else None


FORMAT = Format(
    name="tar",
    what="a .tar of {video_id}/{frame}.png, not compressed",
    needs="",
    order=4,
    numbered=True,
    detect=detect,
    read=read,
)
