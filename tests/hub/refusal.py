"""A request that the Hub refuses."""

from collections.abc import Mapping


class Refusal(Exception):  # noqa: N818  the word for an answer
    """An answer with an error: status, message, and the code by which the client picks its
    exception.

    The client reads X-Error-Code, X-Error-Message and the `error` of a JSON body
    (hf_raise_for_status in utils/_http.py).
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        # A header is one line; a longer message is in the body alone.
        self.headers = {
            **({} if "\n" in message else {"X-Error-Message": message}),
            **({"X-Error-Code": code} if code else {}),
            **(headers or {}),
        }
