"""The names under which a release can be loaded."""

from .registry import HOUSE

NAME = "brokenvideos"
"""The name for `load_dataset`; "brokenvideos:OWNER/NAME" is the release in another Hub
repository.
"""

SAMPLE = "sample"
"""The small synthetic release inside the package."""

SAMPLE_RELEASE = f"{HOUSE}/sample"
"""The folder of the release `SAMPLE`."""

REPO_ID = "Luuu213u/broken_video_dataset"
"""The Hub repository that is read unless another is named, by `repo_id=` or BROKENVIDEOS_REPO.

Examples:
    >>> brokenvideos.REPO_ID
    'Luuu213u/broken_video_dataset'
"""


def is_repo_id(text: str) -> bool:
    """Whether a text is a name OWNER/NAME that the Hub may have.

    Source: `huggingface_hub.utils.validate_repo_id`.
    """
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    try:
        validate_repo_id(text)
    except HFValidationError:
        return False
    return text.count("/") == 1
