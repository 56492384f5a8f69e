"""The loader against a Hub: a small read-only one on loopback that serves a release at the tag v1.0.0."""

import json
import os
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from datasets import load_dataset

import brokenvideos

SHA = "0123456789abcdef0123456789abcdef01234567"
REPO = "someone/brokenvideos"


class Hub(BaseHTTPRequestHandler):
    """The calls that huggingface_hub makes to look at a dataset repository and to read its files."""

    def __init__(self, root: Path, *arguments) -> None:
        self.root = root
        super().__init__(*arguments)

    def log_message(self, format: str, *arguments: object) -> None:
        pass

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path.startswith(f"/api/datasets/{REPO}/revision/"):
            self.revision(path.rpartition("/")[2])
        elif path.startswith(f"/api/datasets/{REPO}/tree/{SHA}/"):
            folder = path.removeprefix(f"/api/datasets/{REPO}/tree/{SHA}/")
            self.listing([file.relative_to(self.root).as_posix() for file in (self.root / folder).iterdir()])
        elif path.startswith(f"/datasets/{REPO}/resolve/{SHA}/"):
            self.file(self.root / path.removeprefix(f"/datasets/{REPO}/resolve/{SHA}/"))
        else:
            self.answer(404, b"{}", {"X-Error-Code": "RepoNotFound"})

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        """paths-info"""
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        paths = [part.partition("=")[2] for part in body.split("&")] if "=" in body else json.loads(body)["paths"]
        paths = [path.replace("%2F", "/") for path in paths if path not in ("True", "False", "true", "false")]
        self.listing(paths)

    def listing(self, paths: list[str]) -> None:
        found = [{"type": "file", "path": p, "size": (self.root / p).stat().st_size, "oid": "0" * 40} for p in paths]
        self.answer(200, json.dumps(found).encode(), {})

    def revision(self, revision: str) -> None:
        if revision not in ("v1.0.0", SHA):
            self.answer(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
            return
        files = [path.relative_to(self.root).as_posix() for path in self.root.rglob("*") if path.is_file()]
        info = {
            "id": REPO,
            "sha": SHA,
            "siblings": [{"rfilename": name} for name in files],
            "private": False,
            "tags": [],
        }
        self.answer(200, json.dumps(info).encode(), {})

    def file(self, path: Path) -> None:
        content, status, size = path.read_bytes(), 200, path.stat().st_size
        headers = {"ETag": f'"{path.name}"', "X-Repo-Commit": SHA, "Accept-Ranges": "bytes"}
        if span := self.headers.get("Range"):
            first, _, last = span.removeprefix("bytes=").partition("-")
            content, status = content[int(first) : int(last or size) + 1], 206
            headers["Content-Range"] = f"bytes {first}-{int(first) + len(content) - 1}/{size}"
        self.answer(status, content, headers)

    def answer(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


@pytest.fixture
def environment(release: Path, tmp_path: Path) -> Iterator[dict[str, str]]:
    """What a process needs to meet the local Hub."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Hub, release))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield os.environ | {
        "HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
        "HF_HOME": str(tmp_path / "home"),
        "HF_HUB_OFFLINE": "0",
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "NO_PROXY": "127.0.0.1",
    }
    server.shutdown()
    server.server_close()
    thread.join()


LOAD = """
import sys
import brokenvideos
rows = brokenvideos.load(sys.argv[1], split="train", streaming=sys.argv[2] == "stream", repo_id=sys.argv[3] or None)
print(*[row["video_id"] for row in rows])
"""


@pytest.mark.parametrize("how", ["stream", "map"])
@pytest.mark.parametrize("name", ["default", "annotations", "webdataset"])
def test_the_hub_gives_the_rows_at_the_pinned_version(
    release: Path, environment, run_process, name: str, how: str
) -> None:
    done = run_process([sys.executable, "-c", LOAD, name, how, REPO], env=environment)
    assert done.returncode == 0, done.stderr
    shards = brokenvideos.read_manifest(str(release))["shards"]
    assert done.stdout.split() == [i for shard in shards if shard["split"] == "train" for i in shard["video_ids"]]


def test_a_variable_names_the_repository(environment, run_process) -> None:
    done = run_process(
        [sys.executable, "-c", LOAD, "annotations", "stream", ""], env=environment | {"BROKENVIDEOS_REPO": REPO}
    )
    assert done.returncode == 0, done.stderr


def test_a_missing_revision_says_what_to_do(environment, run_process) -> None:
    script = 'from datasets import load_dataset; import brokenvideos; load_dataset("brokenvideos", revision="v9.0.0")'
    done = run_process([sys.executable, "-c", script], env=environment | {"BROKENVIDEOS_REPO": REPO})
    assert done.stderr.splitlines()[-1] == (
        f"brokenvideos.ReleaseError: {REPO} at revision v9.0.0: the repository has no such revision. Name one with revision=, "
        "another repository with BROKENVIDEOS_REPO or brokenvideos.load(repo_id=…), or a local release with data_dir=."
    )


def test_offline_the_hub_is_not_asked() -> None:
    with pytest.raises(brokenvideos.ReleaseError) as caught:
        load_dataset("brokenvideos")
    assert str(caught.value) == (
        f"{brokenvideos.REPO_ID} at revision v1.0.0: HF_HUB_OFFLINE is set, so the Hub is not asked. "
        "Name a local release with data_dir=, or load config 'sample'."
    )
