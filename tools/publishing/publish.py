"""Publishes a release: uploads the files that the Hub lacks, then makes one commit and one tag at
that commit.

Before the commit no change is visible. Before the tag the version's name does not exist, so a tag
never names a half-published release. Every step first checks the repository. If a run stops at any
point, the same command continues it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ...builder import verify
from ...builder.work import Progress, no_progress
from ...release import REPO_ID, __version__, is_repo_id, read_manifest
from .held import check_held
from .plan import LocalFile, Plan, Seen, differing, look, plan_for, release_files, tree_of
from .rights import NO_TOKEN, lacking
from .trouble import PublishError, bounded_patience, explained

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd, HfApi

BATCH_BYTES = 128 * 2**20
"""Files are uploaded in batches of about this size; an interrupted batch may be uploaded again as a
whole.
"""
NEWEST_PULL_REQUESTS = 10
"""Number of pull requests that are checked for one with the same proposal."""

Status = Literal["planned", "already published", "published", "proposed", "not tagged"]


@dataclass(frozen=True, slots=True)
class Published:
    """The result of `publish`.

    Attributes:
        status: "planned": a dry run, nothing changed; "already published": the tag holds exactly
            this release, nothing changed; "published"; "proposed": a pull request exists; "not
            tagged": the branch holds this release already, and a pull request cannot make a tag, so
            nothing changed.
        commit: the commit that holds the release; None if there is none.
        pull_request: the address of the pull request.
        lacks: in a dry run, the permission that the token lacks; None: no lack was found.
    """

    status: Status
    plan: Plan
    commit: str | None = None
    pull_request: str | None = None
    lacks: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), "plan": self.plan.to_dict()}

    def lines(self) -> Iterator[str]:
        """The result as text for people."""
        plan, commit = self.plan, (self.commit or "")[:12]
        if self.status == "planned":
            yield from plan.lines()
            if self.lacks is not None:
                yield f"The Hub would refuse it: {self.lacks}"
            yield "Nothing was changed: a dry run."
        elif self.status == "already published":
            yield (
                f"{plan.repo_id}: already published; {plan.tag} (commit {commit}) holds exactly "
                "this release."
            )
        elif self.status == "proposed":
            yield (
                f"{plan.repo_id}: proposed in {self.pull_request}. After the merge, publish "
                "again without --create-pr to tag it."
            )
        elif self.status == "not tagged":
            yield (
                f"{plan.repo_id}: {plan.revision} holds this release. Publish without "
                f"--create-pr to make the tag {plan.tag}."
            )
        else:
            yield (
                f"{plan.repo_id}: published {plan.tag} (commit {commit}): {len(plan.adds)} files "
                f"added ({plan.num_bytes / 1e6:.1f} MB), {len(plan.keeps)} kept, "
                f"{len(plan.deletes)} deleted. Next: brokenvideos verify {plan.repo_id}@{plan.tag}"
            )
            yield from plan.lines_of_others()


def publish(
    release: Path,
    *,
    repo_id: str,
    revision: str = "main",
    create_pr: bool = False,
    private: bool = False,
    gated: bool = False,
    dry_run: bool = False,
    roll_back: bool = False,
    bring_back: Collection[str] = (),
    delete_others: bool = False,
    workers: int = 1,
    on_progress: Progress = no_progress,
) -> Published:
    """Makes a branch of a dataset repository equal to a release, and tags it with v and the data
    version, as in v1.0.0.

    The release is verified first, as `builder.verify` does. The token is the one that
    huggingface_hub finds.

    Args:
        repo_id: OWNER/NAME. The repository is made if it does not exist.
        revision: the branch.
        create_pr: propose the change in a pull request instead, without a tag.
        private, gated: make the repository private or gated before the upload; False leaves it as
            it is.
        dry_run: only report what would be done.
        roll_back: allow to replace the branch's release by an older one, or by one that was not
            made from it.
        bring_back: ids of withdrawn videos, or of copies of them, that come back on purpose.
        delete_others: delete files in the repository that belong to no release; otherwise they
            stay.

    Raises:
        PublishError: the release has findings, the tag holds something else, the release would undo
            a published one, or the Hub refuses or does not answer. The same command continues from
            there.
        ReleaseError: `release` is not a release.
    """
    if not is_repo_id(repo_id):
        raise PublishError(f"repository {repo_id!r}: wanted OWNER/NAME, as in {REPO_ID}.")
    from huggingface_hub import HfApi, get_token

    if get_token() is None and not dry_run:
        raise PublishError(f"{repo_id}: {NO_TOKEN}")
    manifest = read_manifest(str(release))
    tag = f"v{manifest['data_version']}"
    files = release_files(release)
    api = HfApi(library_name="brokenvideos", library_version=__version__)
    looking = partial(look, api, repo_id, revision=revision, tag=tag)
    planning = partial(
        plan_for,
        files,
        repo_id=repo_id,
        revision=revision,
        tag=tag,
        private=private,
        gated=gated,
        delete_others=delete_others,
    )
    compare = partial(
        check_held,
        api,
        manifest,
        repo_id=repo_id,
        revision=revision,
        roll_back=roll_back,
        bring_back=bring_back,
    )
    with bounded_patience():
        with explained(f"{repo_id}, looking it up"):
            seen = looking()
        plan = planning(seen)
        if seen.tag is not None and (wrong := differing(files, seen.tag_tree)):
            raise PublishError(
                f"{repo_id}: {tag} exists already with other files ({len(wrong)} files differ, the "
                f"first is {wrong[0]}). A published version stays as it is: build the release "
                "again with a later --data-version."
            )
        if seen.tag is None:
            compare(seen)
        _verified(release, workers=workers, on_progress=on_progress)
        if seen.tag is not None:
            return Published("already published", plan, seen.tag)
        if dry_run:
            with explained(f"{repo_id}, checking what the token may do"):
                lacks = lacking(api, repo_id, exists=not plan.creates, create_pr=create_pr)
            return Published("planned", plan, lacks=lacks)
        if plan.creates or plan.private or plan.gated:
            if create_pr and plan.creates:
                raise PublishError(
                    f"{repo_id}: no such repository, so a change to it cannot be proposed. Leave "
                    "out --create-pr."
                )
            _prepare(api, plan)
            with explained(f"{repo_id}, looking it up"):
                seen = looking()
            compare(seen)  # somebody may have published in the meantime
            plan = replace(
                planning(seen), creates=plan.creates, private=plan.private, gated=plan.gated
            )
        if create_pr:
            return _propose(api, files, plan, seen, on_progress=on_progress)
        commit = plan.head
        if plan.changes_files:
            commit, _ = _commit(api, files, plan, seen, create_pr=False, on_progress=on_progress)
        _tag(api, files, plan, str(commit))
        return Published("published", plan, commit)


def _verified(release: Path, *, workers: int, on_progress: Progress) -> None:
    report = verify(release, workers=workers, on_progress=on_progress)
    if not report.ok:
        raise PublishError(
            f"{release}: not published, it has {len(report.findings)} findings; the first: "
            f"{report.findings[0]} All of them: brokenvideos verify {release}"
        )


def _prepare(api: "HfApi", plan: Plan) -> None:
    """Makes the repository, and sets who may read it while it is still empty."""
    if plan.creates:
        with explained(f"{plan.repo_id}, making it"):
            api.create_repo(plan.repo_id, repo_type="dataset", private=plan.private or None)
    if plan.gated or (plan.private and not plan.creates):
        with explained(f"{plan.repo_id}, setting who may read it"):
            api.update_repo_settings(
                plan.repo_id,
                repo_type="dataset",
                private=plan.private or None,
                gated="auto" if plan.gated else None,
            )


def _commit(
    api: "HfApi",
    files: Mapping[str, LocalFile],
    plan: Plan,
    seen: Seen,
    *,
    create_pr: bool,
    on_progress: Progress,
) -> tuple[str, str | None]:
    """Uploads the files and makes the commit. Returns its id, and the address of the pull request
    if there is one.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    from .beginnings import show_beginnings

    with explained(f"{plan.repo_id}, asking for what it holds"):
        show_beginnings(api, plan, seen.tree, create_pr=create_pr)
    with _files_stay([files[path].path for path in plan.adds]):
        adds = [CommitOperationAdd(path, str(files[path].path)) for path in plan.adds]
        num_sent = 0
        for batch in _batches(adds, plan.adds):
            more = f" and {len(batch) - 1} more" if len(batch) > 1 else ""
            with explained(f"{plan.repo_id}, sending {batch[0].path_in_repo}{more}"):
                api.preupload_lfs_files(
                    plan.repo_id,
                    additions=batch,
                    repo_type="dataset",
                    revision=plan.revision,
                    create_pr=create_pr,
                    free_memory=False,
                )
            num_sent += len(batch)
            on_progress("send files", num_sent, len(adds))
        for add in adds:
            if add.upload_info.sha256.hex() != files[add.path_in_repo].sha256:
                raise PublishError(
                    f"{files[add.path_in_repo].path}: it changed during the upload. Nothing is "
                    "visible. Verify the release, then publish it."
                )
        deletes = [CommitOperationDelete(path, is_folder=False) for path in plan.deletes]
        with explained(f"{plan.repo_id}, committing to {plan.revision}"):
            made = api.create_commit(
                plan.repo_id,
                [*adds, *deletes],
                commit_message=f"Release {plan.tag}",
                repo_type="dataset",
                revision=plan.revision,
                parent_commit=plan.head,
                create_pr=create_pr,
            )
    return made.oid, made.pr_url


