"""The error of a source that cannot be adopted."""


class AdoptError(ValueError):
    """What is wrong with a source, a table or a raw folder, one problem a line."""
