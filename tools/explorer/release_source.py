"""The videos of a release, local or remote: the list from the annotation shards, a video from its
row group.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any

from ...frames import INDEX_COLUMNS, VideoIndex, VideoSource, index_from_row
from ...masks import ARTIFACT_TYPES
from ...release import (
    LABELS,
    SPLITS,
    VIDEO_ID,
    ReleaseError,
    asking_the_hub,
    open_parquet,
    read_manifest,
    read_parquet,
    shard_paths,
)
from ...sampling import ReleaseRows, opened_at
from .video import ExploreError, FindGroups, Listed, MeasureTask, Shown, ShownObject

LIST_COLUMNS = (
    *("video_id", "label", "artifact_types", "generator", "prompt"),
    *("height", "width", "num_frames", "fps", "objects"),
)
"""Columns for the list: a few bytes per video, without masks and videos."""
SHOW_COLUMNS = (
    *("video_id", "label", "artifact_types", "generator", "prompt"),
    *INDEX_COLUMNS,
    *("annotated_frames", "objects", "masks", "digest", "video_sha256", "source"),
)
"""All columns of a row but the video."""
MEASURE_COLUMNS = (
    *("video_id", "label", "artifact_types", "generator", "prompt"),
    *("height", "width", "num_frames", "fps"),
    *("frame_pts", "time_base", "codec", "annotated_frames", "objects", "masks"),
)
OPEN_SHARDS = 16

Place = Path | str
"""A local file, or the URL of a remote one."""


@dataclass(frozen=True, slots=True)
class _Home:
    """The position of a video: its shard in the manifest, and its row in the shard's Parquet."""

    shard: int
    row: int


@dataclass(slots=True)
class _OpenShard:
    rows: ReleaseRows
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True, slots=True)
class _Measure:
    """One row group of an annotations shard."""

    file: Place
    split: str
    row_group: int

    def read(self) -> Iterator[Shown]:
        with _readable(self.file) as file:
            for table in read_parquet(
                file, columns=MEASURE_COLUMNS, row_groups=[self.row_group], name=str(self.file)
            ):
                # one by one: a thousand rows of masks are large as Python's objects
                for row in range(table.num_rows):
                    yield _shown(table.slice(row, 1).to_pylist()[0], self.split)


