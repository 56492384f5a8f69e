"""The house rules that a machine can check: which room may import which, and how the package installs."""

import ast
import os
import sys
import venv
import zipfile
from pathlib import Path

import pytest

import brokenvideos

ROOT = Path(__file__).parent.parent
ROOMS = ("masks", "frames", "builder", "card", "tools")
MAY_IMPORT = {
    "masks": set(),
    "frames": {"masks"},
    "brokenvideos": {"masks", "frames"},
    "builder": {"brokenvideos", "masks", "frames"},
    "card": {"brokenvideos", "masks", "frames"},
    "tools": {"brokenvideos", "masks", "frames", "builder", "card"},
}


def imported_rooms(tree: ast.Module) -> set[str]:
    rooms = set()
    for node in ast.walk(tree):
        modules = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules = (
                [f"{node.module}.{alias.name}" for alias in node.names]
                if node.module == "brokenvideos"
                else [node.module]
            )
        for module in modules:
            package, _, rest = module.partition(".")
            if package == "brokenvideos":
                room = rest.partition(".")[0]
                rooms.add(room if room in ROOMS else "brokenvideos")
    return rooms


@pytest.mark.parametrize("room", ["brokenvideos", *ROOMS])
def test_imports_point_one_way(parse_python, room: str) -> None:
    files = [ROOT / "brokenvideos.py"] if room == "brokenvideos" else sorted((ROOT / room).rglob("*.py"))
    assert files
    wrong = {
        f"{path.relative_to(ROOT)} imports {other}"
        for path in files
        for other in imported_rooms(parse_python(path)) - MAY_IMPORT[room] - {room}
    }
    assert not wrong


def test_heavy_libraries_wait_until_they_are_called(run_process) -> None:
    script = (
        "import sys, brokenvideos, brokenvideos.masks, brokenvideos.frames;"
        "print(*sorted({'torch', 'av', 'PIL'} & set(sys.modules)))"
    )
    done = run_process([sys.executable, "-c", script])
    assert done.stdout.strip() in ("", "PIL")  # `datasets` imports PIL when it is installed


def test_the_hook_is_installed_once(run_process) -> None:
    script = (
        "import brokenvideos, importlib, datasets.load as l; first = l.dataset_module_factory;"
        "importlib.reload(brokenvideos); print(l.dataset_module_factory is first)"
    )
    done = run_process([sys.executable, "-c", script])
    assert done.stdout.strip() == "True"


@pytest.fixture(scope="module")
def wheel(run_process, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built by way of the sdist as a package index would."""
    out = tmp_path_factory.mktemp("dist")
    done = run_process([sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT)])
    assert done.returncode == 0, done.stderr
    return next(out.glob("*.whl"))


@pytest.mark.slow
def test_a_wheel_gives_site_packages_one_name(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    package, information = "brokenvideos", f"brokenvideos-{brokenvideos.__version__}.dist-info"
    assert {name.partition("/")[0] for name in names} == {package, information}
    rooms = {name.split("/")[1] for name in names if name.startswith("brokenvideos/")}
    assert rooms == {"__init__.py", "py.typed", "sample", *ROOMS}


@pytest.mark.slow
def test_the_main_job_runs_from_an_installed_wheel(wheel: Path, run_process, tmp_path: Path) -> None:
    environment = tmp_path / "venv"
    venv.create(environment, with_pip=False)
    site = next((environment / "lib").glob("python*")) / "site-packages"
    # The wheel alone is new: its dependencies are those of the tests, by path, so that nothing is fetched twice. A path in a .pth
    # file is searched after site-packages, and the .pth files of the folder that it names are not read: no editable install.
    (site / "dependencies.pth").write_text("\n".join(path for path in sys.path if path.endswith("site-packages")))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site), str(wheel)]
    done = run_process(pip)
    assert done.returncode == 0, done.stderr
    script = (
        "import brokenvideos, brokenvideos.tools.commands.main as c; print(brokenvideos.__file__, flush=True); c.main()"
    )
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    python = str(environment / "bin" / "python")
    done = run_process([python, "-c", script, "demo", "made"], cwd=tmp_path, env=clean)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == str(site / "brokenvideos" / "__init__.py")
    assert (tmp_path / "made" / "overlay.png").stat().st_size > 10_000


def test_a_plain_checkout_imports_without_being_installed(run_process, tmp_path: Path) -> None:
    script = "import brokenvideos; from brokenvideos.builder import build; print(brokenvideos.__file__)"
    command = [sys.executable, "-P", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {script}"]
    assert run_process(command, cwd=tmp_path).stdout.strip() == str(ROOT / "brokenvideos.py")
