"""The error of the commands of this room."""


class GenerateError(ValueError):
    """A model, prompt file or folder that cannot be used to make clips; the message says what to
    do.
    """


def first_line(error: BaseException) -> str:
    """The message of a library's error, in one line without a full stop; the error's name if it has
    no message.
    """
    return next(
        (line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__
    ).rstrip(".")
