"""The bytes behind a repository: files by SHA-256 in one folder, as an object store keeps them."""

import hashlib
from pathlib import Path


class Store:
    """Objects by SHA-256. What is uploaded without Xet arrives here; what is uploaded with it is
    put here when it is committed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)

    def __contains__(self, sha256: str) -> bool:
        return self.path(sha256).is_file()

    def path(self, sha256: str) -> Path:
        return self.folder / sha256

    def put(self, content: bytes) -> str:
        sha256 = hashlib.sha256(content).hexdigest()
        if sha256 not in self:
            self.path(sha256).write_bytes(content)
        return sha256

    def adopt(self, file: Path, sha256: str) -> bool:
        """Takes a finished file over if its bytes are those of `sha256`; deletes it otherwise."""
        with file.open("rb") as opened:
            right = hashlib.file_digest(opened, "sha256").hexdigest() == sha256
        if right:
            file.replace(self.path(sha256))
        else:
            file.unlink()
        return right
