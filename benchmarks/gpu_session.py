"""The steps of benchmarks/gpu_session.sh, which says how to run them: tests, masks, verify,
training, prediction.

    python benchmarks/gpu_session.py OUT        (DEVICE=cpu: on the processor, with tiny inputs)

Every step is a process with a limit of its own. OUT/session.json has date, device, versions,
commit, and of each step its seconds, figures and, where it failed, what it said last; it is written
anew after each step, so that it holds what was measured whatever comes after. Ends with status 0
where every step did what it should; an aim that is missed is a figure and no failure.
"""

import argparse
import contextlib
import importlib.metadata
import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

HERE = Path(__file__).resolve().parent
BROKENVIDEOS = [sys.executable, "-c", "from brokenvideos.tools.commands.main import main; main()"]
PACKAGES = (
    "torch",
    "triton",
    "numpy",
    "pyarrow",
    "av",
    "datasets",
    "transformers",
    "accelerate",
    "torchdata",
)

DEVICE_FACTS = """
import json, torch
facts = {"torch sees CUDA": torch.cuda.is_available(), "CUDA of torch": torch.version.cuda}
if torch.cuda.is_available():
    about = torch.cuda.get_device_properties(0)
    facts |= {"name": about.name, "memory_mb": about.total_memory // 1000000, "capability": [about.major, about.minor]}
    facts |= {"processors": about.multi_processor_count}
print(json.dumps(facts))
"""

CHECKPOINT = """
import sys
from transformers import SegformerConfig, SegformerForSemanticSegmentation
SegformerForSemanticSegmentation(SegformerConfig(num_labels=1)).save_pretrained(sys.argv[1])  # of the size b0, chance weights
"""

