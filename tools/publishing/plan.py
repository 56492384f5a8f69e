"""Plans the changes of a publish: compares the files of a release with those on the Hub."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...builder import read_sums
from ...builder.work import file_sha256
from ...card import is_of_card
from ...release import MANIFEST, SHARD_FILES, SUMS, in_words
from .trouble import PublishError

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile

KEPT = ".gitattributes"
"""The Hub's own file; it is not part of a release and is not deleted."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The state of a repository on the Hub.

    Attributes:
        head: commit of the branch; None: there is no repository.
        tag: commit of the version's tag; None: there is no such tag.
        tree, tag_tree: files by path at these commits.
        main, main_tree: the same for the branch main; None if there is no such branch.
        pull_requests: refs of pull requests, the newest first.
    """

    head: str | None
    tag: str | None
    tree: Mapping[str, "RepoFile"]
    tag_tree: Mapping[str, "RepoFile"]
    main: str | None = None
    main_tree: Mapping[str, "RepoFile"] = field(default_factory=dict)
    pull_requests: tuple[str, ...] = ()
    private: bool = False
    gated: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """The planned changes, files by path.

    Attributes:
        creates: True if the repository will be made.
        private, gated: True if it will be made private or gated.
        adds: new or changed files, with their bytes.
        keeps: files that the Hub already has unchanged.
        deletes: files of another release; with `delete_others`, all files that the release does not
            have.
        leaves: files that belong to no release, and stay.
    """

    repo_id: str
    revision: str
    tag: str
    head: str | None
    creates: bool
    private: bool
    gated: bool
    adds: Mapping[str, int]
    keeps: tuple[str, ...]
    deletes: tuple[str, ...]
    leaves: tuple[str, ...] = ()

    @property
    def num_bytes(self) -> int:
        """Largest number of bytes to upload; parts that the Hub has from other files are not
        uploaded again.
        """
        return sum(self.adds.values())

    @property
    def changes_files(self) -> bool:
        return bool(self.adds or self.deletes)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), "num_bytes": self.num_bytes}

    def lines(self) -> Iterator[str]:
        """The plan as text for people."""
        if self.creates:
            yield f"make {self.repo_id}"
        for name, wanted in (("private", self.private), ("gated", self.gated)):
            if wanted:
                yield f"make it {name}"
        yield from (f"add    {path}  {size / 1e6:.1f} MB" for path, size in self.adds.items())
        yield from (f"keep   {path}" for path in self.keeps)
        yield from (f"delete {path}" for path in self.deletes)
        yield from self.lines_of_others()
        yield (
            f"{self.repo_id} {self.revision} -> {self.tag}: {len(self.adds)} to add, "
            f"{len(self.keeps)} kept, {len(self.deletes)} to delete; {self.num_bytes / 1e6:.1f} MB "
            "to send at most."
        )

    def lines_of_others(self) -> Iterator[str]:
        """The files on the Hub that belong to no release, as text."""
        if self.leaves:
            yield from (f"leave  {path}" for path in self.leaves)
            yield "These files belong to no release and stay; --delete-others deletes them."


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file of the release."""

    path: Path
    sha256: str
    num_bytes: int

    def is_same(self, remote: "RepoFile | None") -> bool:
        """Whether the Hub has the same bytes: large files by SHA-256, small ones by git's id."""
        if remote is None or remote.size != self.num_bytes:
            return False
        if remote.lfs is not None:
            return bool(remote.lfs.sha256 == self.sha256)
        content = self.path.read_bytes()
        return bool(
            remote.blob_id == hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        )


def release_files(release: Path) -> dict[str, LocalFile]:
    """Files of a release by path: SHA256SUMS and the files that it lists.

    Raises:
        PublishError: SHA256SUMS or a file that it lists is missing or cannot be read.
    """
    try:
        sums = {SUMS: file_sha256(release / SUMS), **read_sums((release / SUMS).read_text())}
        if MANIFEST not in sums:
            raise ValueError(f"{MANIFEST} is not listed")
        return {
            path: LocalFile(release / path, sha256, (release / path).stat().st_size)
            for path, sha256 in sorted(sums.items())
        }
    except (OSError, ValueError) as error:
        where = "" if isinstance(error, OSError) else f"{release / SUMS}: "
        raise PublishError(
            f"{where}{in_words(error)}. Publish a folder that `brokenvideos build` made and "
            "`brokenvideos verify` accepts."
        ) from error


