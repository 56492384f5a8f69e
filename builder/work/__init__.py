"""Work that can be interrupted: files that are complete or absent, engines that run tasks, receipts
of finished work, the work folder.

In: tasks and bytes. Out: results in order, complete files. Everything that writes a release, and
tools that write files, call it.
"""

from .atomic import atomic_file, link_or_copy, naming, partial_name, sync_folder, write_atomic
from .engine import Progress, WorkerError, executor_of, no_progress, run_tasks
from .engines import ENGINES, import_ahead
from .folders import check_free, put_in_place, take_place, whole_folder
from .hashing import file_sha256
from .receipts import Receipt, finished, key_of, write_receipt
from .work_folder import BuildError, work_folder, work_folder_of

__all__ = [
    "ENGINES",
    "BuildError",
    "Progress",
    "Receipt",
    "WorkerError",
    "atomic_file",
    "check_free",
    "executor_of",
    "file_sha256",
    "finished",
    "import_ahead",
    "key_of",
    "link_or_copy",
    "naming",
    "no_progress",
    "partial_name",
    "put_in_place",
    "run_tasks",
    "sync_folder",
    "take_place",
    "whole_folder",
    "work_folder",
    "work_folder_of",
    "write_atomic",
    "write_receipt",
]
