"""Finds the release that a name means."""

from dataclasses import dataclass
from functools import partial
from os import environ
from pathlib import Path

from ..release import (
    DATA_VERSION,
    REPO_ID,
    SAMPLE,
    SAMPLE_RELEASE,
    download,
    is_repo_id,
    read_manifest,
)


class SourceError(ValueError):
    """The given value is not a source of rows; the message says what is wanted."""


@dataclass(frozen=True, slots=True)
class HubRelease:
    """A release in a repository on the Hub."""

    repo_id: str
    revision: str


def named_release(name: str | Path) -> Path | HubRelease:
    """The release that a name means: "sample", a folder ("~" is the home), or a repository on the
    Hub.

    A repository is OWNER/NAME@REVISION, or OWNER/NAME alone if it is the repository that
    `brokenvideos.load` reads. Any other OWNER/NAME could be the path of a missing folder, so it is
    refused without asking the Hub.

    Raises:
        SourceError: none of these.
    """
    if isinstance(name, str) and name == SAMPLE:
        return Path(SAMPLE_RELEASE)
    path = Path(name).expanduser()
    if not isinstance(name, str) or (name.strip() and path.is_dir()):
        return path
    repo_id, _, revision = name.removeprefix("hf://datasets/").partition("@")
    known = (environ.get("BROKENVIDEOS_REPO"), REPO_ID)
    if is_repo_id(repo_id):
        if revision or repo_id in known or name.startswith("hf://"):
            return HubRelease(repo_id, revision or f"v{DATA_VERSION}")
        raise SourceError(
            f"{name}: no such folder here. For a repository on the Hub, give "
            f"{repo_id}@v{DATA_VERSION}, or another revision."
        )
    raise SourceError(
        f"{name}: no such folder. Wanted a release folder, {SAMPLE!r}, or a repository "
        "OWNER/NAME@REVISION on the Hub."
    )


def release_folder(name: str | Path) -> Path:
    """The local folder of the release that a name means; one of the Hub is fetched into the Hub's
    cache, without its tars.

    Raises:
        SourceError: as `named_release`. ReleaseError: no release there.
    """
    named = named_release(name)
    if isinstance(named, HubRelease):
        from huggingface_hub import snapshot_download

        named = Path(
            download(
                partial(
                    snapshot_download,
                    named.repo_id,
                    repo_type="dataset",
                    revision=named.revision,
                    allow_patterns=["manifest.json", "data/*", "annotations/*"],
                ),
                where=f"{named.repo_id} at revision {named.revision}",
            )
        )
    read_manifest(str(named))
    return named
