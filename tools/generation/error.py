"""What the commands of this room say when they cannot go on."""


class GenerateError(ValueError):
    """A model, prompt file or folder that clips cannot be made with; the message says what to do."""


def first_line(error: BaseException) -> str:
    """What an error of a library says, in one line without a full stop; its name where it says nothing."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__).rstrip(".")
