"""Raw annotations -> records -> shards -> manifest; and the proof that a release is what it says."""

from brokenvideos.builder.build import BuildOptions, build, left_out
from brokenvideos.builder.check_row import Finding
from brokenvideos.builder.diff import ReleaseDiff, diff
from brokenvideos.builder.engine import WorkerError
from brokenvideos.builder.raw import FrameLabels, Problem, RawError, RawVideo
from brokenvideos.builder.rebuild import RebuildReport, rebuild
from brokenvideos.builder.verify import VerifyReport, verify
from brokenvideos.builder.withdraw import withdraw
from brokenvideos.builder.work_folder import BuildError

__all__ = [
    "BuildError",
    "BuildOptions",
    "Finding",
    "FrameLabels",
    "Problem",
    "RawError",
    "RawVideo",
    "RebuildReport",
    "ReleaseDiff",
    "VerifyReport",
    "WorkerError",
    "build",
    "diff",
    "left_out",
    "rebuild",
    "verify",
    "withdraw",
]
