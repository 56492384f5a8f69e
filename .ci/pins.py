"""constraints.txt against the package index as a stranger's machine sees it. Run by
`make constraints` and .ci/run.

    python .ci/pins.py write    # make constraints.txt from pyproject.toml; pins that still fit stay
    python .ci/pins.py check    # does it install for every Python and platform that we name, from wheels?

What follows the word goes to uv. Needs uv beside this Python; nothing is installed.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parent.parent
CONSTRAINTS = ROOT / "constraints.txt"
PLATFORMS = {
    "Linux": "x86_64-manylinux_2_28",
    "Linux on Arm": "aarch64-manylinux_2_28",
    "macOS on Arm": "aarch64-apple-darwin",
    "Windows": "x86_64-pc-windows-msvc",
}
# How the index is reached, not what it holds. Every other setting of uv and pip stays outside.
REACH = (
    "PATH",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
)
SOURCE_ONLY = "# Without a wheel, built while installing: "


def main(arguments: list[str]) -> int:
    if importlib.util.find_spec("uv") is None:
        print(f"pins.py: uv is not installed: {sys.executable} -m pip install uv", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as home:
        match arguments:
            case ["write", *index]:
                made = generate(Path(home), index)
                if made.returncode:
                    print(made.stderr, file=sys.stderr, end="")
                    return 1
                CONSTRAINTS.write_text(made.stdout, encoding="utf-8")
                return 0
            case ["check", *index]:
                problems = check(Path(home), index)
                print("\n".join(problems), file=sys.stderr, end="\n" if problems else "")
                return 1 if problems else 0
    print("pins.py: the first argument is write or check.", file=sys.stderr)
    return 2


def check(home: Path, index: list[str]) -> list[str]:
    """What keeps constraints.txt from being installed, and how it differs from what `write` would
    make; empty: nothing.
    """
    pins = CONSTRAINTS.read_text(encoding="utf-8")
    named = [
        line.removeprefix(SOURCE_ONLY) for line in pins.splitlines() if line.startswith(SOURCE_ONLY)
    ]
    sources = ", ".join(named).split(", ") if named else []
    only_wheels = [
        "--only-binary",
        ":all:",
        *(word for name in sources for word in ("--no-binary", name)),
    ]
    targets = [(python, platform) for python in pythons() for platform in PLATFORMS]

    def resolve(target: tuple[str, str]) -> str:
        python, platform = target
        wanted = [
            "--python-version",
            python,
            "--python-platform",
            PLATFORMS[platform],
            *only_wheels,
        ]
        done = uv(home, ["--constraints", str(CONSTRAINTS), *wanted, *index])
        return done.stderr if done.returncode else ""

    resolve(targets[0])  # fills the cache of what all targets share
    with ThreadPoolExecutor(8) as threads:
        messages = list(threads.map(resolve, targets))
    problems = []
    for message in dict.fromkeys(filter(None, messages)):
        where = [
            f"Python {python} on {platform}"
            for i, (python, platform) in enumerate(targets)
            if messages[i] == message
        ]
        problems.append(f"constraints.txt does not install on {', '.join(where)}:\n{message}")
    if problems:
        return problems
    made = generate(home, index)
    if made.returncode:
        return [made.stderr]
    old, new = pins.splitlines(), made.stdout.splitlines()
    changed = [f"  -{line}" for line in old if line not in new] + [
        f"  +{line}" for line in new if line not in old
    ]
    if changed:
        return [
            "constraints.txt is not what pyproject.toml asks for; run `make constraints`:",
            *changed,
        ]
    print(f"constraints.txt resolves for Python {', '.join(pythons())} on {', '.join(PLATFORMS)}.")
    print(
        f"Source only: {', '.join(sources) or 'nothing'}; every other package has a wheel for each "
        "of them."
    )
    return []


def generate(home: Path, index: list[str]) -> subprocess.CompletedProcess[str]:
    """constraints.txt as it should be (stdout), from the pins that are there; or uv's message
    (stderr).
    """
    written = home / "constraints.txt"
    if CONSTRAINTS.exists():
        # uv keeps what it finds in its output file and still fits
        shutil.copy(CONSTRAINTS, written)
    universal = ["--universal", "--python-version", pythons()[0], *index]
    done = uv(home, [*universal, "--output-file", str(written)])
    if done.returncode:
        return done
    lock = home / "pylock.toml"
    done = uv(home, [*universal, "--constraints", str(written), "--output-file", str(lock)])
    if done.returncode:
        return done
    packages = tomllib.loads(lock.read_text(encoding="utf-8"))["packages"]
    sources = sorted({package["name"] for package in packages if not package.get("wheels")})
    head = (
        "# Written by `make constraints` from pyproject.toml: what resolves with the package "
        "index alone.\n"
    )
    head += f"{SOURCE_ONLY}{', '.join(sources)}\n" if sources else ""
    return subprocess.CompletedProcess([], 0, head + written.read_text(encoding="utf-8"), "")


def uv(home: Path, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """Resolves pyproject.toml with all its extras, with no setting but ours."""
    environment = {name: os.environ[name] for name in REACH if name in os.environ}
    environment |= {"HOME": str(home), "MACOSX_DEPLOYMENT_TARGET": "14.0"}
    options = [
        "--quiet",
        "--no-annotate",
        "--no-header",
        "--all-extras",
        "--config-file",
        str(ROOT / ".ci" / "uv.toml"),
    ]
    # what is source only is built by this Python
    options += [
        "--no-python-downloads",
        "--python",
        sys.executable,
    ]
    command = [
        sys.executable,
        "-m",
        "uv",
        "pip",
        "compile",
        *options,
        str(ROOT / "pyproject.toml"),
        *arguments,
    ]
    return subprocess.run(command, env=environment, cwd=home, capture_output=True, text=True)


def pythons() -> list[str]:
    """The Python versions that pyproject.toml names, oldest first."""
    words = "Programming Language :: Python :: 3."
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "classifiers"
    ]
    minors = sorted(int(line.removeprefix(words)) for line in classifiers if line.startswith(words))
    return [f"3.{minor}" for minor in minors]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
