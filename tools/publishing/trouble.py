"""Turns errors of the Hub into one line: where it happened, what happened, and what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
from huggingface_hub import get_session
from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled
from huggingface_hub.utils import parse_ratelimit_headers  # type: ignore[attr-defined]  # a lazy name

from ...release import in_words

LONGEST_WAIT_S = 60
"""Longest wait for a Retry-After. If the Hub asks for more, the command ends and names the time."""
LONGEST_SILENCE_S = 300
"""Longest time between two pieces of an answer of the Hub."""
AGAIN = "Run the same command again: it continues from here."
ADVICE = {
    400: "The Hub refused the request. Read its answer, correct the cause and run the same command "
    "again.",
    401: "Log in with `hf auth login`, or set HF_TOKEN, and run the same command again.",
    402: "The account has to pay for this first; then run the same command again.",
    403: "Use a token that may write to this repository (`hf auth login`), or --create-pr, and run "
    "the same command again.",
    404: "Is the name right, and may your token see it? Then run the same command again.",
    409: "Somebody else has made it in the meantime. Run the same command again: it checks again.",
    412: "Somebody else has changed the branch; none of your files is visible. Run the same "
    "command again: it makes a new plan.",
    413: "None of the files is visible. Build the release with fewer shards (--split-shards) and "
    "publish that.",
    429: "Wait as long as it says, or a few minutes. Then run the same command again: it continues "
    "from here.",
}


class PublishError(RuntimeError):
    """A release was not published, or only in part; the same command continues from there."""


class LongWaitError(RuntimeError):
    """The Hub asks for a longer wait than `LONGEST_WAIT_S`."""

    def __init__(self, wait_s: int) -> None:
        super().__init__(f"it asks to wait {wait_s} s")


@contextmanager
def bounded_patience() -> Iterator[None]:
    """Inside the block, limits huggingface_hub to `LONGEST_WAIT_S` between its tries and
    `LONGEST_SILENCE_S` for an answer.

    It tries most requests six times, with up to 8 s or the time of Retry-After between them.
    Without a limit it would wait for an answer for ever. hf_xet has its own limit of 6 minutes.
    """
    session = get_session()
    hooks = session.event_hooks
    session.event_hooks = {
        "request": [*hooks["request"], _refuse_long_silence],
        "response": [*hooks["response"], _refuse_long_waits],
    }
    try:
        yield
    finally:
        session.event_hooks = hooks


def _refuse_long_silence(request: httpx2.Request) -> None:
    given = {
        kind: limit
        for kind, limit in request.extensions.get("timeout", {}).items()
        if limit is not None
    }
    request.extensions["timeout"] = {**httpx2.Timeout(LONGEST_SILENCE_S).as_dict(), **given}


def _refuse_long_waits(response: httpx2.Response) -> None:
    wait_s = _wait_s(response)
    if response.status_code in (429, 503) and wait_s is not None and wait_s > LONGEST_WAIT_S:
        raise LongWaitError(wait_s)


def _wait_s(response: httpx2.Response) -> int | None:
    """Seconds to wait before the next request, from the Hub's `ratelimit` header or Retry-After;
    None if it has neither.
    """
    limit = parse_ratelimit_headers(response.headers)
    if limit is not None and limit.remaining == 0:
        return limit.reset_in_seconds
    after = response.headers.get("Retry-After", "")
    return int(after) if after.isdecimal() else None


@contextmanager
def explained(where: str) -> Iterator[None]:
    """Turns errors of huggingface_hub and hf_xet into a PublishError.

    Args:
        where: repository and step, as in "someone/brokenvideos, sending files".
    """
    try:
        yield
    except PublishError:
        raise
    except (httpx2.HTTPError, OSError, RuntimeError, ValueError) as error:
        raise PublishError(f"{where}: {_explanation(error)}") from error


def _explanation(error: BaseException) -> str:
    if (
        isinstance(error, RuntimeError) and error.__cause__ is not None
    ):  # "Error while uploading …" says no more than that
        return _explanation(error.__cause__)
    if isinstance(error, LongWaitError):
        return (
            f"the Hub has had too many requests and {error}. Wait that long and run the same "
            "command again."
        )
    if isinstance(error, OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE is set. Unset it and run the same command again."
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        wait_s = _wait_s(error.response)
        wait = f", wait {wait_s} s" if wait_s is not None else ""
        return f"the Hub answered {status} ({reason_of(error)}{wait}). {ADVICE.get(status, AGAIN)}"
    if isinstance(error, httpx2.TransportError):
        return f"the connection failed ({type(error).__name__}: {_one_line(error)}). {AGAIN}"
    return f"{type(error).__name__}: {_one_line(in_words(error))}. {AGAIN}"


def reason_of(error: HfHubHTTPError) -> str:
    """The reason that the Hub gives for a refusal, in one line without a full stop."""
    return _one_line(error.server_message or error.response.reason_phrase)


def _one_line(text: object) -> str:
    return " ".join(str(text).split()).rstrip(".")
