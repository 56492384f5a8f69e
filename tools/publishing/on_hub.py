"""Verifies a published release by its SHA256SUMS and manifest: the checksums that the Hub states,
and some downloaded shards.
"""

import hashlib
import random
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...builder import Finding, ShardResult, check_manifest, read_sums, verify_shard
from ...builder.work import Progress, file_sha256, no_progress
from ...release import MANIFEST, SUMS, ReleaseError, asking_the_hub, download, read_manifest
from .plan import KEPT, is_of_a_release, tree_of

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile


@dataclass(frozen=True, slots=True)
class HubReport:
    """The result of `verify_on_hub`; `ok` is True if nothing differs.

    Attributes:
        commit: the commit of the revision.
        num_files, num_bytes: number and bytes of the files in the Hub's tree.
        read: files that were downloaded to compare them: small files that git holds itself,
            SHA256SUMS and manifest.json.
        sampled: shards that were downloaded and checked row by row, as "train 3".
        seed: the seed that chose these shards.
        num_videos, num_masks: numbers of videos and masks in these shards.
        others: paths that belong to no release; they are not checked.
    """

    repo_id: str
    revision: str
    commit: str
    data_version: str | None
    num_files: int
    num_bytes: int
    read: tuple[str, ...]
    sampled: tuple[str, ...]
    seed: int
    num_videos: int
    num_masks: int
    findings: tuple[Finding, ...]
    others: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.findings

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"ok": self.ok, **asdict(self)}

    def lines(self) -> Iterator[str]:
        """The result as text for people: findings, then what was compared and what this proves."""
        yield from map(str, self.findings)
        yield from (f"note: {path}: no file of a release." for path in self.others)
        if self.sampled:
            yield (
                f"downloaded and checked row by row (seed {self.seed}): {', '.join(self.sampled)}; "
                f"{self.num_videos} videos, {self.num_masks} masks."
            )
        else:
            yield (
                "Checksums of large files are what the Hub says that it stores; --sample N "
                "downloads N shards and checks them."
            )
        verdict = "no difference" if self.ok else f"findings: {len(self.findings)}"
        yield (
            f"{self.repo_id}@{self.revision} (commit {self.commit[:12]}): {self.num_files} files "
            f"of {self.num_bytes / 1e6:.1f} MB compared with {SUMS} and {MANIFEST}; {verdict}."
        )


def verify_on_hub(
    repo_id: str,
    *,
    revision: str,
    sample: int = 0,
    seed: int = 0,
    device: str = "cpu",
    token: str | bool | None = None,
    on_progress: Progress = no_progress,
) -> HubReport:
    """Compares SHA256SUMS and manifest.json of a revision with the Hub's tree, in a few calls and
    without downloading shards.

    The Hub names large files by their SHA-256, so these are compared without a download; the few
    small files are downloaded. This checks only what the Hub states. A sample of shards is
    downloaded, one at a time, and checked as by `builder.verify`.

    Args:
        revision: a tag, branch or commit.
        sample: number of shards to download; all, if there are fewer.
        seed: the same seed chooses the same shards of one release.
        device: the device that decodes masks of the sample.

    Returns:
        A report with every finding. Problems of the release are findings, not errors.

    Raises:
        ReleaseError: no such repository or revision, no access, or the Hub does not answer.
            DeviceError: the device does not exist.
    """
    from huggingface_hub import HfApi

    api = HfApi(token=token)
    where, instead = f"{repo_id}@{revision}", "Name a release folder, or OWNER/NAME@REVISION."
    with (
        tempfile.TemporaryDirectory(prefix="brokenvideos-verify-") as folder,
        asking_the_hub(where, instead=instead),
    ):
        commit = str(api.dataset_info(repo_id, revision=revision).sha)
        tree = tree_of(api, repo_id, commit)
        fetch = partial(_fetch, api, repo_id, commit, where)
        small = sorted(
            path for path, file in tree.items() if file.lfs is None or path in (SUMS, MANIFEST)
        )
        read = {path: fetch(path, Path(folder)) for path in small if path != KEPT}
        findings, sums = _compare(tree, read)
        data_version: str | None = None
        results: dict[str, ShardResult] = {}
        try:
            manifest = read_manifest(folder)
        except ReleaseError as error:
            findings.append(Finding(MANIFEST, str(error).removeprefix(f"{folder}/{MANIFEST}: ")))
        else:
            findings += check_manifest(manifest, sums)
            findings += _compare_manifest(manifest, tree, revision=revision)
            data_version = manifest["data_version"]
            shards = _choose(manifest["shards"], sample, seed=seed)
            for number, shard in enumerate(shards, start=1):
                result = _verify_sampled(shard, manifest, tree, fetch, device=device)
                results[f"{shard['split']} {shard['index']}"] = result
                on_progress("download and verify shards", number, len(shards))
    return HubReport(
        repo_id=repo_id,
        revision=revision,
        commit=commit,
        data_version=data_version,
        num_files=len(tree),
        num_bytes=sum(file.size for file in tree.values()),
        read=tuple(read),
        sampled=tuple(results),
        seed=seed,
        num_videos=sum(result.num_videos for result in results.values()),
        num_masks=sum(result.num_masks for result in results.values()),
        findings=(
            *findings,
            *(finding for result in results.values() for finding in result.findings),
        ),
        others=tuple(
            sorted(path for path in tree.keys() - sums.keys() - {KEPT} if not is_of_a_release(path))
        ),
    )


