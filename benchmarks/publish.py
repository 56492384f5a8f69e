"""Measures the bytes that publishing the next release sends, and checks that the old one is
unchanged.

    python benchmarks/publish.py

Prints Markdown rows. `brokenvideos publish` runs in processes of its own against the Hub of the
tests (tests/hub), with hf_xet's real chunking and deduplication. The bytes are those that arrive
there. "Here" publishes from the machine that published 1.0.0. "Elsewhere" publishes from a machine
that has never used the repository and learns only from the Hub which data it has.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

# tests/hub is of the checkout, not of the package
sys.path.insert(0, str(Path(__file__).parent.parent))

from releases import add_videos, copied, correct_masks, described, pad  # beside this file

from brokenvideos.builder import BuildOptions, build, diff, withdraw
from brokenvideos.card import card_files
from brokenvideos.tools.synthetic.sample import write_sample
from tests.hub.server import serving
from tests.hub.state import State

REPO = "someone/brokenvideos"
UPLOADS = ("xorb", "shard", "commit", "preupload", "lfs-put", "lfs-part")
ROWS = """
import sys, brokenvideos
for name in ("default", "webdataset"):
    for split, rows in brokenvideos.load(name, repo_id=sys.argv[1], revision=sys.argv[2], streaming=True).items():
        wanted = brokenvideos.load(name, data_dir=sys.argv[3], split=split, streaming=True)
        assert [r for r in rows] == [r for r in wanted], (name, split)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=int, default=100, help="of the release that grows")
    parser.add_argument("--video-kb", type=int, default=500, help="of each of them")
    parser.add_argument("--share", type=float, default=0.02, help="of the videos, that change")
    parser.add_argument("--shards", type=int, default=2, help="of train")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        raw = write_sample(work / "raw", videos=arguments.videos, num_frames=8, height=48, width=64)
        for path in sorted((raw / "videos").iterdir()):
            pad(path, arguments.video_kb * 1000)
        count = round(arguments.share * arguments.videos)
        old = work / "1.0.0"
        build(raw, old, BuildOptions(num_shards={"train": arguments.shards}), more_files=card_files)
        print(
            "| step | release MB | written anew | sent for 1.0.0, MB | sent, MB | of the release "
            "|\n|---|---|---|---|---|---|"
        )
        for where in ("here", "elsewhere"):
            for name, change in changes(raw, work, old, count).items():
                measure(work, old, f"{name}, published {where}", change, here=where == "here")


def changes(raw: Path, work: Path, old: Path, count: int) -> dict[str, Callable[[Path], object]]:
    """The functions that make each next release, by name."""

    def built(change: Callable[[Path, int], None], version: str) -> Callable[[Path], object]:
        def make(out: Path) -> None:
            with copied(raw, work / "changed") as changed:
                change(changed, count)
                build(
                    changed,
                    out,
                    BuildOptions(data_version=version),
                    parent=old,
                    more_files=card_files,
                )

        return make

    ids = sorted(video["video_id"] for video in described(raw))[:count]
    return {
        f"{count} videos added (1.1.0)": built(add_videos, "1.1.0"),
        f"masks of {count} videos corrected (2.0.0)": built(correct_masks, "2.0.0"),
        f"{count} videos withdrawn (2.0.0)": lambda out: withdraw(
            old, out, ids, reason="r", more_files=card_files
        ),
    }


def measure(
    work: Path, old: Path, name: str, change: Callable[[Path], object], *, here: bool
) -> None:
    """Publishes the old and the next release, and reads both from the Hub."""
    new = work / "new"
    change(new)
    changes = diff(old, new)
    version = changes.new_version
    with serving(work / "hub") as hub:
        first = publish(hub, old, work / "home")
        sent = publish(hub, new, work / ("home" if here else "other-home"))
        for tag, release in (("v1.0.0", old), (f"v{version}", new)):
            run([sys.executable, "-c", ROWS, REPO, tag, str(release)], hub, work / "reader")
    for path in (new, work / "hub", work / "home", work / "other-home", work / "reader"):
        shutil.rmtree(path, ignore_errors=True)
    size = changes.kept_bytes + changes.rewritten_bytes
    rewritten = changes.rewritten_bytes / size
    numbers = (
        f"{size / 1e6:.0f} | {rewritten:.0%} | {first / 1e6:.0f} | {sent / 1e6:.2f} | "
        f"{sent / size:.1%}"
    )
    print(f"| {name} | {numbers} |", flush=True)


def publish(hub: State, release: Path, home: Path) -> int:
    """Publishes a release, and returns the number of bytes that arrived at the Hub."""
    before = hub.received_bytes(*UPLOADS)
    run(
        [
            str(Path(sys.executable).with_name("brokenvideos")),
            "publish",
            str(release),
            "--repo",
            REPO,
        ],
        hub,
        home,
    )
    return hub.received_bytes(*UPLOADS) - before


def run(command: list[str], hub: State, home: Path) -> None:
    done = subprocess.run(
        command, env=hub.environment(home, token="hf_owner"), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


if __name__ == "__main__":
    main()
