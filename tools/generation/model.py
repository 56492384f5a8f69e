"""Finds a text-to-video model of diffusers by name, pins its revision, and loads it."""

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...builder.work import file_sha256
from ...release import parse_json
from .error import GenerateError, first_line

INDEX = "model_index.json"
DTYPES = ("float32", "bfloat16", "float16")
COMMIT = re.compile(r"[0-9a-f]{40}")
WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".gguf")
_LENGTH_ARGUMENTS = ("num_frames", "video_length")
INSTALL = "Install the extra `generate` in a checkout: pip install '.[generate]'."


@dataclass(frozen=True, slots=True)
class Model:
    """A model that is found but not loaded. A folder has no revision; its files are hashed
    instead.
    """

    model_id: str
    """The Hub's id, or the folder's name. Records are published, so they must not hold paths."""
    revision: str | None
    """The commit on the Hub, 40 hex digits."""
    folder: Path | None
    """The model's folder; None for a model on the Hub."""
    pipeline: str
    """Name of the class in diffusers."""
    components: tuple[str, ...]
    """Folders of the pipeline's components."""

    @property
    def version(self) -> str:
        """The name of the model in a row."""
        return self.model_id if self.revision is None else f"{self.model_id}@{self.revision}"


def find_model(name: str, *, pipeline: str | None = None) -> Model:
    """The model with this name: ID, ID@REVISION or a folder. A branch or tag is resolved to its
    current commit.

    Raises:
        GenerateError: the model does not exist, is not a diffusers model, or is not text-to-video.
    """
    folder = Path(name)
    if folder.is_dir():
        model_id, revision, index = folder.resolve().name, None, _read_index(folder / INDEX, name)
    else:
        model_id, _, wanted = name.partition("@")
        revision, index = _on_hub(model_id, wanted or "main", name=name)
    class_name = pipeline or index.get("_class_name")
    pipeline_class(str(class_name), name=name)
    parts = tuple(
        sorted(
            key for key, value in index.items() if not key.startswith("_") and _is_component(value)
        )
    )
    return Model(model_id, revision, folder if revision is None else None, str(class_name), parts)


def pipeline_class(class_name: str, *, name: str) -> Any:
    """The class of diffusers, which needs only a prompt and gives frames.

    Raises:
        GenerateError: diffusers is not installed, has no such class, or the class makes something
            else.
    """
    diffusers = import_diffusers()
    cls = getattr(diffusers, class_name, None)
    if not (isinstance(cls, type) and issubclass(cls, diffusers.DiffusionPipeline)):
        raise GenerateError(
            f"{name}: its pipeline {class_name!r} is not in diffusers {diffusers.__version__}. "
            "Name one with --pipeline, or install a newer diffusers."
        )
    parameters = inspect.signature(cls.__call__).parameters
    needed = [
        key
        for key, value in parameters.items()
        if value.default is value.empty and key not in ("self", "prompt")
    ]
    needed = [key for key in needed if parameters[key].kind is not inspect.Parameter.VAR_KEYWORD]
    lengths = [key for key in _LENGTH_ARGUMENTS if key in parameters]
    if "prompt" not in parameters or not lengths:
        raise GenerateError(
            f"{name}: {class_name} does not make videos from text. Give a text-to-video model."
        )
    # A pipeline that accepts an image or a video can also make videos from text; one that accepts
    # only an image needs it.
    if needed or ("image" in parameters and "video" not in parameters):
        raise GenerateError(
            f"{name}: {class_name} needs {', '.join(needed) or 'image'} beside the prompt. Give a "
            "text-to-video model."
        )
    return cls


def import_diffusers() -> Any:
    """The module `diffusers`.

    Raises:
        GenerateError: diffusers is not installed.
    """
    try:
        import diffusers
    except ImportError as error:
        raise GenerateError(f"making clips needs diffusers ({error}). {INSTALL}") from None
    return diffusers


