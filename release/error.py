"""The error of a release that is not what it should be."""


class ReleaseError(ValueError):
    """A release, or a shard of one, that is not what this version reads; the message names the file."""


class NotThereError(ReleaseError):
    """A repository that is reached, and has not the revision or the file that is asked for."""
