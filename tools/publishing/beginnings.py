"""Shows hf_xet the beginnings of replaced files, so that any machine sends only what is new."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING

from huggingface_hub import CommitOperationAdd, constants, get_session, hf_hub_url
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils import (  # type: ignore[attr-defined]  # lazy names
    build_hf_headers,
    hf_raise_for_status,
)

from .plan import Plan

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile

LONGEST_CHUNK_BYTES = 128 << 10
"""A chunk of Xet has at most so many bytes (https://huggingface.co/docs/xet/chunking)."""


def show_beginnings(
    api: "HfApi", plan: Plan, tree: Mapping[str, "RepoFile"], *, create_pr: bool
) -> None:
    """Lets hf_xet learn which chunks the Hub holds of the files that the plan replaces or deletes.

    hf_xet asks the Hub for the first chunk of each file that it sends, and for one chunk in about a
    thousand besides. With the answer come the chunks of the whole upload that the chunk was part
    of. So a file that begins otherwise than its predecessor would be sent whole, although nearly
    all of it is there. Therefore the first LONGEST_CHUNK_BYTES of each predecessor are read from
    the Hub and handed to hf_xet as if they were files: it asks for their first chunks and keeps the
    answers. What it sends of them is at most what follows the first chunk, and no commit refers to
    it.

    Args:
        tree: files of the branch by path. A file that the Hub refuses to give is passed over.

    Source: https://huggingface.co/docs/xet/deduplication, Global Deduplication Process.
    """
    changed = {*plan.adds, *plan.deletes}
    replaced = sorted(path for path, file in tree.items() if file.xet_hash and path in changed)
    if not replaced or constants.HF_HUB_DISABLE_XET or find_spec("hf_xet") is None:
        return
    beginnings = {path: _beginning(api, plan, path) for path in replaced}
    shown = [CommitOperationAdd(path, content) for path, content in beginnings.items() if content]
    api.preupload_lfs_files(
        plan.repo_id,
        additions=shown,
        repo_type="dataset",
        revision=plan.revision,
        create_pr=create_pr,
    )


def _beginning(api: "HfApi", plan: Plan, path: str) -> bytes:
    """The first bytes of a file on the Hub; empty if the Hub refuses."""
    url = hf_hub_url(
        plan.repo_id, path, repo_type="dataset", revision=plan.head, endpoint=api.endpoint
    )
    headers = {**build_hf_headers(token=api.token), "Range": f"bytes=0-{LONGEST_CHUNK_BYTES - 1}"}
    content = b""
    with get_session().stream("GET", url, headers=headers, follow_redirects=True) as response:
        try:
            hf_raise_for_status(response)
        except HfHubHTTPError:
            return b""
        for piece in response.iter_bytes():  # a server may pass over the range and send everything
            content += piece
            if len(content) >= LONGEST_CHUNK_BYTES:
                break
    return content[:LONGEST_CHUNK_BYTES]