def load_pipeline(
    model: Model, *, dtype: str, device: str, offload: bool = False
) -> tuple[Any, Path]:
    """The pipeline on its device, without progress bars, and the folder of its files. Missing files
    are downloaded.

    Args:
        offload: keep only the component in use on the device. This is slower and needs less memory.

    Raises:
        GenerateError: the files cannot be downloaded or read, or a package that the model needs is
            missing.
    """
    import torch
    from transformers.utils import logging as transformers_logging

    diffusers = import_diffusers()
    diffusers.utils.logging.disable_progress_bar()
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    made = pipeline_class(model.pipeline, name=model.model_id)
    try:
        folder = model.folder or Path(made.download(model.model_id, revision=model.revision))
        pipeline = made.from_pretrained(str(folder), dtype=getattr(torch, dtype))
    except ImportError as error:
        raise GenerateError(f"{model.version}: {first_line(error)}. {INSTALL}") from error
    except (OSError, ValueError) as error:
        raise GenerateError(f"{model.version}: cannot be loaded ({first_line(error)}).") from error
    pipeline.set_progress_bar_config(disable=True)
    if offload:
        pipeline.enable_model_cpu_offload(device=device)
    else:
        pipeline.to(device)
    return pipeline, folder


def file_hashes(model: Model, folder: Path) -> dict[str, dict[str, str]]:
    """{"configs": SHA-256 by path} of all files except weights; for a model without a revision also
    {"weights": ...}.
    """
    paths = [
        folder / INDEX,
        *(path for part in model.components for path in sorted((folder / part).rglob("*"))),
    ]
    files = {path.relative_to(folder).as_posix(): path for path in paths if path.is_file()}
    hashes = {
        "configs": {
            name: file_sha256(path) for name, path in files.items() if path.suffix not in WEIGHTS
        }
    }
    if model.revision is None:
        hashes["weights"] = {
            name: file_sha256(path) for name, path in files.items() if path.suffix in WEIGHTS
        }
    return hashes


def _is_component(value: Any) -> bool:
    return (
        isinstance(value, list) and len(value) == 2 and all(isinstance(item, str) for item in value)
    )


def _read_index(path: Path, name: str) -> Mapping[str, Any]:
    try:
        index = parse_json(path.read_bytes())
    except FileNotFoundError:
        raise GenerateError(f"{name}: no {INDEX} in it, so it is not a diffusers model.") from None
    except ValueError as error:
        raise GenerateError(f"{name}: {INDEX} is not JSON ({error}).") from None
    if not isinstance(index, dict):
        raise GenerateError(f"{name}: {INDEX} is not a JSON object.")
    return index


def _on_hub(model_id: str, wanted: str, *, name: str) -> tuple[str, Mapping[str, Any]]:
    """The commit and the model_index.json of a Hub repository."""
    from huggingface_hub import HfApi, errors, hf_hub_download

    try:
        revision = (
            wanted
            if COMMIT.fullmatch(wanted)
            else HfApi().model_info(model_id, revision=wanted).sha
        )
        if revision is None:
            raise GenerateError(
                f"{name}: the Hub names no commit of {wanted}. Give 40 hex digits after @."
            )
        return revision, _read_index(
            Path(hf_hub_download(model_id, INDEX, revision=revision)), name
        )
    except (errors.HFValidationError, errors.RepositoryNotFoundError):
        problem = "no such folder here, and no such model on the Hub that you can see"
    except errors.RevisionNotFoundError:
        problem = f"the Hub's model has no revision {wanted!r}"
    except errors.RemoteEntryNotFoundError:
        problem = (
            f"no {INDEX} in it, so it is not a diffusers model; many have a second "
            "repository whose name ends in -Diffusers"
        )
    except (errors.HfHubHTTPError, errors.LocalEntryNotFoundError, OSError) as error:
        problem = (
            f"the Hub cannot be asked ({first_line(error)}); offline, give a downloaded "
            "model's 40 hex digits after @"
        )
    raise GenerateError(f"{name}: {problem}. Give a folder, ID or ID@REVISION.")
