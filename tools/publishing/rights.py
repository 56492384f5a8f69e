"""Checks what a token may do before anything is uploaded, so that a dry run can report what the Hub
would refuse.
"""

from typing import TYPE_CHECKING

from .trouble import ADVICE, reason_of

if TYPE_CHECKING:
    from huggingface_hub import HfApi

NO_TOKEN = "no Hugging Face token was found. Log in with `hf auth login`, or set HF_TOKEN."


def lacking(api: "HfApi", repo_id: str, *, exists: bool, create_pr: bool) -> str | None:
    """The permission that the token lacks to publish to a repository, in one line; None if no lack
    can be seen beforehand.

    Args:
        exists: True if the repository exists; otherwise it would be made.
        create_pr: True for a pull request, which needs no permission for the repository itself.

    Raises:
        HfHubHTTPError: the Hub's answer is an error of another kind than a missing permission.
    """
    from huggingface_hub import get_token
    from huggingface_hub.errors import HfHubHTTPError

    if get_token() is None:
        return NO_TOKEN
    try:
        if exists and not create_pr:
            api.auth_check(repo_id, repo_type="dataset", write=True)
            return None
        person = api.whoami()
    except HfHubHTTPError as error:
        status = error.response.status_code
        if status not in (401, 403):
            raise
        return f"the Hub answered {status} ({reason_of(error)}). {ADVICE[status]}"
    if person.get("auth", {}).get("accessToken", {}).get("role") == "read":
        return f"the token of {person['name']} may only read. {ADVICE[403]}"
    owner = repo_id.partition("/")[0]
    owners = {person["name"], *(organization["name"] for organization in person.get("orgs", ()))}
    if not exists and owner not in owners:
        return (
            f"{person['name']} is not {owner} and belongs to no organization of that name. "
            f"{ADVICE[403]}"
        )
    return None
