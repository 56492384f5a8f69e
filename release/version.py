"""The version of the code, of the data it was written for, and of the format it writes."""

__version__ = "0.2.0"
"""The version of the code, as in `brokenvideos --version`.

Examples:
    >>> brokenvideos.__version__.count(".")
    2
"""

DATA_VERSION = "1.0.0"
"""The data version that this code was written for: what `load` reads from the Hub unless told
otherwise.

Examples:
    >>> brokenvideos.read_manifest("release")["data_version"] == brokenvideos.DATA_VERSION
    True
"""

FORMAT_VERSION = 2
"""The format that this code writes; it reads the earlier ones too.

Examples:
    >>> brokenvideos.read_manifest("release")["format_version"] == brokenvideos.FORMAT_VERSION
    True
"""
