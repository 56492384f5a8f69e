import pytest

from brokenvideos.builder.raw import is_litter, list_folder

LITTER = [
    ".DS_Store",
    "._00000.png",
    ".ipynb_checkpoints",
    "Thumbs.db",
    "thumbs.db",
    "ehthumbs.db",
    "Desktop.ini",
    "desktop.ini",
    "Icon\r",
    "__MACOSX",
    "$RECYCLE.BIN",
    "System Volume Information",
    "@eaDir",
    "lost+found",
    "PaxHeader",
    "PaxHeaders.1234",
    "PaxHeaders.X",
]
KEPT = [
    "00000.png",
    "Icon",
    "thumbs",
    "Thumbs.db.png",
    "results.csv",
    "PaxHeadersOfMine",
    "dog",
    "a.DS_Store",
]


@pytest.mark.parametrize("name", LITTER)
def test_what_programs_leave_is_litter(name):
    assert is_litter(name)


@pytest.mark.parametrize("name", KEPT)
def test_what_people_put_there_is_not(name):
    assert not is_litter(name)


def test_a_folder_is_listed_without_litter(tmp_path):
    for name in ("Thumbs.db", "._a.mp4", "a.mp4", "desktop.ini", ".hidden"):
        (tmp_path / name).touch()
    (tmp_path / "__MACOSX").mkdir()
    assert [path.name for path in list_folder(tmp_path)] == ["a.mp4"]
