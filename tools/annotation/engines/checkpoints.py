"""Checkpoints of models: a file, a folder, or a repository on the Hub, found or refused at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from .protocol import EngineError

REACH_S = 10
"""Whoever has no network hears so after this time, not after the client's own five tries."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Files of a model on this machine.

    `name`: as it was asked for; of the Hub with the commit, "owner/name@0123abc...".
    """

    name: str
    folder: Path
    weights: tuple[Path, ...]

    def weights_sha256(self) -> str:
        """SHA-256 of the file of weights; of several, that of their SHA-256 in hexadecimal, one line each, by file name."""
        digests = []
        for path in self.weights:
            with path.open("rb") as file:
                digest = sha256()
                while block := file.read(2**20):
                    digest.update(block)
            digests.append(digest.hexdigest())
        return (
            digests[0] if len(digests) == 1 else sha256("".join(f"{line}\n" for line in digests).encode()).hexdigest()
        )


def find_checkpoint(name: str, *, weights: str, others: Sequence[str] = ()) -> Checkpoint:
    """The checkpoint, downloaded where it is not in the cache.

    Args:
        name: path of a file of weights or of a folder with them, or the id of a repository on the Hub.
        weights: pattern of the files of weights, "*.safetensors".
        others: patterns of more files that are needed.

    Raises:
        EngineError: it is not there, or the Hub cannot be reached; after REACH_S seconds at most.
    """
    path = Path(name)
    if path.is_file():
        return Checkpoint(name, path.parent, (path,))
    if path.is_dir():
        return _in_folder(name, path, weights)
    if name.startswith((".", "/", "~")) or name.count("/") != 1:
        raise EngineError(
            f"--checkpoint {name}: no such file or folder. Name one, or a repository on the Hub as owner/name."
        )
    return _on_hub(name, weights, others)


def _in_folder(name: str, folder: Path, weights: str) -> Checkpoint:
    found = tuple(sorted(folder.glob(weights)))
    if not found:
        raise EngineError(f"--checkpoint {name}: no {weights} in this folder. Name a folder that a model was saved to.")
    return Checkpoint(name, folder, found)


def _on_hub(name: str, weights: str, others: Sequence[str]) -> Checkpoint:
    from huggingface_hub import HfApi, errors, snapshot_download

    http_error: type[Exception] = vars(errors)["HTTPError"]  # httpx's or httpx2's
    patterns = [weights, *others]
    try:
        folder = Path(snapshot_download(name, allow_patterns=patterns, local_files_only=True))
        if any(folder.glob(weights)):
            return _in_folder(f"{name}@{folder.name}", folder, weights)
    except errors.LocalEntryNotFoundError:
        pass  # not in the cache: the Hub is asked
    except errors.HFValidationError as error:
        raise EngineError(
            f"--checkpoint {name}: no id of a repository. Name a file, a folder or owner/name."
        ) from error
    try:
        HfApi().model_info(name, timeout=REACH_S)
        folder = Path(snapshot_download(name, allow_patterns=patterns))
    except errors.GatedRepoError as error:
        raise EngineError(
            f"--checkpoint {name}: its owner wants to be asked first. Ask on https://huggingface.co/{name}, then `hf auth login`."
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise EngineError(
            f"--checkpoint {name}: no such file or folder, and no such model on the Hub that you may see. Is the name right?"
        ) from error
    except (http_error, errors.OfflineModeIsEnabled, OSError) as error:
        raise EngineError(
            f"--checkpoint {name}: not on this machine, and the Hub cannot be reached ({_first_line(error)}). Download it where "
            f"there is a network, `hf download {name} --local-dir FOLDER`, and name that folder; "
            "or use --engine flow, which needs none."
        ) from error
    return _in_folder(f"{name}@{folder.name}", folder, weights)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
