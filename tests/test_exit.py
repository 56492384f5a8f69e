"""A process that stops reading early ends with status 0: pyarrow's own iterators abort or hang
there.
"""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

STOPS = int(os.environ.get("EARLY_STOPS", "4"))
"""Processes of each kind."""

SCRIPT = """
import sys
from datasets import load_dataset
import brokenvideos

release, name, workers = sys.argv[1:]
rows = load_dataset("brokenvideos", name, data_dir=release, split="train", streaming=True)
if int(workers):
    from torch.utils.data import DataLoader
    rows = DataLoader(rows, batch_size=None, num_workers=int(workers))
for row in rows:
    print(row["video_id"], flush=True)
    break
"""


@pytest.mark.slow
@pytest.mark.timeout(60 + 10 * STOPS)
@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("name", ["default", "webdataset"])
def test_an_early_stop_ends_cleanly(release: Path, run_process, name: str, workers: int) -> None:
    command = [sys.executable, "-c", SCRIPT, str(release), name, str(workers)]
    with ThreadPoolExecutor(2) as pool:
        ended = list(pool.map(lambda _: run_process(command, timeout_s=60), range(STOPS)))
    assert [(done.returncode, len(done.stdout.split()), done.stderr) for done in ended] == [
        (0, 1, "")
    ] * STOPS
