"""Raw annotations -> records -> shards -> manifest; and the proof that a release is what it says."""

from brokenvideos.builder.build import BuildOptions, build
from brokenvideos.builder.check_row import Finding
from brokenvideos.builder.raw import FrameLabels, Problem, RawError, RawVideo
from brokenvideos.builder.verify import VerifyReport, verify

__all__ = [
    "BuildOptions",
    "Finding",
    "FrameLabels",
    "Problem",
    "RawError",
    "RawVideo",
    "VerifyReport",
    "build",
    "verify",
]
