"""Finds checkpoints of models: a file, a folder, or a repository on the Hub."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from .protocol import EngineError

REACH_S = 10
"""Time limit in seconds for reaching the Hub, so that an error without a network comes soon."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Files of a model on this machine.

    `name` is the given name; for the Hub it has the commit, as in "owner/name@0123abc...".
    """

    name: str
    folder: Path
    weights: tuple[Path, ...]

    def weights_sha256(self) -> str:
        """SHA-256 of the file of weights.

        For several files it is the SHA-256 of a text: their SHA-256 in hexadecimal, one line per
        file, sorted by file name.
        """
        digests = []
        for path in self.weights:
            with path.open("rb") as file:
                digest = sha256()
                while block := file.read(2**20):
                    digest.update(block)
            digests.append(digest.hexdigest())
        return (
            digests[0]
            if len(digests) == 1
            else sha256("".join(f"{line}\n" for line in digests).encode()).hexdigest()
        )


def find_checkpoint(name: str, *, weights: str, others: Sequence[str] = ()) -> Checkpoint:
    """The checkpoint. It is downloaded if it is not in the cache.

    Args:
        name: path of a file of weights or of a folder with them, or the id of a repository on the
            Hub.
        weights: pattern of the files of weights, as in "*.safetensors".
        others: patterns of other necessary files.

    Raises:
        EngineError: it does not exist, or the Hub cannot be reached within REACH_S seconds.
    """
    path = Path(name)
    if path.is_file():
        return Checkpoint(name, path.parent, (path,))
    if path.is_dir():
        return _in_folder(name, path, weights)
    if name.startswith((".", "/", "~")) or name.count("/") != 1:
        raise EngineError(
            f"--checkpoint {name}: no such file or folder. Name one, or a repository on the Hub as "
            "owner/name."
        )
    return _on_hub(name, weights, others)


def _in_folder(name: str, folder: Path, weights: str) -> Checkpoint:
    weight_files = tuple(sorted(folder.glob(weights)))
    if not weight_files:
        raise EngineError(
            f"--checkpoint {name}: no {weights} in this folder. Name a folder that a model was "
            "saved to."
        )
    return Checkpoint(name, folder, weight_files)


def _on_hub(name: str, weights: str, others: Sequence[str]) -> Checkpoint:
    from huggingface_hub import HfApi, errors, snapshot_download

    http_error: type[Exception] = vars(errors)["HTTPError"]  # httpx's or httpx2's
    patterns = [weights, *others]
    try:
        folder = Path(snapshot_download(name, allow_patterns=patterns, local_files_only=True))
        if any(folder.glob(weights)):
            return _in_folder(f"{name}@{folder.name}", folder, weights)
    except errors.LocalEntryNotFoundError:
        pass  # it is not in the cache, so the Hub is asked below
    except errors.HFValidationError as error:
        raise EngineError(
            f"--checkpoint {name}: not the id of a repository. Give a file, a folder or owner/name."
        ) from error
    try:
        HfApi().model_info(name, timeout=REACH_S)
        folder = Path(snapshot_download(name, allow_patterns=patterns))
    except errors.GatedRepoError as error:
        raise EngineError(
            f"--checkpoint {name}: access needs the owner's permission. Ask for it on "
            f"https://huggingface.co/{name}, then run `hf auth login`."
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise EngineError(
            f"--checkpoint {name}: no such file or folder, and no such model on the Hub that you "
            "may see. Check the name."
        ) from error
    except (http_error, errors.OfflineModeIsEnabled, OSError) as error:
        raise EngineError(
            f"--checkpoint {name}: not on this machine, and the Hub cannot be reached "
            f"({_first_line(error)}). Download it where there is a network, `hf download {name} "
            "--local-dir FOLDER`, and name that folder; or use --engine flow, which needs none."
        ) from error
    return _in_folder(f"{name}@{folder.name}", folder, weights)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
