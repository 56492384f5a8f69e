"""What the commands of this room say when they cannot go on."""


class GenerateError(ValueError):
    """A model, prompt file or folder that clips cannot be made with; the message says what to do."""