@contextmanager
def _files_stay(paths: Sequence[Path]) -> Iterator[None]:
    """Turns the error of a missing release file into one that names it."""
    try:
        yield
    except (OSError, RuntimeError, ValueError) as error:
        missing = next((path for path in paths if not path.is_file()), None)
        if missing is None:
            raise
        raise PublishError(
            f"{missing}: missing since the release was verified. Nothing is visible. Build or "
            "download the release again, then publish it."
        ) from error


def _batches(
    adds: Sequence["CommitOperationAdd"], num_bytes: Mapping[str, int]
) -> Iterator[list["CommitOperationAdd"]]:
    batch: list[CommitOperationAdd] = []
    for add in adds:
        batch.append(add)
        if sum(num_bytes[one.path_in_repo] for one in batch) >= BATCH_BYTES:
            yield batch
            batch = []
    if batch:
        yield batch


def _tag(api: "HfApi", files: Mapping[str, LocalFile], plan: Plan, commit: str) -> None:
    """Tags the commit with the version, after the Hub has confirmed that it holds exactly the
    release.
    """
    with explained(f"{plan.repo_id}, comparing commit {commit[:12]}"):
        wrong = differing(files, tree_of(api, plan.repo_id, commit))
    if wrong:
        raise PublishError(
            f"{plan.repo_id}: commit {commit[:12]} is not the release ({len(wrong)} files differ, "
            f"the first is {wrong[0]}), so it was not tagged. Run the same command again."
        )
    with explained(f"{plan.repo_id}, tagging commit {commit[:12]}"):
        api.create_tag(
            plan.repo_id,
            tag=plan.tag,
            tag_message=f"Release {plan.tag}",
            revision=commit,
            repo_type="dataset",
        )


def _propose(
    api: "HfApi", files: Mapping[str, LocalFile], plan: Plan, seen: Seen, *, on_progress: Progress
) -> Published:
    """Opens a pull request, unless an open one has exactly the same proposal."""
    if not plan.changes_files:
        return Published("not tagged", plan, plan.head)
    for ref in seen.pull_requests[:NEWEST_PULL_REQUESTS]:
        with explained(f"{plan.repo_id}, looking at {ref}"):
            if differing(files, tree_of(api, plan.repo_id, ref)):
                continue
            discussion = api.get_discussion_details(
                plan.repo_id, int(ref.rpartition("/")[2]), repo_type="dataset"
            )
        if discussion.status in ("open", "draft"):
            return Published("proposed", plan, None, discussion.url)
    commit, address = _commit(api, files, plan, seen, create_pr=True, on_progress=on_progress)
    return Published("proposed", plan, commit, address)