Fetch = Callable[[str, Path], Path]
"""Downloads a file, given by its path in the repository, into a folder."""


def _fetch(api: "HfApi", repo_id: str, commit: str, where: str, path: str, folder: Path) -> Path:
    call = partial(
        api.hf_hub_download, repo_id, path, repo_type="dataset", revision=commit, local_dir=folder
    )
    return Path(download(call, where=where))


def _compare(
    tree: "Mapping[str, RepoFile]", read: Mapping[str, Path]
) -> tuple[list[Finding], dict[str, str]]:
    """Findings, and the sha256 by path in SHA256SUMS."""
    stored = {path: file.lfs.sha256 for path, file in tree.items() if file.lfs is not None}
    findings = []
    for path, copy in read.items():
        delivered, stated = (
            (_git_blob_id(copy), tree[path].blob_id)
            if path not in stored
            else (file_sha256(copy), stored[path])
        )
        if delivered != stated:
            findings.append(
                Finding(path, f"the Hub delivered {delivered}, its tree says {stated}. Try again.")
            )
        stored.setdefault(path, file_sha256(copy))
    try:
        sums = read_sums(read[SUMS].read_text())
    except (KeyError, ValueError) as error:
        what = "missing" if isinstance(error, KeyError) else f"cannot be read ({error})"
        return [
            *findings,
            Finding(SUMS, f"{what}. Was this revision made by `brokenvideos publish`?"),
        ], {}
    for path in sorted((tree.keys() | sums.keys()) - {SUMS, KEPT}):
        if path not in tree:
            findings.append(
                Finding(path, f"missing on the Hub; {SUMS} lists it. Publish the release again.")
            )
        elif path not in sums:
            if is_of_a_release(path):
                what = (
                    f"not in {SUMS}. A release holds nothing else; remove it from the repository."
                )
                findings.append(Finding(path, what))
        elif stored[path] != sums[path]:
            what = (
                f"SHA-256 is {stored[path]} on the Hub, {SUMS} says {sums[path]}. Publish the "
                "release again."
            )
            findings.append(Finding(path, what))
    return findings, sums


def _compare_manifest(
    manifest: Mapping[str, Any], tree: "Mapping[str, RepoFile]", *, revision: str
) -> Iterator[Finding]:
    stated = {
        file["path"]: file["bytes"] for shard in manifest["shards"] for file in shard["files"]
    }
    for path in sorted(stated.keys() & tree.keys()):
        if tree[path].size != stated[path]:
            what = (
                f"{tree[path].size} bytes on the Hub, {MANIFEST} says {stated[path]}. Publish "
                "the release again."
            )
            yield Finding(path, what)
    version = f"v{manifest['data_version']}"
    if re.fullmatch(r"v\d+\.\d+\.\d+", revision) and revision != version:
        yield Finding(
            MANIFEST,
            f"its data version is {version}, the tag is {revision}. Publish the release under its "
            "own tag.",
        )


def _choose(
    shards: Sequence[Mapping[str, Any]], number: int, *, seed: int
) -> list[Mapping[str, Any]]:
    chosen = random.Random(seed).sample(range(len(shards)), min(number, len(shards)))
    return [shards[index] for index in sorted(chosen)]


def _verify_sampled(
    shard: Mapping[str, Any],
    manifest: Mapping[str, Any],
    tree: "Mapping[str, RepoFile]",
    fetch: Fetch,
    *,
    device: str,
) -> ShardResult:
    """Downloads the files of one shard, checks them and removes them."""
    facts = {video_id: manifest["videos"].get(video_id, {}) for video_id in shard["video_ids"]}
    findings = []
    with tempfile.TemporaryDirectory(prefix="brokenvideos-shard-") as folder:
        for file in shard["files"]:
            path, wanted = file["path"], file["sha256"]
            if path in tree and (delivered := file_sha256(fetch(path, Path(folder)))) != wanted:
                what = (
                    f"the Hub delivered bytes of SHA-256 {delivered}, {MANIFEST} says {wanted}. "
                    "Publish the release again."
                )
                findings.append(Finding(path, what))
        result = verify_shard(
            (Path(folder), dict(shard), facts, None, device, manifest["format_version"])
        )
    return replace(result, findings=(*findings, *result.findings))


def _git_blob_id(path: Path) -> str:
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
