"""A warm program is what `python` makes of the same words: output, status, main module, folder,
environment, signals.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

CODES = {
    "words": "import sys; print(sys.argv, sys.path[0] == '', __name__)",
    "status": "import sys; print('out'); print('err', file=sys.stderr); sys.exit(7)",
    "message": "import sys; sys.exit('no')",
    "error": "1 / 0",
    "folder": "import os; print(os.getcwd(), os.environ['NAME'], sorted(os.environ))",
    "end": "import atexit, threading; atexit.register(print, 'last'); threading.Timer(0.1, print, "
    "['thread']).start()",
    "signal": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "input": "import sys; print(repr(sys.stdin.read()), sys.stdin.isatty())",
    "leader": "import os; print(os.getsid(0) == os.getpid())",
}


@pytest.mark.parametrize("name", CODES)
def test_code_runs_as_python_runs_it(run_process, run_warm, tmp_path: Path, name: str) -> None:
    command = [sys.executable, "-c", CODES[name], "one", "two"]
    env = os.environ | {"NAME": "value"}
    real, warm = (run(command, cwd=tmp_path, env=env) for run in (run_process, run_warm))
    assert (warm.returncode, warm.stdout) == (real.returncode, real.stdout)
    assert warm.stderr.splitlines()[-1:] == real.stderr.splitlines()[-1:]


def test_a_script_runs_as_python_runs_it(run_process, run_warm, tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("word = 'beside'")
    script = tmp_path / "script.py"
    script.write_text("import sys, beside; print(beside.word, sys.argv, __file__, __name__)")
    real, warm = (run([sys.executable, str(script), "one"]) for run in (run_process, run_warm))
    assert (warm.returncode, warm.stdout, warm.stderr) == (
        real.returncode,
        real.stdout,
        real.stderr,
    )


def test_two_programs_share_nothing_that_one_of_them_changes(run_warm) -> None:
    change = "import brokenvideos, datasets; datasets.changed = brokenvideos.changed = True"
    look = (
        "import brokenvideos, datasets; print(hasattr(datasets, 'changed'), "
        "hasattr(brokenvideos, 'changed'))"
    )
    assert run_warm([sys.executable, "-c", change]).returncode == 0
    assert run_warm([sys.executable, "-c", look]).stdout == "False False\n"


def test_one_that_hangs_is_ended_with_what_it_started(run_warm) -> None:
    code = (
        "import subprocess, time; print(subprocess.Popen(['sleep', '60']).pid, flush=True); "
        "time.sleep(60)"
    )
    with pytest.raises(subprocess.TimeoutExpired):
        run_warm([sys.executable, "-c", code], timeout_s=1)


def test_it_can_be_asked_and_ended_while_it_runs(warm) -> None:
    program = warm.start_talking(
        [sys.executable, "-c", "import time; print('here', flush=True); time.sleep(60)"]
    )
    with program.stdout:
        assert program.stdout.readline() == "here\n"
        assert program.poll() is None
        program.kill()
        assert program.wait(20) == program.poll() == -signal.SIGKILL
        assert program.stdout.read() == ""


def test_settings_that_were_read_already_are_refused(run_warm) -> None:
    with pytest.raises(ValueError) as caught:
        run_warm([sys.executable, "-c", ""], env=os.environ | {"HF_HOME": "elsewhere"})
    assert (
        str(caught.value)
        == "a warm program has the libraries' settings as they are, not its own ['HF_HOME']"
    )


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="the system has no pidfd_open")
def test_it_ends_with_the_process_that_started_it(warm, tmp_path: Path) -> None:
    with (tmp_path / "said").open("w+") as said:
        program = warm.start(
            [sys.executable, "-c", "import time; print(1, flush=True); time.sleep(60)"],
            stdout=said,
            stderr=said,
        )
        while not (tmp_path / "said").read_text():
            time.sleep(0.01)
        program._link.close()
        until = time.monotonic() + 30
        while Path(f"/proc/{program.pid}").exists() and time.monotonic() < until:
            time.sleep(0.01)
        assert not Path(f"/proc/{program.pid}").exists()