class ReleaseSource:
    """A release as `Source`. A shard that cannot be read is named in `notices`; the others are
    shown.
    """

    kind = "release"

    def __init__(self, root: Place, *, name: str, python: Iterable[str]) -> None:
        """
        Args:
            root: its folder, or a URL for fsspec.
            python: the arguments of `brokenvideos.load` for this release.

        Raises:
            ReleaseError: the release cannot be read.
        """
        self.name = name
        self.is_remote = isinstance(root, str)
        self.notices: list[str] = []
        self._root = root
        self._python = list(python)
        with asking_the_hub(str(root)):
            self._manifest = read_manifest(str(root))
        self._shards = sorted(
            self._manifest["shards"], key=lambda s: (SPLITS.index(s["split"]), s["index"])
        )
        self._homes: dict[str, _Home] = {}
        self._readable: dict[int, Place] = {}
        self._open: OrderedDict[int, _OpenShard] = OrderedDict()
        self._opening = threading.Lock()
        listed = [video for number in range(len(self._shards)) for video in self._list(number)]
        self.videos: Sequence[Listed] = sorted(
            listed, key=lambda v: (SPLITS.index(v.split or "train"), v.video_id)
        )

    # --- The list ---------------------------------------------------------------------------------

    def _list(self, number: int) -> list[Listed]:
        """The videos of a shard, read from its annotations; if these cannot be read, from the shard
        with the videos.
        """
        shard = self._shards[number]
        paths = shard_paths(shard["split"], shard["index"], shard["num_shards"])
        rows = next(
            (file["rows"] for file in shard["files"] if file["path"] == paths["default"]), None
        )
        self._look_at_size(shard, paths["default"])
        for path in (paths["annotations"], paths["default"]):
            try:
                videos = self._read_list(path, shard["split"], rows)
            except (ReleaseError, OSError) as error:
                self._notice(str(error))
                continue
            self._readable[number] = self._at(path)
            named = {
                row: listed
                for row, listed in enumerate(videos)
                if VIDEO_ID.fullmatch(listed.video_id or "")
            }
            if lost := [listed.video_id for row, listed in enumerate(videos) if row not in named]:
                self._notice(
                    f"{self._where(path)}: {lost[0]!r} is no video_id; {len(lost)} such videos are "
                    "not shown."
                )
            self._homes |= {listed.video_id: _Home(number, row) for row, listed in named.items()}
            return list(named.values())
        name = f"{shard['split']} {shard['index']}"
        self._notice(
            f"{self.name}: the {len(shard['video_ids'])} videos of shard {name} are not shown."
        )
        return []

    def _read_list(self, path: str, split: str, rows: int | None) -> list[Listed]:
        videos = []
        with _readable(self._at(path)) as file:
            for table in read_parquet(
                file, columns=LIST_COLUMNS, num_rows=rows, name=self._where(path)
            ):
                videos += [_listed(row, split) for row in table.to_pylist()]
        return videos

    def _look_at_size(self, shard: Mapping[str, Any], path: str) -> None:
        """Reports a shard of a wrong size at once; otherwise its videos would only fail when they
        are opened.
        """
        if not isinstance(self._root, Path):
            return
        wanted = next((file["bytes"] for file in shard["files"] if file["path"] == path), None)
        try:
            size = (self._root / path).stat().st_size
        except OSError:
            self._notice(
                f"{self._where(path)}: not found; its videos have no pictures. Copy or download "
                "this file again."
            )
            return
        if wanted is not None and size != wanted:
            self._notice(
                f"{self._where(path)}: {size} bytes, manifest.json says {wanted}: cut short? Copy "
                "or download this file again."
            )

    def _notice(self, text: str) -> None:
        if text not in self.notices:
            self.notices.append(text)

    def _at(self, path: str) -> Place:
        return self._root / path if isinstance(self._root, Path) else f"{self._root}/{path}"

    def _where(self, path: str) -> str:
        return str(self._at(path))

    # --- One video --------------------------------------------------------------------------------

    def show(self, video_id: str) -> Shown:
        row = self._row(video_id)
        return _shown(row, self._shards[self._homes[video_id].shard]["split"])

    def video(self, video_id: str) -> tuple[VideoSource, VideoIndex]:
        row = self._row(video_id)
        return row["video"]["bytes"], index_from_row(row)

    def _row(self, video_id: str) -> dict[str, Any]:
        home = self._homes.get(video_id)
        if home is None:
            raise ExploreError(f"{self.name}: no video {video_id}")
        try:
            with self._shard(home.shard) as rows:
                row = rows[home.row]
        except (ReleaseError, OSError, ValueError, IndexError) as error:
            raise ExploreError(f"video {video_id} cannot be read: {error}") from error
        if row["video_id"] != video_id:
            raise ExploreError(
                f"video {video_id}: its row in {rows.where(home.row)} is of {row['video_id']}; the "
                "shard is of another release. Run `brokenvideos verify`."
            )
        return row

    @contextmanager
    def _shard(self, number: int) -> Iterator[ReleaseRows]:
        """The rows of a shard, for one thread at a time."""
        with self._opening:
            opened = self._open.get(number)
            if opened is None:
                shard = self._shards[number]
                path = shard_paths(shard["split"], shard["index"], shard["num_shards"])["default"]
                with asking_the_hub(self._where(path)):
                    opened = _OpenShard(ReleaseRows([self._at(path)], columns=SHOW_COLUMNS))
                self._open[number] = opened
                if len(self._open) > OPEN_SHARDS:
                    self._open.popitem(last=False)
            self._open.move_to_end(number)
        with opened.lock, asking_the_hub(self.name):
            yield opened.rows

    # --- All videos -------------------------------------------------------------------------------

    def measure_tasks(self) -> list[MeasureTask]:
        tasks: list[MeasureTask] = []
        for number, file in self._readable.items():
            with (
                _readable(file) as opened,
                closing(open_parquet(opened, name=str(file))) as parquet,
            ):
                groups = parquet.num_row_groups
            tasks += [
                _Measure(file, self._shards[number]["split"], group) for group in range(groups)
            ]
        return tasks

    def near_duplicates(self) -> FindGroups:
        return partial(_groups_of, self._manifest, self.name)

    def verify(self, video_id: str) -> list[str]:
        from ...builder import verify_row

        shard = self._shards[self._homes[video_id].shard]
        path = shard_paths(shard["split"], shard["index"], shard["num_shards"])["default"]
        try:
            with _readable(self._at(path)) as file:
                (table,) = read_parquet(
                    file, filters=[("video_id", "==", video_id)], name=self._where(path)
                )
        except (ReleaseError, OSError, ValueError) as error:
            raise ExploreError(f"video {video_id} cannot be read: {error}") from error
        facts = self._manifest["videos"].get(video_id, {})
        return [str(finding) for finding in verify_row(table.to_pylist()[0], path, facts)]

    def python(self, video_id: str) -> str:
        split = self._shards[self._homes[video_id].shard]["split"]
        arguments = ", ".join(
            [
                *self._python,
                f'split="{split}"',
                "streaming=True",
                f'filters=[("video_id", "==", "{video_id}")]',
            ]
        )
        return (
            "import brokenvideos\n\n"
            f"rows = brokenvideos.load({arguments})\n"
            "row = next(iter(rows))\n"
            "masks = brokenvideos.decode_masks(row)  # uint8[T, H, W], 1 = artifact\n"
        )


