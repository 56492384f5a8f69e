"""Which videos are meant: files, folders, patterns, addresses, releases."""

import glob
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from ...builder.raw import VIDEO_SUFFIXES, is_litter
from ...release import SAMPLE, VIDEO_ID, ReleaseError, read_parquet, release_shards
from .kinds import Nothing, Video, VideoFile, VideoRow, VideoUrl, is_url, name_of, shown
from .verdict import PREDICTIONS, REPORT_JSON

MORE_SUFFIXES = (
    ".3g2 .3gp .asf .divx .dv .f4v .flv .gif .ivf .m2ts .m4v .mpeg .mpg .mts .mxf .nut .ogm .ogv "
    ".rm .ts .vob .wmv .y4m"
)
SUFFIXES = tuple(dict.fromkeys((*VIDEO_SUFFIXES, *MORE_SUFFIXES.split())))
"""Of what a folder holds, these are taken for videos. A file that is named is opened whatever its
suffix.
"""

LIST_OF_SUFFIXES = f"{', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"


class PredictError(ValueError):
    """Videos that cannot be predicted as asked; the message says what to change."""


def find_videos(names: Sequence[str], *, split: str | None = None) -> list[Video]:
    """The videos, by video_id: of a file or an address the name without its suffix; in a folder,
    which is searched to its ends, with the folders on the way ("takes/a"); of a release the row's.
    Where two would have one id they keep their suffix, or more of their path. What is named twice
    is there once.

    Links are followed. Folders that `predict` has written are passed over, hidden files and
    droppings of file managers too. What looks like a video and cannot be read is among them, and so
    is a name with nothing behind it: `read` says what is wrong with it.

    Args:
        names: video files of any container that FFmpeg opens, folders of them, patterns
            ("takes/**/*.mp4"), http and https addresses, or releases as `sampling.release_folder`
            takes them.
        split: of releases only this one.

    Raises:
        PredictError: two videos with one id that nothing tells apart. ReleaseError: a release that
            cannot be read.
    """
    found: dict[object, Video] = {}
    for name in names:
        for video in _videos(name, split):
            found.setdefault(video.state, video)
    named = _with_ids_of_their_own(list(found.values()))
    return [named[video_id] for video_id in sorted(named)]


def _with_ids_of_their_own(videos: Sequence[Video]) -> dict[str, Video]:
    named: dict[str, Video] = {}
    again: list[VideoFile | VideoUrl] = []
    ids = Counter(video.video_id for video in videos)
    for video in videos:
        if ids[video.video_id] == 1:
            named[video.video_id] = video
        elif isinstance(video, VideoFile | VideoUrl):
            again.append(video)
        elif isinstance(video, VideoRow):
            raise PredictError(
                f"{video.where}: another video has the id {video.video_id!r} too. Predict them "
                "apart."
            )
        else:
            named[f"{video.video_id} (not there)"] = video
    # As much of the path, from its end, as tells them apart.
    for depth in range(1, max((len(video.parts) for video in again), default=0) + 1):
        longer = [
            shown(PurePosixPath(*video.parts[-depth:]).as_posix().lstrip("/")) for video in again
        ]
        if len(set(longer)) == len(again) and not set(longer) & set(named):
            return named | {
                video_id: replace(video, video_id=video_id)
                for video_id, video in zip(longer, again, strict=True)
            }
    if again:
        raise PredictError(
            f"{again[0].where}: another video has the id {again[0].video_id!r} too. Predict them "
            "apart."
        )
    return named


def _videos(name: str, split: str | None) -> Iterator[Video]:
    """The videos of one name; `Nothing` where there is none."""
    if is_url(name):
        yield VideoUrl(shown(PurePosixPath(name_of(name)).stem), name)
        return
    path = Path(name).expanduser()
    if name == SAMPLE or (not os.path.lexists(path) and _is_on_hub(name)):
        yield from _rows(name, split)
    elif not os.path.lexists(path):
        fitting = sorted(glob.glob(str(path), recursive=True)) if glob.has_magic(name) else []
        fitting = [file for file in fitting if not is_litter(Path(file).name)]
        if not fitting:
            what = "no file fits." if glob.has_magic(name) else "no such file or folder."
            yield Nothing(shown(name), f"{shown(name)}: {what}")
        for file in fitting:
            yield from _of_path(file, Path(file), split)
    else:
        yield from _of_path(name, path, split)


def _is_on_hub(name: str) -> bool:
    from ...sampling import HubRelease, SourceError, named_release

    try:
        return isinstance(named_release(name), HubRelease)
    except SourceError:
        return False


def _of_path(name: str, path: Path, split: str | None) -> Iterator[Video]:
    if (path / "manifest.json").is_file():
        yield from _rows(str(path), split)
    elif not path.is_dir():
        yield VideoFile(shown(path.stem), path)
    else:
        files = [file for file in _files(path, seen=set()) if file.suffix.lower() in SUFFIXES]
        if not files:
            what = f"no video in it; wanted {LIST_OF_SUFFIXES} files, or a release."
            yield Nothing(shown(name), f"{shown(name)}: {what}")
        for file in files:
            yield VideoFile(shown(file.relative_to(path).with_suffix("").as_posix()), file)


def _files(folder: Path, *, seen: set[Path]) -> Iterator[Path]:
    """Files and broken links below a folder, sorted; a folder that links lead to again is entered
    once.
    """
    real = folder.resolve()
    if real in seen or all((folder / name).is_file() for name in (PREDICTIONS, REPORT_JSON)):
        return
    seen.add(real)
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or is_litter(path.name):
            continue
        if path.is_dir():
            yield from _files(path, seen=seen)
        else:
            yield path


def _rows(name: str, split: str | None) -> Iterator[Video]:
    from ...sampling import release_folder, rows_of_release

    release = release_folder(name)
    splits = release_shards(release)
    if split is not None and split not in splits:
        raise ReleaseError(f"{name}: no split {split!r}. It has {', '.join(splits)}.")
    for chosen in splits if split is None else [split]:
        rows = rows_of_release(release, split=chosen)
        number = 0
        for shard in splits[chosen]:
            for table in read_parquet(str(release / shard.path), columns=["video_id"]):
                for video_id in table["video_id"].to_pylist():
                    # It becomes a file name.
                    if not VIDEO_ID.fullmatch(video_id or ""):
                        raise PredictError(
                            f"{release / shard.path}: video_id {video_id!r}: wanted 1 to 128 of "
                            "A-Z a-z 0-9 _ -."
                        )
                    yield VideoRow(video_id, rows, number)
                    number += 1
