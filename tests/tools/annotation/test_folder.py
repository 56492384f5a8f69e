"""What may be annotated, which ids names become, and everything that is refused before a server
starts.
"""

import json
import os
import shutil

import pytest

from brokenvideos.builder import build
from brokenvideos.tools.annotation.folder import FolderError, open_folder, safe_id
from brokenvideos.tools.annotation.run import AnnotateOptions, read_subtypes, run_annotate
from brokenvideos.tools.annotation.server import only_one
from brokenvideos.tools.page import ServerError, check_host, listen
from brokenvideos.tools.synthetic import write_sample


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    return write_sample(
        tmp_path_factory.mktemp("sample") / "raw",
        videos=2,
        height=48,
        width=64,
        num_frames=8,
        fps=8,
    )


def tree(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_names_become_ids_that_stay(clips, video_bytes):
    for name in (
        "ein Hund.mp4",
        "ein_Hund.mp4",
        "ein-Hund.webm",
        "ölig.mp4",
        "???.mp4",
        "notes.txt",
    ):
        (clips / name).write_bytes(video_bytes[0])
    before = tree(clips)
    found = open_folder(clips)
    assert found.raw == clips.with_name("clips-raw")
    assert dict(found.settings.names) == {
        "a": "a.mp4",
        "b": "b.mp4",
        "ein-Hund": "ein-Hund.webm",
        "ein_Hund": "ein_Hund.mp4",
        "ein_Hund-2": "ein Hund.mp4",
        "lig": "ölig.mp4",
        "video": "???.mp4",
    }
    assert found.notices == (
        "ein Hund.mp4 gets the id ein_Hund-2 here: an id has only letters, digits, _ and -",
        "ölig.mp4 gets the id lig here: an id has only letters, digits, _ and -",
        "???.mp4 gets the id video here: an id has only letters, digits, _ and -",
    )
    (clips / "ein.Hund.mp4").write_bytes(video_bytes[0])
    (clips / "ein_Hund.mp4").unlink()
    again = open_folder(clips)
    assert (again.settings.names["ein_Hund-2"], again.settings.names["ein_Hund-3"]) == (
        "ein Hund.mp4",
        "ein.Hund.mp4",
    )
    del before["ein_Hund.mp4"]
    assert {
        name: content for name, content in tree(clips).items() if name != "ein.Hund.mp4"
    } == before


def test_ids_are_short_and_unlike_each_other():
    assert safe_id("a" * 200, []) == "a" * 128
    assert safe_id("a" * 200, ["a" * 128]) == "a" * 126 + "-2"
    assert safe_id("../../etc/passwd", []) == "etc_passwd"


def test_a_link_out_of_the_folder_is_not_read(clips, tmp_path, video_bytes):
    (tmp_path / "elsewhere.mp4").write_bytes(video_bytes[0])
    os.symlink(tmp_path / "elsewhere.mp4", clips / "c.mp4")
    os.symlink(clips / "a.mp4", clips / "d.mp4")
    found = open_folder(clips)
    assert list(found.videos) == ["a", "b", "d"]
    assert found.notices == (
        f"c.mp4 is a link to a file outside of {clips}; it is not read: copy it into the folder",
    )


def test_what_is_said_of_the_videos_is_kept(clips):
    lines = [{"video_id": "a", "generator": "Kling", "prompt": "a dog", "source": {"seed": "7"}}]
    (clips / "videos.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    about = open_folder(clips).about["a"]
    assert (about.generator, about.prompt, about.source) == ("Kling", "a dog", {"seed": "7"})


def test_a_raw_folder_and_a_release_are_taken_over_whole(raw, tmp_path):
    build(raw, tmp_path / "release")
    before = tree(raw), tree(tmp_path / "release")
    found = open_folder(raw, tmp_path / "from-raw")
    also = open_folder(tmp_path / "release")
    assert also.raw == tmp_path / "release-raw"
    assert list(found.videos) == list(also.videos)
    build(tmp_path / "from-raw", tmp_path / "again")
    build(also.raw, tmp_path / "and-again")
    digests = [
        {
            video_id: facts["digest"]
            for video_id, facts in json.loads((tmp_path / name / "manifest.json").read_text())[
                "videos"
            ].items()
        }
        for name in ("release", "again", "and-again")
    ]
    assert digests[0] == digests[1] == digests[2]
    assert (tree(raw), tree(tmp_path / "release")) == before


def test_a_folder_that_annotate_made_is_gone_on_with(clips, tmp_path):
    found = open_folder(clips)
    shutil.copy(clips / "a.mp4", found.raw / "a.mp4")
    (found.raw / "videos").mkdir()
    (found.raw / "a.mp4").rename(found.raw / "videos/a.mp4")
    again = open_folder(found.raw)
    assert (again.raw, list(again.videos)) == (found.raw, ["a"])
    moved = open_folder(clips)
    assert list(moved.videos) == ["a", "b"]


def refused(action):
    with pytest.raises((ValueError, RuntimeError, OSError)) as caught:
        action()
    return str(caught.value)


def test_folders_that_are_none(clips, tmp_path, raw):
    nowhere, empty = tmp_path / "nowhere", tmp_path / "empty"
    empty.mkdir()
    assert (
        refused(lambda: open_folder(nowhere))
        == f"{nowhere}: no such folder; give a folder of videos, a raw folder or a release"
    )
    assert refused(lambda: open_folder(empty)) == (
        f"{empty}: no video found; wanted .mp4, .webm, .mkv, .mov, .avi, .m4v or .gif files in it "
        "or in empty/videos, a raw folder or a release"
    )
    taken = f"{clips}: holds something that annotate has not made; name another folder with --out"
    assert refused(lambda: open_folder(raw, clips)) == taken
    shutil.copytree(clips, tmp_path / "others")
    assert refused(lambda: open_folder(tmp_path / "others", clips)) == taken


def test_a_folder_goes_on_as_it_was_begun(clips, tmp_path):
    out = tmp_path / "out"
    open_folder(clips, out, mode="double", double_percent=10)
    shutil.copytree(clips, tmp_path / "others")
    assert refused(lambda: open_folder(tmp_path / "others", out)) == (
        f"{out}: was begun for {clips}, not for {tmp_path / 'others'}; name another folder with "
        "--out"
    )
    assert refused(lambda: open_folder(clips, out)) == (
        f"{out}: was begun with --double 10; go on that way, or name another folder with --out"
    )
    (out / "annotation.json").write_text('{"format_version": 2}')
    assert "cannot be read" in refused(lambda: open_folder(clips, out))


def test_a_raw_folder_with_problems_is_refused_with_all_of_them(raw, tmp_path):
    bad = tmp_path / "bad"
    shutil.copytree(raw, bad)
    lines = [json.loads(line) for line in (bad / "videos.jsonl").read_text().splitlines()]
    broken = next(line for line in lines if line["objects"])
    broken["objects"] = []
    lines.append({"video_id": "none", "generator": "Kling", "objects": []})
    (bad / "videos.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    text = refused(lambda: open_folder(bad))
    assert text.splitlines()[0] == f"{bad}: 2 problems, nothing was taken over."
    assert f"video {broken['video_id']}: objects [1" in text
    assert "videos.jsonl line 3: no video videos/none.mp4" in text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad"]


def test_hosts_ports_and_tokens(tmp_path):
    assert refused(lambda: check_host("0.0.0.0", None)) == (
        "--host 0.0.0.0: other machines reach this address; give a --token, and tell it only to "
        "your people"
    )
    assert (
        refused(lambda: check_host("127.0.0.1", "short"))
        == "--token: wanted at least 16 letters, digits, - or _"
    )
    assert (
        refused(lambda: check_host("0.0.0.0", "a/b" * 8))
        == "--token: wanted at least 16 letters, digits, - or _"
    )
    check_host("0.0.0.0", "a-long-enough-token")
    with listen("127.0.0.1", 0) as held:
        held.listen()
        port = held.getsockname()[1]
        assert refused(lambda: listen("127.0.0.1", port)) == (
            f"--host 127.0.0.1 --port {port}: Address already in use; give another port, or 0 for "
            "a free one"
        )
    with only_one(tmp_path):
        assert refused(lambda: only_one(tmp_path).__enter__()) == (
            f"{tmp_path}: process {os.getpid()} serves it already: open the address that it has "
            "printed, or end it"
        )
    with only_one(tmp_path):
        pass


def test_subtypes_come_from_a_file(tmp_path):
    path = tmp_path / "subtypes.json"
    path.write_text('{"motion": ["flicker", "jump", "flicker"]}')
    assert read_subtypes(path) == {"motion": ["flicker", "jump"]}
    wanted = 'wanted {"motion": ["a name", ...], ...} with the types motion, deformation, blur'
    for content, message in {
        "[]": f"{path}: holds list, {wanted}",
        '{"noise": []}': f"{path}: 'noise' has [], {wanted}",
        '{"blur": [""]}': f"{path}: 'blur' has [''], {wanted}",
    }.items():
        path.write_text(content)
        assert refused(lambda: read_subtypes(path)) == message
    path.unlink()
    assert refused(lambda: read_subtypes(path)).startswith(
        f"{path}: cannot be read as JSON ([Errno 2]"
    )


def test_options_that_contradict_each_other(clips):
    for options, message in (
        (
            {"independent": True, "double_percent": 10},
            "--independent and --double: choose one; with --independent everybody annotates every "
            "video",
        ),
        ({"engine": "magic"}, "--engine magic: no such engine. Choose one of flow"),
        ({"user": "  "}, "a name has 1 to 64 printable characters"),
        (
            {"host": "0.0.0.0"},
            "--host 0.0.0.0: other machines reach this address; give a --token, and tell it only "
            "to your people",
        ),
    ):
        text = refused(
            lambda options=options: run_annotate(AnnotateOptions(clips, **options), say=print)
        )
        assert text.startswith(message)


def test_server_errors_are_one_line():
    assert issubclass(ServerError, RuntimeError)
    assert issubclass(FolderError, ValueError)