Figures = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """Commands that run one after the other within `limit_s`; then `figures` reads what they
    left.
    """

    name: str
    limit_s: int
    commands: Sequence[Sequence[str]]
    figures: Callable[[], Figures] = dict
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a step: `status` is ok, failed or timed out; `said` the end of its output where
    it is not ok.
    """

    name: str
    status: str
    seconds: float
    figures: Figures
    said: str | None


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path, help="a new folder for session.json and all that is made")
    out: Path = parser.parse_args().out.resolve()
    out.mkdir(parents=True)
    device = os.environ.get("DEVICE", "cuda")
    start_s = time.perf_counter()
    facts = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "device": device,
        "card": card(),
        "versions": versions(),
    }
    steps: list[Done] = []

    def save() -> None:
        write(
            out,
            {
                **facts,
                "seconds": round(time.perf_counter() - start_s, 1),
                "aims": aims(steps),
                "steps": steps,
            },
        )

    save()
    for step in (tiny_steps if device == "cpu" else full_steps)(out, device):
        steps.append(run(step, out))
        print(f"{step.name}: {steps[-1].status}, {steps[-1].seconds:.1f} s", flush=True)
        save()
    for name, aim in aims(steps).items():
        result = (
            "not measured"
            if aim["found"] is None
            else f"{aim['found']:.2f}, {'met' if aim['met'] else 'missed'}"
        )
        print(f"aim: {name}, wanted {aim['wanted']}: {result}")
    wrong = [step for step in steps if step.status != "ok"]
    for done in wrong:
        print(f"\n{done.name} {done.status}:\n{done.said}", file=sys.stderr)
    print(out / "session.json")
    raise SystemExit(bool(wrong))


# --- The steps ------------------------------------------------------------------------------------


def full_steps(out: Path, device: str) -> list[Step]:
    """What is run on a card: 450 s at most."""
    cores = str(os.cpu_count() or 1)
    return [
        tests(out, limit_s=120, environment={"REQUIRE_GPU": "1"}),
        masks(out, device, "--rounds", "7", "--repeat", "32", limit_s=60),
        data(
            out,
            "--videos",
            "64",
            "--num-frames",
            "24",
            "--size",
            "256x256",
            "--workers",
            cores,
            limit_s=60,
        ),
        verify(out, device, "--share", "1", "10", "100", limit_s=75),
        *recipes(out, device, "--epochs", "10", "--size", "256x256", "--workers", "8", limit_s=45),
    ]


def tiny_steps(out: Path, device: str) -> list[Step]:
    """The same on the processor with inputs that are as small as they can be. The limits are those
    of a machine that is busy.
    """
    return [
        tests(out, limit_s=200, environment={}),
        masks(out, device, "--rounds", "1", "--size", "32x48", limit_s=200),
        data(out, "--videos", "8", "--num-frames", "8", "--size", "64x48", limit_s=200),
        verify(out, device, "--share", "0.1", "--size", "32x48", limit_s=200),
        *recipes(
            out,
            device,
            "--steps",
            "1",
            "--num-frames",
            "4",
            "--size",
            "64x64",
            "--batch-size",
            "2",
            limit_s=200,
        ),
    ]


def tests(out: Path, *, limit_s: int, environment: Mapping[str, str]) -> Step:
    """`pytest -m gpu` over the files that have such tests. Other versions than the pinned ones may
    warn here.
    """
    files = [
        str(path)
        for path in sorted((HERE.parent / "tests").rglob("test_*.py"))
        if "mark.gpu" in path.read_text()
    ]
    report = out / "tests.xml"
    options = [
        "-m",
        "gpu",
        "-W",
        "default",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "-q",
        f"--junitxml={report}",
    ]
    command = [sys.executable, "-m", "pytest", f"--rootdir={HERE.parent}", *options, *files]

    def figures() -> Figures:
        suite = ElementTree.parse(report).getroot()[0].attrib
        failed = [f"{case.get('classname')}.{case.get('name')}" for case in ElementTree.parse(report).iter("testcase")
                  if case.find("failure") is not None or case.find("error") is not None]  # fmt: skip
        return {"tests": int(suite["tests"]), "skipped": int(suite["skipped"]), "failed": failed}

    return Step("tests", limit_s, [command], figures, environment)


def masks(out: Path, device: str, *options: str, limit_s: int) -> Step:
    """benchmarks/masks_device.py: every way on the device, and what bounds them."""
    command = [
        sys.executable,
        str(HERE / "masks_device.py"),
        "--on",
        device,
        "--json",
        str(out / "masks.json"),
    ]
    return Step("masks", limit_s, [[*command, *options]], lambda: read_json(out / "masks.json"))


def data(out: Path, *options: str, limit_s: int) -> Step:
    """Synthetic videos and their release, for the steps after it."""
    workers = (
        ["--workers", options[options.index("--workers") + 1]] if "--workers" in options else []
    )
    made = [*BROKENVIDEOS, "sample", str(out / "raw"), *options]
    built = [*BROKENVIDEOS, "build", str(out / "raw"), str(out / "release"), *workers]
    return Step(
        "data", limit_s, [made, built], lambda: {"release_bytes": folder_bytes(out / "release")}
    )


def verify(out: Path, device: str, *options: str, limit_s: int) -> Step:
    """benchmarks/verify.py: the masks' part at several sizes, and a whole release against reading
    its files.
    """
    command = [
        sys.executable,
        str(HERE / "verify.py"),
        "--device",
        device,
        "--json",
        str(out / "verify.json"),
    ]
    command += ["--release", str(out / "release"), *options]
    return Step("verify", limit_s, [command], lambda: read_json(out / "verify.json"))


def recipes(out: Path, device: str, *options: str, limit_s: int) -> list[Step]:
    """Training, scoring and prediction with the recipes that need no download."""
    steps = []
    for recipe in ("unet", "segformer"):
        trained, commands = out / f"trained-{recipe}", []
        train = [
            *BROKENVIDEOS,
            "train",
            "--data",
            str(out / "release"),
            "--recipe",
            recipe,
            "--out",
            str(trained),
            "--json",
        ]
        if recipe == "segformer":
            commands.append([sys.executable, "-c", CHECKPOINT, str(out / "checkpoint")])
            train += ["--init", str(out / "checkpoint")]
        commands.append([*train, *options, *(["--cpu"] if device == "cpu" else [])])
        steps.append(
            Step(
                f"train {recipe}",
                limit_s,
                commands,
                lambda trained=trained: scores(trained / "scores.json"),
            )
        )
    predicted = out / "predicted"
    command = [
        *BROKENVIDEOS,
        "predict",
        str(out / "trained-unet"),
        str(out / "raw" / "videos"),
        "--out",
        str(predicted),
    ]

    def figures() -> Figures:
        return {
            "videos": len(list((out / "raw" / "videos").iterdir())),
            "written_bytes": folder_bytes(predicted),
        }

    return [*steps, Step("predict unet", limit_s, [[*command, "--device", device]], figures)]


def scores(path: Path) -> Figures:
    """What a training was scored with on the test split."""
    evaluation = read_json(path)["test"]
    return {
        "J&F broken": evaluation["broken"]["jf"]["value"],
        "J&F active": evaluation["broken"]["active_jf"]["value"],
        "false videos": evaluation["normal"]["false_videos"]["value"],
    }


# --- What they are held to ------------------------------------------------------------------------


def aims(steps: Sequence[Done]) -> dict[str, dict[str, Any]]:
    """What was wanted on a card and what was found; None where it was not measured."""
    figures = {step.name: step.figures for step in steps}
    ways = figures.get("masks", {}).get("ways", {})
    decoded = next(
        (
            way["of_write_bound"]
            for name, way in ways.items()
            if name == "triton on cuda: decode_batch"
        ),
        None,
    )
    release = figures.get("verify", {}).get("release", {}).get("times_reading")
    return {
        "decode, share of the time of writing the bitmaps": at_least(0.6, decoded),
        "verify, times the reading of the files": at_most(1.2, release),
    }


def at_least(wanted: float, found: float | None) -> dict[str, Any]:
    return {
        "wanted": f">= {wanted}",
        "found": found,
        "met": None if found is None else found >= wanted,
    }


def at_most(wanted: float, found: float | None) -> dict[str, Any]:
    return {
        "wanted": f"<= {wanted}",
        "found": found,
        "met": None if found is None else found <= wanted,
    }


# --- One step -------------------------------------------------------------------------------------


def run(step: Step, out: Path) -> Done:
    """Runs the commands of a step to their end or to its limit; what they print goes to
    OUT/NAME.log.
    """
    log = out / f"{step.name.replace(' ', '-')}.log"
    start_s = time.perf_counter()
    status = "ok"
    with log.open("wb") as output:
        for command in step.commands:
            left_s = step.limit_s - (time.perf_counter() - start_s)
            status = end_of(command, output, environment=step.environment, limit_s=left_s)
            if status != "ok":
                break
    seconds = time.perf_counter() - start_s
    figures: Figures = {}
    problem = None
    try:
        figures = step.figures()
    except (OSError, ValueError, LookupError, ElementTree.ParseError) as error:
        problem = f"no figures: {type(error).__name__}: {error}"
        status = "failed" if status == "ok" else status
    said = (
        None
        if status == "ok"
        else "\n".join(filter(None, [log.read_text(errors="replace")[-4000:], problem]))
    )
    return Done(step.name, status, round(seconds, 2), figures, said)


def end_of(
    command: Sequence[str], output: Any, *, environment: Mapping[str, str], limit_s: float
) -> str:
    """How a command ended. One that runs over its limit is ended together with all that it
    started.
    """
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
        start_new_session=True,
    )
    try:
        return "ok" if process.wait(max(limit_s, 0.0)) == 0 else "failed"
    except subprocess.TimeoutExpired:
        return "timed out"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def write(out: Path, session: Mapping[str, Any]) -> None:
    """session.json, whole at any moment."""
    beside = out / "session.json.part"
    beside.write_text(
        json.dumps({**session, "steps": [asdict(step) for step in session["steps"]]}, indent=1)
        + "\n"
    )
    beside.replace(out / "session.json")


# --- Facts ----------------------------------------------------------------------------------------


def commit() -> str | None:
    """The commit of the checkout, with a + where files are changed; a copy without its history
    names it in COMMIT.
    """
    git = [
        "git",
        "-C",
        str(HERE),
        "describe",
        "--always",
        "--abbrev=40",
        "--dirty=+",
        "--exclude=*",
    ]
    try:
        done = subprocess.run(git, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return os.environ.get("COMMIT")
    return done.stdout.strip()


def card() -> dict[str, Any]:
    """What torch says of the device, and the driver. Asked in a process of its own, so that this
    one holds nothing of a card.
    """
    done = subprocess.run([sys.executable, "-c", DEVICE_FACTS], capture_output=True, text=True)
    facts: dict[str, Any] = (
        json.loads(done.stdout) if done.returncode == 0 else {"problem": done.stderr[-1000:]}
    )
    asked = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        facts["driver"] = subprocess.run(
            asked, capture_output=True, text=True, timeout=20
        ).stdout.strip()
    return facts | {"cores": os.cpu_count(), "machine": platform.machine()}


def versions() -> dict[str, str | None]:
    versions_by_name: dict[str, str | None] = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions_by_name[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions_by_name[name] = None
    return versions_by_name


def read_json(path: Path) -> Any:
    return json.loads(path.read_text())


def folder_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    main()
