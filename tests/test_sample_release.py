"""The release inside the package is whole, and is what the sample generator of this version
annotates.
"""

from pathlib import Path

import brokenvideos
from brokenvideos.builder import build, verify
from brokenvideos.tools.synthetic.sample import write_sample

SAMPLE = Path(brokenvideos.__path__[0]) / "sample"


def test_it_verifies() -> None:
    assert verify(SAMPLE).findings == ()


def test_it_holds_the_annotations_that_the_generator_makes(tmp_path: Path) -> None:
    made = build(write_sample(tmp_path / "raw"), tmp_path / "out")
    shipped = brokenvideos.read_manifest(str(SAMPLE))
    # Digests of annotations only: the videos' bytes depend on the encoder's version and the
    # machine.
    digests = [
        {video_id: facts["digest"] for video_id, facts in m["videos"].items()}
        for m in (made, shipped)
    ]
    assert digests[0] == digests[1], "run: brokenvideos sample raw && brokenvideos build raw sample"
