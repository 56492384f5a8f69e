"""Finds the video files of a folder by video_id, and reads their bytes."""

from pathlib import Path

from ...frames import VideoError
from ...release import VIDEO_ID, VIDEO_SUFFIXES
from .litter import is_litter
from .stills import encode_still, is_still
from .video import Problem

VIDEO_ID_RULE = "1 to 128 of A-Z, a-z, 0-9, _ and -"
MAX_FRAMES = 2**20
"""Limit for the frames of one video in a layout that gives their number instead of a list."""
MAX_VIDEO_BYTES = 2**30
"""Size limit of a video in a row, because Arrow's `binary` holds at most 2 GiB for a whole row
group.
"""

SUFFIX_LIST = f"{', '.join(VIDEO_SUFFIXES[:-1])} or {VIDEO_SUFFIXES[-1]}"


def list_folder(folder: Path) -> list[Path]:
    """Entries of a folder by name, without litter (see `is_litter`); empty if the folder does not
    exist.
    """
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if not is_litter(path.name))


def find_videos(
    folder: Path, *, raw: Path, only_videos: bool = True
) -> tuple[dict[str, Path], list[Problem]]:
    """The video files of a folder by video_id (the name without its suffix), and problems with its
    entries.

    Args:
        raw: the raw folder; problems name their files relative to it.
        only_videos: True if an entry that is not a video file is a problem; otherwise it is
            ignored.

    Returns:
        If two files have one id, the first file by name and a problem. A file whose name is not a
        video_id gives only a problem.
    """
    videos: dict[str, Path] = {}
    problems: list[Problem] = []
    for path in list_folder(folder):
        where = path.relative_to(raw).as_posix()
        if path.suffix.lower() not in VIDEO_SUFFIXES or not path.is_file():
            if only_videos:
                problems.append(
                    Problem(
                        where,
                        f"not a video file; wanted only {SUFFIX_LIST} files here: move it out",
                    )
                )
        elif not VIDEO_ID.fullmatch(path.stem):
            problems.append(
                Problem(
                    where, f"the video_id {path.stem!r} is not {VIDEO_ID_RULE}; rename the file"
                )
            )
        elif path.stem in videos:
            first = videos[path.stem].relative_to(raw).as_posix()
            problems.append(
                Problem(
                    where,
                    f"video {path.stem} is also {first}; wanted one file: remove one of the two",
                )
            )
        else:
            videos[path.stem] = path
    return videos, problems


def name_of_video(video_id: str, video_path: Path) -> str:
    """The name of a video's file in a release: its id with its original suffix; .mp4 if it was an
    image.
    """
    return f"{video_id}{'.mp4' if is_still(video_path) else video_path.suffix.lower()}"


def read_video(path: Path) -> bytes:
    """The bytes of a video file; for an image, the bytes of a video of one frame.

    Raises:
        VideoError: the file is larger than `MAX_VIDEO_BYTES`, or an image that cannot be decoded.
            OSError: it cannot be read.
    """
    size = path.stat().st_size
    if size > MAX_VIDEO_BYTES:
        raise VideoError(
            f"{path}: {size} bytes, a row holds at most {MAX_VIDEO_BYTES}. Cut the video into "
            "shorter ones."
        )
    return encode_still(path) if is_still(path) else path.read_bytes()
