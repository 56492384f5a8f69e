"""The house rules that a machine can check: which room may import which, and how the package
installs.
"""

import ast
import os
import sys
import venv
import zipfile
from pathlib import Path

import pytest

import brokenvideos
from tests import house

ROOT = house.ROOT


def test_no_import_goes_up() -> None:
    assert [str(found) for found in house.upward_imports()] == []


def test_other_rooms_are_asked_through_their_init() -> None:
    assert [str(found) for found in house.inner_imports()] == []


def test_no_files_import_one_another_in_circles() -> None:
    assert house.circles() == []


def test_the_figures_of_the_house_can_be_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert house.main() == 0
    assert "circles                      0" in capsys.readouterr().out


def test_bad_imports_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests above can fail: a house with an arrow up, a lazy circle, an import by string and
    one past an `__init__`.
    """
    rooms = {"masks": "", "frames": "", "builder": "", "builder/raw": "", "tools": ""}
    for room in (*rooms, *{"release", "sampling", "card"}):
        (tmp_path / room).mkdir(parents=True, exist_ok=True)
        (tmp_path / room / "__init__.py").write_text("")
    (tmp_path / "brokenvideos.py").write_text("")
    (tmp_path / "masks" / "a.py").write_text("from .. import frames\n")
    (tmp_path / "masks" / "b.py").write_text("def f():\n    from .c import g\n")
    (tmp_path / "masks" / "c.py").write_text(
        "import importlib\nimportlib.import_module('brokenvideos.masks.b')\n"
    )
    (tmp_path / "builder" / "raw" / "png.py").write_text("x = 1\n")
    (tmp_path / "tools" / "d.py").write_text(
        "from ..builder.raw.png import x\nimport brokenvideos\n"
    )
    monkeypatch.setattr(house, "ROOT", tmp_path)
    for cached in (house.files, house.imports, house._passed_on):
        cached.cache_clear()
    try:
        up = [
            (found.source, found.target)
            for found in house.imports()
            if house.room_of(found.target) == "frames"
        ]
        door = [found.source for found in house.imports() if found.target == house.DOOR]
        inner = [(found.source, found.target) for found in house.inner_imports()]
        circles = house.circles()
    finally:
        for cached in (house.files, house.imports, house._passed_on):
            cached.cache_clear()
    assert (up, door, inner, circles) == (
        [("masks.a", "frames")],
        ["tools.d"],
        [("tools.d", "builder.raw.png")],
        [["masks.b", "masks.c"]],
    )


def test_lazy_rooms_have_no_name_that_is_also_a_file() -> None:
    """Importing the file would put the module where the name should be."""
    wrong = [
        f"{stub.relative_to(ROOT)}: {name}"
        for room in house.ROOMS
        for stub in (ROOT / room).rglob("__init__.pyi")
        for node in house.parse(stub).body
        if isinstance(node, ast.ImportFrom)
        for name in (alias.asname or alias.name for alias in node.names)
        if (stub.parent / f"{name}.py").exists()
    ]
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
    done = run_process(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT)]
    )
    assert done.returncode == 0, done.stderr
    return next(out.glob("*.whl"))


@pytest.mark.slow
def test_a_wheel_gives_site_packages_one_name(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    package, information = "brokenvideos", f"brokenvideos-{brokenvideos.__version__}.dist-info"
    assert {name.partition("/")[0] for name in names} == {package, information}
    rooms = {name.split("/")[1] for name in names if name.startswith("brokenvideos/")}
    assert rooms == {"__init__.py", "py.typed", "sample", *house.ROOMS}


@pytest.mark.slow
def test_the_main_job_runs_from_an_installed_wheel(
    wheel: Path, run_process, tmp_path: Path
) -> None:
    environment = tmp_path / "venv"
    venv.create(environment, with_pip=False)
    site = next((environment / "lib").glob("python*")) / "site-packages"
    # The wheel alone is new: its dependencies are those of the tests, by path, so that nothing is
    # fetched twice. A path in a .pth file is searched after site-packages, and the .pth files of
    # the folder that it names are not read: no editable install.
    (site / "dependencies.pth").write_text(
        "\n".join(path for path in sys.path if path.endswith("site-packages"))
    )
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        str(site),
        str(wheel),
    ]
    done = run_process(pip)
    assert done.returncode == 0, done.stderr
    script = (
        "import brokenvideos, brokenvideos.tools.commands.main as c; "
        "print(brokenvideos.__file__, flush=True); c.main()"
    )
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    python = str(environment / "bin" / "python")
    done = run_process([python, "-c", script, "demo", "made"], cwd=tmp_path, env=clean)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == str(site / "brokenvideos" / "__init__.py")
    assert (tmp_path / "made" / "overlay.png").stat().st_size > 10_000


def test_a_plain_checkout_imports_without_being_installed(run_process, tmp_path: Path) -> None:
    script = (
        "import brokenvideos; from brokenvideos.builder import build; print(brokenvideos.__file__)"
    )
    command = [
        sys.executable,
        "-P",
        "-c",
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); {script}",
    ]
    assert run_process(command, cwd=tmp_path).stdout.strip() == str(ROOT / "brokenvideos.py")
