"""The steps that a maintainer must do on the Hub after a withdrawal, because a new version hides a
video but does not remove it.
"""

from pathlib import Path

_STEPS = """\
The video is not gone yet: old tags, branches, pull requests and commits of {repo_id} still serve it. In this order:

1. Publish the release without it, if that is not done:

    brokenvideos publish {out} --repo {repo_id}

2. Remove every older revision, then the files that no revision needs any more. It cannot be undone: older data versions end here,
   and the tag v{data_version} moves to another commit with the same files (its first one has the old commits as parents).

{script}

3. Close pull requests (hf discussions close {repo_id} NUMBER --type dataset): their refs hold what they were based on. If
   api.list_repo_refs(..., include_pull_requests=True) still names some, or `refs/convert/parquet` still has the old rows,
   ask website@huggingface.co to remove them: no call does.

4. Check that nothing is left: brokenvideos verify {repo_id}@v{data_version}, and that the old tags and commits are not found.

5. Tell those who have it. For a gated repository, api.list_accepted_access_requests("{repo_id}", repo_type="dataset") names who was
   let in; for all, api.create_discussion("{repo_id}", title="...", repo_type="dataset"). They run `hf cache rm dataset/{repo_id}`
   and remove datasets' own cache (~/.cache/huggingface/datasets).

What stays out of reach: duplicated repositories, mirrors, and the caches and copies of everybody who has downloaded it. Here:
remove the video from the raw folder (a build with the new release as its parent refuses it), old release folders and backups."""

_SCRIPT = """\
    from pathlib import Path

    from huggingface_hub import HfApi

    api, repo = HfApi(), {{"repo_id": "{repo_id}", "repo_type": "dataset"}}
    refs = api.list_repo_refs(**repo)
    for tag in refs.tags:
        api.delete_tag(tag=tag.name, **repo)
    for branch in refs.branches:
        if branch.name != "main":
            api.delete_branch(branch=branch.name, **repo)
    api.super_squash_history(branch="main", **repo)
    api.create_tag(tag="v{data_version}", revision="main", **repo)
    keep = {{line.split()[0] for line in Path({sums!r}).read_text().splitlines()}}
    old = [file for file in api.list_lfs_files(**repo) if file.file_oid not in keep]
    api.permanently_delete_lfs_files(lfs_files=old, **repo)"""


def hub_steps(out: Path, *, repo_id: str, data_version: str) -> str:
    """The steps as text, with commands and Python to copy.

    Args:
        out: the release without the videos.
        data_version: its version.
    """
    script = _SCRIPT.format(
        repo_id=repo_id, data_version=data_version, sums=str(out / "SHA256SUMS")
    )
    return _STEPS.format(out=out, repo_id=repo_id, data_version=data_version, script=script)
