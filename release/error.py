"""The error of an invalid release, and texts for errors of the operating system."""

import errno
from typing import TypeGuard

_ADVICE = {
    errno.ENOENT: "Check the name",
    errno.EACCES: "Change its permissions, or name another",
    errno.EPERM: "Change its permissions, or name another",
    errno.EISDIR: "Name a file",
    errno.ENOTDIR: "Name a folder",
    errno.EEXIST: "Name another, or remove it",
    errno.ENOSPC: "Make room there, and give the same command again",
    errno.EDQUOT: "Make room there, and give the same command again",
    errno.EFBIG: "Make room there, and give the same command again",
    errno.EROFS: "Name a place that can be written",
}


class ReleaseError(ValueError):
    """A release, or one of its shards, that this version cannot read; the message names the file.

    Examples:
        >>> try:
        ...     brokenvideos.load(data_dir="raw", split="train")
        ... except brokenvideos.ReleaseError as error:
        ...     print(str(error).replace(str(Path.cwd()), "."))
        ./raw/manifest.json: not found. A release has one; was this folder made by `brokenvideos build`?
    """


class NotThereError(ReleaseError):
    """A repository that answers, but does not have the requested revision or file."""


def in_words(error: BaseException) -> str:
    """The message of an error; for an OSError the file and the reason, without a number.

    Python says "[Errno 2] No such file or directory: 'nope.txt'", this "nope.txt: no such file or
    directory".
    """
    if not _is_plain(error):
        return str(error)
    names = " to ".join(str(name) for name in (error.filename, error.filename2) if name is not None)
    sentence = str(error.strerror)
    reason = sentence[:1].lower() + sentence[1:]
    return f"{names}: {reason}" if names else reason


def in_words_with_advice(error: BaseException) -> str:
    """`in_words`, followed by what to do if it is an OSError that names a file."""
    advice = (
        _ADVICE.get(error.errno or 0) if _is_plain(error) and error.filename is not None else None
    )
    return in_words(error) if advice is None else f"{in_words(error)}. {advice}."


def _is_plain(error: BaseException) -> TypeGuard[OSError]:
    """Whether it is an error of the operating system, not one of ours with a message."""
    return isinstance(error, OSError) and error.errno is not None and bool(error.strerror)