def look(api: "HfApi", repo_id: str, *, revision: str, tag: str) -> Seen:
    """The state of a repository on the Hub; changes nothing.

    Raises:
        PublishError: the repository exists but has no such branch.
    """
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    try:
        info = api.dataset_info(repo_id)
    except GatedRepoError:  # it is also a RepositoryNotFoundError, but the repository exists
        raise
    except RepositoryNotFoundError:
        return Seen(None, None, {}, {})
    refs = api.list_repo_refs(repo_id, repo_type="dataset", include_pull_requests=True)
    head = next((ref.target_commit for ref in refs.branches if ref.name == revision), None)
    if head is None:
        raise PublishError(
            f"{repo_id}: it has no branch {revision!r}, only "
            f"{', '.join(sorted(ref.name for ref in refs.branches))}. Give one of them with "
            "--revision, or make it on the Hub first."
        )
    main = next((ref.target_commit for ref in refs.branches if ref.name == "main"), None)
    tree = tree_of(api, repo_id, head)
    tagged = next((ref.target_commit for ref in refs.tags if ref.name == tag), None)
    return Seen(
        head=head,
        tag=tagged,
        tree=tree,
        main=main,
        main_tree=tree if main in (head, None) else tree_of(api, repo_id, str(main)),
        tag_tree=tree_of(api, repo_id, tagged) if tagged is not None else {},
        pull_requests=tuple(
            ref.ref for ref in sorted(refs.pull_requests or [], key=lambda ref: -int(ref.name))
        ),
        private=bool(info.private),
        gated=bool(info.gated),
    )


def tree_of(api: "HfApi", repo_id: str, revision: str) -> dict[str, "RepoFile"]:
    """Files of a revision by path."""
    from huggingface_hub.hf_api import RepoFile

    entries = api.list_repo_tree(repo_id, recursive=True, revision=revision, repo_type="dataset")
    return {entry.path: entry for entry in entries if isinstance(entry, RepoFile)}


def is_of_a_release(path: str) -> bool:
    """Whether a path belongs to a release: a shard, a file that describes it, or a part of its
    card.
    """
    return (
        path in (MANIFEST, SUMS)
        or is_of_card(path)
        or any(name.fullmatch(path) for name in SHARD_FILES.values())
    )


def differing(files: Mapping[str, LocalFile], tree: Mapping[str, "RepoFile"]) -> list[str]:
    """Paths at which a revision differs from the release; files that belong to no release are
    ignored.
    """
    wrong = [path for path, file in files.items() if not file.is_same(tree.get(path))]
    return sorted([*wrong, *(path for path in tree.keys() - files.keys() if is_of_a_release(path))])


def plan_for(
    files: Mapping[str, LocalFile],
    seen: Seen,
    *,
    repo_id: str,
    revision: str,
    tag: str,
    private: bool,
    gated: bool,
    delete_others: bool,
) -> Plan:
    """The changes that make the branch equal to the release."""
    changed = differing(files, seen.tree)
    others = sorted(
        path for path in seen.tree.keys() - files.keys() - {KEPT} if not is_of_a_release(path)
    )
    adds = {path: files[path].num_bytes for path in changed if path in files}
    return Plan(
        repo_id=repo_id,
        revision=revision,
        tag=tag,
        head=seen.head,
        creates=seen.head is None,
        private=private and not seen.private,
        gated=gated and not seen.gated,
        adds=adds,
        keeps=tuple(path for path in files if path not in adds),
        deletes=tuple(
            sorted(
                {path for path in changed if path not in files}.union(
                    others if delete_others else ()
                )
            )
        ),
        leaves=() if delete_others else tuple(others),
    )
