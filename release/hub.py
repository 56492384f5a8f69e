"""Requests to the Hub; a refusal becomes a one-line message."""

import errno
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from huggingface_hub import constants, errors, get_hf_file_metadata, hf_hub_url

from .error import NotThereError, ReleaseError

_HTTP_ERROR: type[Exception] = vars(errors)["HTTPError"]  # httpx's or httpx2's
_REFUSALS = (_HTTP_ERROR, errors.LocalEntryNotFoundError, ConnectionError)
RETRY_WAITS_S = (1, 2, 4, 8, 8)
"""Waits between tries to download a file. huggingface_hub itself retries its other requests as
often and with the same waits.
"""

UNWRITABLE = (
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOSPC,
    errno.EDQUOT,
    errno.ENOTDIR,
    errno.ENOENT,
)
"""Error numbers of a folder or file that cannot be written."""

Answer = TypeVar("Answer")


def download(call: Callable[[], Answer], *, where: str, instead: str = "") -> Answer:
    """The result of a call that downloads from the Hub.

    The call is repeated up to five times while the Hub is busy or the connection fails.

    Raises:
        ReleaseError: as `asking_the_hub`; the cache cannot be written.
    """
    waits_s = iter(RETRY_WAITS_S)
    while True:
        with asking_the_hub(where, instead=instead):
            try:
                return call()
            except _HTTP_ERROR as error:
                wait_s = next(waits_s, None)
                refused = (
                    isinstance(error, errors.HfHubHTTPError) and error.response.status_code < 500
                )
                if refused or wait_s is None:
                    raise
            except OSError as error:
                if error.errno not in UNWRITABLE:
                    raise
                raise ReleaseError(f"{where}: {no_cache(error)}") from None
        time.sleep(wait_s)


def require_reachable(repo_id: str, *, revision: str, endpoint: str, instead: str) -> None:
    """Requests the manifest of a repository once, with a short timeout in case the Hub cannot be
    reached.

    Raises:
        ReleaseError: no connection. huggingface_hub itself would try for half a minute.
    """
    url = hf_hub_url(
        repo_id, "manifest.json", repo_type="dataset", revision=revision, endpoint=endpoint
    )
    timeouts: Any = _FIRST_CONTACT_TIMEOUTS_S  # annotated as one number; httpx takes the four
    try:
        get_hf_file_metadata(url, token=False, timeout=timeouts, retry_on_errors=False)
    except _HTTP_ERROR as error:
        # Other problems get their own message at the real request.
        if type(error).__name__ in _UNREACHABLE:
            raise ReleaseError(
                f"{repo_id} at revision {revision}: {_refusal(error, instead=instead)}"
            ) from None


_FIRST_CONTACT_TIMEOUTS_S = (1.5, 10, 10, 10)
"""Timeouts to connect, to read, to write, and to wait for a free connection."""
_UNREACHABLE = ("ConnectError", "ConnectTimeout", "ProxyError", "UnsupportedProtocol")


@contextmanager
def asking_the_hub(where: str, *, instead: str = "") -> Iterator[None]:
    """Turns refusals of the Hub inside the block into one line that says what to do.

    Args:
        where: the thing that was requested, for the message.
        instead: a sentence about what else the caller could give.

    Raises:
        NotThereError: the repository has no such revision, or no such file.
        ReleaseError: no such repository, no access, or no answer.
    """
    refusals = _REFUSALS  # after an early stop this runs at interpreter exit, when names are gone
    try:
        yield
    except refusals as error:
        kind = NotThereError if _is_not_there(error) else ReleaseError
        raise kind(f"{where}: {_refusal(error, instead=instead)}") from None


def no_cache(error: OSError) -> str:
    """Turns the error of a cache that cannot be written into a message that says what to do."""
    return (
        f"the Hugging Face cache cannot be written ({error.strerror}: "
        f"{error.filename or constants.HF_HOME}). Set HF_HOME to a writeable folder. "
        "brokenvideos.clips and streaming=True read a local release without a cache."
    )


def _is_not_there(error: BaseException) -> bool:
    if isinstance(error, errors.LocalEntryNotFoundError) and error.__cause__ is not None:
        return _is_not_there(error.__cause__)
    return isinstance(error, errors.RevisionNotFoundError | errors.RemoteEntryNotFoundError)


def _refusal(error: BaseException, *, instead: str) -> str:
    log_in = "Log in with `hf auth login`, or set HF_TOKEN or token=."
    if isinstance(error, errors.GatedRepoError):
        return (
            "a gated repository that you have no access to. Ask for access on the repository's "
            f"page. {log_in}"
        )
    if isinstance(error, errors.RepositoryNotFoundError):
        return f"no such dataset repository, or a private one. {log_in} {instead}".strip()
    if isinstance(error, errors.RevisionNotFoundError):
        return f"the repository has no such revision. {instead}".strip()
    if isinstance(error, errors.RemoteEntryNotFoundError):
        name = str(error.response.url).rpartition("/")[2]
        return f"{name} is missing, so it is not a release. {instead}".strip()
    if isinstance(error, errors.HfHubHTTPError):
        status, reason = (
            error.response.status_code,
            error.server_message or error.response.reason_phrase,
        )
        return (
            f"the Hub answered {status} ({reason}). "
            f"{log_in if status in (401, 403) else 'Try again later.'}"
        )
    if constants.HF_HUB_OFFLINE:
        return f"HF_HUB_OFFLINE is set and the cache does not hold it. {instead}".strip()
    if isinstance(error, errors.LocalEntryNotFoundError) and error.__cause__ is not None:
        return _refusal(error.__cause__, instead=instead)
    return f"the Hub cannot be reached ({type(error).__name__}: {' '.join(str(error).split())}). Try again later. {instead}".strip()
