"""Raw annotations -> records -> shards -> manifest; and the proof that a release is what it says."""

from .build import BuildOptions, build, check_free, left_out
from .check_row import Finding
from .diff import ReleaseDiff, diff, version_of
from .errata import Returning, contents_of, returning
from .ingest import name_of_video, read_video
from .manifest import MANIFEST, SUMS, read_sums, sums_bytes
from .raw import FrameLabels, Problem, RawError, RawVideo
from .rebuild import RebuildReport, rebuild
from .verify import ShardResult, VerifyReport, check_manifest, verify, verify_raw, verify_row, verify_shard
from .withdraw import Twins, withdraw
from .work import BuildError, WorkerError

__all__ = [
    "MANIFEST",
    "SUMS",
    "BuildError",
    "BuildOptions",
    "Finding",
    "FrameLabels",
    "Problem",
    "RawError",
    "RawVideo",
    "RebuildReport",
    "ReleaseDiff",
    "Returning",
    "ShardResult",
    "Twins",
    "VerifyReport",
    "WorkerError",
    "build",
    "check_free",
    "check_manifest",
    "contents_of",
    "diff",
    "left_out",
    "name_of_video",
    "read_sums",
    "read_video",
    "rebuild",
    "returning",
    "sums_bytes",
    "verify",
    "verify_raw",
    "verify_row",
    "verify_shard",
    "version_of",
    "withdraw",
]
