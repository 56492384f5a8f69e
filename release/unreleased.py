"""What to say where a repository is reached but holds no release: what it holds instead, and how a release is made of it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import PurePosixPath

from .error import ReleaseError
from .hub import asking_the_hub
from .names import NAME

_LISTED = 20_000
"""Files that are counted: more need too many requests for a message."""
_GROUPS = 4


def unreleased(repo_id: str, *, revision: str, token: bool | str | None, endpoint: str) -> str | None:
    """Three lines about a repository that has no manifest.json on its main branch either; None where it has one.

    Args:
        revision: that was asked for in vain.

    Raises:
        ReleaseError: it cannot be listed.
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
        f"{repo_id}: reached, but it holds no release of BrokenVideos, at revision {revision} or on its main branch.\n"
        f"It holds {held(paths)}.\n"
        f"Make a release of it: `brokenvideos adopt {repo_id} raw`, `brokenvideos build raw release`, then "
        f'load_dataset("{NAME}", data_dir="release").'
    )


def held(paths: Iterable[str]) -> str:
    """How many files of which suffix lie in which folder, the most first; dot files do not count."""
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
    shown = [
        f"{count} {suffix or 'without a suffix'}{f' in {folder}/' if folder else ''}"
        for (folder, suffix), count in ordered[:_GROUPS]
    ]
    others = sum(count for _, count in ordered[_GROUPS:])
    total = sum(counts.values())
    files = "1 file" if total == 1 else f"{total} files"
    return f"{files}: {', '.join(shown)}{f' and {others} others' if others else ''}"


def no_release(
    error: ReleaseError, repo_id: str, *, revision: str, token: bool | str | None, endpoint: str
) -> ReleaseError:
    """The error to raise instead of one that says that a revision or its manifest is missing; the same where there is no better."""
    try:
        text = unreleased(repo_id, revision=revision, token=token, endpoint=endpoint)
    except ReleaseError:  # what was said first is as true
        return error
    return error if text is None else ReleaseError(text)
