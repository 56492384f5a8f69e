"""Masks of what is broken in anybody's videos: predictions, a report, and a gate for those who make the videos."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from brokenvideos.tools.prediction.flag import Flag
    from brokenvideos.tools.prediction.model import open_model
    from brokenvideos.tools.prediction.prediction import Report, VideoReport, predict
    from brokenvideos.tools.prediction.videos import PredictError, find_videos

__all__ = ["Flag", "PredictError", "Report", "VideoReport", "find_videos", "open_model", "predict"]

_LEAVES = {
    "Flag": "flag",
    "PredictError": "videos",
    "Report": "prediction",
    "VideoReport": "prediction",
    "find_videos": "videos",
    "open_model": "model",
    "predict": "prediction",
}


def __getattr__(name: str) -> Any:
    # The command line names this package before it knows which command is wanted.
    if name in _LEAVES:
        return getattr(import_module(f"brokenvideos.tools.prediction.{_LEAVES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
