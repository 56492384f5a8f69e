"""Lists the files at the path of predictions once for all forms."""

from functools import cached_property
from pathlib import Path

from ....builder.raw import RawError, is_litter, read_json


class Place:
    """A file, or a folder with its direct entries except litter. A JSON file is parsed only once.

    Attributes:
        files: the file itself, or the files in the folder, sorted by name.
        folders: the folders in the folder, sorted by name.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._json: dict[Path, object] = {}

    @cached_property
    def files(self) -> tuple[Path, ...]:
        return (
            (self.path,)
            if self.path.is_file()
            else tuple(path for path in self._entries if path.is_file())
        )

    @cached_property
    def folders(self) -> tuple[Path, ...]:
        return tuple(path for path in self._entries if path.is_dir())

    @cached_property
    def _entries(self) -> tuple[Path, ...]:
        if not self.path.is_dir():
            return ()
        return tuple(sorted(path for path in self.path.iterdir() if not is_litter(path.name)))

    def with_suffix(self, suffix: str) -> tuple[Path, ...]:
        """The files with a suffix, in upper or lower case.

        Args:
            suffix: in lower case, with its dot.
        """
        return tuple(path for path in self.files if path.suffix.lower() == suffix)

    def json(self, file: Path) -> object:
        """The value of a JSON file.

        Raises:
            RawError: it cannot be read; the message does not name the file.
        """
        if file not in self._json:
            self._json[file] = read_json(file)
        return self._json[file]

    def peek(self, file: Path) -> object:
        """Like `json`, but None if the file cannot be read."""
        try:
            return self.json(file)
        except RawError:
            return None