def _groups_of(manifest: Mapping[str, Any], name: str) -> list[list[str]]:
    from ...builder.plan import release_groups

    return [list(group) for group in release_groups(manifest, name=name) or []]


@contextmanager
def _readable(place: Place) -> Iterator[str | IO[bytes]]:
    """A local file as its path, which pyarrow opens itself; a remote file as an open file."""
    if isinstance(place, Path):
        yield str(place)
        return
    with asking_the_hub(place), opened_at(place) as file:
        yield file


def _listed(row: Mapping[str, Any], split: str) -> Listed:
    types = row["artifact_types"]
    return Listed(
        video_id=row["video_id"],
        split=split,
        label=LABELS[row["label"]],
        artifact_types=None if types is None else tuple(ARTIFACT_TYPES[code] for code in types),
        generator=row["generator"],
        prompt=row["prompt"],
        height=row["height"],
        width=row["width"],
        num_frames=row["num_frames"],
        fps=row["fps"],
        num_objects=len(row["objects"]["object_id"]),
    )


def _shown(row: Mapping[str, Any], split: str) -> Shown:
    pts, base = row["frame_pts"], row["time_base"]
    objects = row["objects"]
    given = zip(
        *(objects[name] for name in ("object_id", "artifact_type", "subtype", "digest")),
        strict=True,
    )
    facts = {
        name: str(value) for name, value in (row.get("source") or {}).items() if value is not None
    }
    facts |= {name: row[name] for name in ("digest", "video_sha256") if name in row}
    return Shown(
        listed=_listed(row, split),
        height=row["height"],
        width=row["width"],
        num_frames=row["num_frames"],
        rotation=row["codec"]["rotation"],
        times_s=tuple((tick - pts[0]) * base["num"] / base["den"] for tick in pts),
        annotated_frames=tuple(row["annotated_frames"]),
        objects=tuple(
            ShownObject(object_id, None if code is None else ARTIFACT_TYPES[code], subtype, digest)
            for object_id, code, subtype, digest in given
        ),
        object_ids=row["masks"]["object_id"],
        frame_indices=row["masks"]["frame_index"],
        counts=row["masks"]["counts"],
        facts={"codec": row["codec"]["name"], **facts},
    )
