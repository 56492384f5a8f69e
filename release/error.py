"""The error of a release that is not what it should be."""


class ReleaseError(ValueError):
    """A release, or a shard of one, that is not what this version reads; the message names the file.

    Examples:
        >>> try:
        ...     brokenvideos.load(data_dir="raw", split="train")
        ... except brokenvideos.ReleaseError as error:
        ...     print(str(error).replace(str(Path.cwd()), "."))
        ./raw/manifest.json: not found. A release has one; was this folder made by `brokenvideos build`?
    """
