from .building import BuildOptions as BuildOptions, build as build, left_out as left_out
from .check_row import Finding as Finding
from .differences import ReleaseDiff as ReleaseDiff, diff as diff, version_of as version_of
from .errata import Returning as Returning, contents_of as contents_of, returning as returning
from .manifest import read_sums as read_sums, sums_bytes as sums_bytes
from .raw import (
    FrameLabels as FrameLabels,
    Problem as Problem,
    RawError as RawError,
    RawVideo as RawVideo,
)
from .rebuilding import RebuildReport as RebuildReport, rebuild as rebuild
from .verification import (
    ShardResult as ShardResult,
    VerifyReport as VerifyReport,
    check_manifest as check_manifest,
    verify as verify,
    verify_raw as verify_raw,
    verify_row as verify_row,
    verify_shard as verify_shard,
)
from .withdrawal import Twins as Twins, withdraw as withdraw
from .work import BuildError as BuildError, WorkerError as WorkerError
