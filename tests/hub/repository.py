"""What a repository holds: commits with parents, branches, tags and pull requests, under the object
ids that git would give.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from itertools import pairwise

from tests.hub.refusal import Refusal

_LARGE = """
*.7z *.arrow *.bin *.bz2 *.ckpt *.gz *.h5 *.mds *.npy *.npz *.parquet *.pickle *.pkl *.tar.* *.tar *.tgz *.zip *.zst
*.flac *.wav *.mp3 *.bmp *.gif *.png *.tiff *.jpg *.jpeg *.webp *.mp4 *.webm
"""
GIT_ATTRIBUTES = "".join(
    f"{pattern} filter=lfs diff=lfs merge=lfs -text\n" for pattern in _LARGE.split()
)
"""What a new dataset repository starts with."""


@dataclass(frozen=True, slots=True)
class File:
    """A file of one commit. Its bytes lie in the store under `sha256`; `blob_id` is git's, of the
    bytes or of the LFS pointer.
    """

    sha256: str
    size: int
    lfs: bool
    blob_id: str

    @property
    def etag(self) -> str:
        return self.sha256 if self.lfs else self.blob_id


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit; `files` by path, the whole tree."""

    oid: str
    parents: tuple[str, ...]
    files: Mapping[str, File]
    title: str
    message: str
    author: str
    time_s: int


@dataclass(slots=True)
class PullRequest:
    """A pull request or a discussion; `base` is the branch that it asks to change."""

    number: int
    title: str
    author: str
    base: str | None
    base_oid: str | None
    status: str = "open"


@dataclass(slots=True)
class Repository:
    """One repository. `granted`: names of users who may read its files although it is gated."""

    kind: str
    id: str
    private: bool = False
    gated: str | bool = False
    granted: set[str] = field(default_factory=set)
    commits: dict[str, Commit] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    """Commit ids by full name: refs/heads/main, refs/tags/v1.0.0, refs/pr/1."""
    discussions: dict[int, PullRequest] = field(default_factory=dict)

    @property
    def owner(self) -> str:
        return self.id.partition("/")[0]

    @property
    def url_path(self) -> str:
        return self.id if self.kind == "model" else f"{self.kind}s/{self.id}"

    def head(self, ref: str) -> Commit:
        return self.commits[self.refs[ref]]

    def commit_of(self, revision: str) -> Commit:
        """The commit that a branch, a tag, a ref or a commit id names.

        Raises:
            Refusal: 404 RevisionNotFound.
        """
        for name in (f"refs/heads/{revision}", f"refs/tags/{revision}", revision):
            if name in self.refs:
                return self.head(name)
        found = [oid for oid in self.commits if len(revision) >= 7 and oid.startswith(revision)]
        if len(found) != 1:
            raise Refusal(404, f"Invalid rev id: {revision}", code="RevisionNotFound")
        return self.commits[found[0]]

    def branch_of(self, revision: str) -> str:
        """The full name of the ref that a commit to `revision` moves.

        Raises:
            Refusal: 404 RevisionNotFound.
        """
        for name in (f"refs/heads/{revision}", revision):
            if name in self.refs and not name.startswith("refs/tags/"):
                return name
        raise Refusal(404, f"Invalid rev id: {revision}", code="RevisionNotFound")

    def add_commit(
        self,
        ref: str,
        files: Mapping[str, File],
        *,
        title: str,
        message: str = "",
        author: str,
        parents: tuple[str, ...],
    ) -> Commit:
        """Makes a commit and lets a ref name it."""
        files = dict(sorted(files.items()))
        # a minute apart from 2026-01-01, so that ids repeat
        time_s = 1_767_225_600 + 60 * len(self.commits)
        who = f"{author} <{author}@users.noreply.local> {time_s} +0000"
        lines = [f"tree {tree_oids(files)['']}", *(f"parent {parent}" for parent in parents)]
        lines += [
            f"author {who}",
            f"committer {who}",
            "",
            title,
            *(["", message] if message else []),
            "",
        ]
        oid = git_oid("commit", "\n".join(lines).encode())
        commit = Commit(oid, parents, files, title, message, author, time_s)
        self.commits[oid] = commit
        self.refs[ref] = oid
        return commit

    def history(self, commit: Commit) -> list[Commit]:
        """The commit and its first parents, newest first."""
        found = [commit]
        while found[-1].parents:
            found.append(self.commits[found[-1].parents[0]])
        return found

    def last_change(self, commit: Commit, path: str) -> Commit:
        """The newest commit at or before `commit` that changed a file, or anything in a folder."""

        def state(at: Commit) -> dict[str, File]:
            return {
                name: file
                for name, file in at.files.items()
                if name == path or name.startswith(f"{path}/")
            }

        line = self.history(commit)
        for newer, older in pairwise(line):
            if state(newer) != state(older):
                return newer
        return line[-1]

    def is_lfs(self, commit: Commit, path: str, attributes: str) -> bool:
        """Whether .gitattributes sends a path to large file storage."""
        patterns = [line.split()[0] for line in attributes.splitlines() if "filter=lfs" in line]
        return any(
            fnmatch(path.rpartition("/")[2], pattern) or fnmatch(path, pattern)
            for pattern in patterns
        )


def regular_file(content: bytes) -> File:
    """A file that git itself holds."""
    return File(hashlib.sha256(content).hexdigest(), len(content), False, git_oid("blob", content))


def lfs_file(sha256: str, size: int) -> File:
    """A file of which git holds the pointer."""
    return File(sha256, size, True, git_oid("blob", pointer(sha256, size)))


def pointer(sha256: str, size: int) -> bytes:
    """The LFS pointer, https://git-lfs.com/spec/v1"""
    return (
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n".encode()
    )


def git_oid(kind: str, content: bytes) -> str:
    return hashlib.sha1(f"{kind} {len(content)}\0".encode() + content).hexdigest()


def tree_oids(files: Mapping[str, File]) -> dict[str, str]:
    """Git's tree id of every folder by path; "" is the root."""
    children: dict[str, dict[str, tuple[bytes, str]]] = {"": {}}
    for path, file in files.items():
        folder, _, name = path.rpartition("/")
        children.setdefault(folder, {})[name] = (b"100644", file.blob_id)
        while folder:
            folder = folder.rpartition("/")[0]
            children.setdefault(folder, {})
    oids: dict[str, str] = {}
    for folder in sorted(children, key=lambda path: path.count("/") + bool(path), reverse=True):
        entries = children[folder]
        content = b""
        # Git sorts a folder as if its name ended in a slash.
        for name in sorted(
            entries, key=lambda name: name + "/" if entries[name][0] == b"40000" else name
        ):
            mode, oid = entries[name]
            content += mode + b" " + name.encode() + b"\0" + bytes.fromhex(oid)
        oids[folder] = git_oid("tree", content)
        if folder:
            above, _, name = folder.rpartition("/")
            children[above][name] = (b"40000", oids[folder])
    return oids
