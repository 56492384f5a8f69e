"""Compares a release with what its repository already holds, so that nothing is rolled back by
accident.
"""

import tempfile
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ...builder import contents_of, returning, version_of
from ...release import MANIFEST, ReleaseError, read_manifest
from .plan import Seen
from .trouble import PublishError, explained

if TYPE_CHECKING:
    from huggingface_hub import HfApi


def check_held(
    api: "HfApi",
    manifest: Mapping[str, Any],
    seen: Seen,
    *,
    repo_id: str,
    revision: str,
    roll_back: bool,
    bring_back: Collection[str],
) -> None:
    """Compares a release with the manifests of its branch and of main; makes no change.

    Args:
        manifest: the manifest of the release.
        roll_back: True allows an older release, or one that was not made from the branch's release.
        bring_back: ids of withdrawn videos, or of copies of them, that may come back.

    Raises:
        PublishError: the release is older than the branch's or was not made from it, or has a video
            that the branch or main has withdrawn, and this is not allowed. One line per problem.
    """
    problems: dict[str, None] = {}
    for branch, commit in {revision: seen.head, "main": seen.main}.items():
        if commit is None or MANIFEST not in (seen.tree if branch == revision else seen.main_tree):
            continue
        where = f"{repo_id}@{branch}"
        try:
            held = _manifest_at(api, repo_id, commit, where=where)
        except ReleaseError as error:
            if not roll_back:
                problems[
                    f"{error} So it cannot be compared. Give --roll-back to replace it anyway."
                ] = None
            continue
        if branch == revision and not roll_back:
            problems |= dict.fromkeys(_steps_back(manifest, held, where=where))
        problems |= dict.fromkeys(_brought_back(manifest, held, where=where, bring_back=bring_back))
        if not roll_back:
            problems |= dict.fromkeys(_forgotten(manifest, held, where=where))
    if problems:
        raise PublishError("\n".join(problems))


def _manifest_at(api: "HfApi", repo_id: str, commit: str, *, where: str) -> dict[str, Any]:
    """The manifest of a commit. If it cannot be read, raises a ReleaseError that names `where`."""
    with tempfile.TemporaryDirectory(prefix="brokenvideos-publish-") as folder:
        with explained(f"{where}, reading its {MANIFEST}"):
            api.hf_hub_download(
                repo_id, MANIFEST, repo_type="dataset", revision=commit, local_dir=folder
            )
        try:
            manifest = read_manifest(folder)
            version_of(manifest["data_version"])
        except ValueError as error:
            raise ReleaseError(str(error).replace(folder, where)) from error
    return manifest


def _steps_back(mine: Mapping[str, Any], there: Mapping[str, Any], *, where: str) -> Iterator[str]:
    version, held, parent = mine["data_version"], there["data_version"], mine.get("parent_version")
    meant = "If you want this, give --roll-back."
    if version_of(version) < version_of(held):
        yield f"{where} holds {held}, and {version} is older. {meant}"
    elif version == held:
        if (mine["shards"], mine["videos"]) != (there["shards"], there["videos"]):
            yield (
                f"{where} holds another {held} than this. Build the release again with a later "
                f"--data-version. {meant}"
            )
    elif isinstance(parent, str) and version_of(parent) < version_of(held):
        yield (
            f"{where} holds {held}, and {version} was made from {parent}: what changed in between "
            f"would be undone. Build it again with {held} as its --parent. {meant}"
        )


def _brought_back(
    mine: Mapping[str, Any], there: Mapping[str, Any], *, where: str, bring_back: Collection[str]
) -> Iterator[str]:
    held = {video_id: facts["video_sha256"] for video_id, facts in there["videos"].items()}
    for come in returning(
        there.get("errata", ()), contents_of(mine), held=held, allowed=bring_back
    ):
        yield (
            f"{where}: video {come.video_id}: {come}. Withdraw it from this release too, or, if it "
            f"is to be public again, give --bring-back {come.video_id}."
        )


def _forgotten(mine: Mapping[str, Any], there: Mapping[str, Any], *, where: str) -> Iterator[str]:
    """Problems of errata that the release does not repeat; later builds would not know the
    withdrawn videos.
    """
    withdrawn_here = {
        video_id for entry in mine.get("errata", ()) for video_id in entry["video_ids"]
    }
    withdrawn_there = {
        video_id for entry in there.get("errata", ()) for video_id in entry["video_ids"]
    }
    if lost := sorted(withdrawn_there - withdrawn_here - mine["videos"].keys()):
        yield (
            f"{where}: its errata say that {', '.join(lost)} was withdrawn, and this release's do "
            "not. Build it again with what is published as its --parent. If they are to be "
            "dropped, give --roll-back."
        )
