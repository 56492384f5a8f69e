"""Describes a Hub repository that exists but holds no release: its files, and how to make a
release.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import PurePosixPath

from .error import ReleaseError
from .hub import asking_the_hub
from .names import NAME

_LISTED = 20_000
"""The largest number of files that are counted. More files would need too many requests."""
_GROUPS = 4


def unreleased(
    repo_id: str, *, revision: str, token: bool | str | None, endpoint: str
) -> str | None:
    """Three lines about a repository without a manifest.json on its main branch; None if it has
    one.

    Args:
        revision: the requested revision, which has no release.

    Raises:
        ReleaseError: the repository cannot be listed.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile

    api = HfApi(endpoint=endpoint, token=token)
    with asking_the_hub(repo_id):
        tree = api.list_repo_tree(repo_id, recursive=True, repo_type="dataset")
        paths = [entry.path for entry in islice(tree, _LISTED) if isinstance(entry, RepoFile)]
    if "manifest.json" in paths:
        return None
    return (
        f"{repo_id}: reached, but it holds no release of BrokenVideos, at revision {revision} or "
        "on its main branch.\n"
        f"It holds {held(paths)}.\n"
        f"Make a release of it: `brokenvideos adopt {repo_id} raw`, `brokenvideos build raw "
        "release`, then "
        f'load_dataset("{NAME}", data_dir="release").'
    )


def held(paths: Iterable[str]) -> str:
    """The number of files by suffix and top folder, as text, largest number first.

    Files whose names start with a dot are not counted. "no file" if there is no other file.
    """
    counts: Counter[tuple[str, str]] = Counter()
    for path in map(PurePosixPath, paths):
        if not path.name.startswith("."):
            folder = path.parts[0] if len(path.parts) > 1 else ""
            counts[folder, path.suffix.lower()] += 1
    if not counts:
        return "no file"
    return _listed(counts)


def _listed(counts: Mapping[tuple[str, str], int]) -> str:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    largest = [
        f"{count} {suffix or 'without a suffix'}{f' in {folder}/' if folder else ''}"
        for (folder, suffix), count in ordered[:_GROUPS]
    ]
    num_others = sum(count for _, count in ordered[_GROUPS:])
    total = sum(counts.values())
    files = "1 file" if total == 1 else f"{total} files"
    return f"{files}: {', '.join(largest)}{f' and {num_others} others' if num_others else ''}"


def no_release(
    error: ReleaseError, repo_id: str, *, revision: str, token: bool | str | None, endpoint: str
) -> ReleaseError:
    """A better error for a missing revision or manifest: it describes the repository.

    Returns `error` itself if the repository has a release, or cannot be listed.
    """
    try:
        text = unreleased(repo_id, revision=revision, token=token, endpoint=endpoint)
    except ReleaseError:  # the first error is still true
        return error
    return error if text is None else ReleaseError(text)
