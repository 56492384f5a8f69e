"""Opens SOURCE: a release in a folder, on the Hub or at a URL, or a raw folder."""

from functools import partial
from pathlib import Path

from ...release import MANIFEST, asking_the_hub, download
from ...sampling import HubRelease, SourceError, named_release
from .release_source import ReleaseSource
from .video import ExploreError, Source


def open_source(name: str) -> Source:
    """Opens a source by its name.

    Raises:
        ExploreError: there is no such source, or it has nothing to show.
        ReleaseError: the release cannot be read. RawError: the layout of the raw folder is unknown.
    """
    if name.startswith(("http://", "https://")):
        return ReleaseSource(name.rstrip("/"), name=name, python=[])
    try:
        named = named_release(name)
    except SourceError as error:
        raise ExploreError(
            str(error).replace("Wanted a release folder", "Wanted a release, a raw folder")
        ) from None
    if isinstance(named, HubRelease):
        return _on_the_hub(named)
    if not named.is_dir():
        raise ExploreError(
            f"{name}: not a folder; wanted a release, a raw folder, or OWNER/NAME@REVISION on the "
            "Hub"
        )
    if (named / MANIFEST).is_file():
        python = [] if name == "sample" else [f'data_dir="{named.resolve().as_posix()}"']
        return ReleaseSource(named, name=name, python=['"sample"'] if name == "sample" else python)
    from .raw_source import RawSource

    return RawSource(named)


def _on_the_hub(named: HubRelease) -> Source:
    """The release at the revision's current commit, so that later reads see the same release."""
    from huggingface_hub import hf_hub_download

    where = f"{named.repo_id} at revision {named.revision}"
    fetch = partial(
        hf_hub_download, named.repo_id, MANIFEST, repo_type="dataset", revision=named.revision
    )
    commit = Path(download(fetch, where=where)).parent.name
    python = [f'repo_id="{named.repo_id}"', f'revision="{named.revision}"']
    with asking_the_hub(where):
        return ReleaseSource(f"hf://datasets/{named.repo_id}@{commit}", name=where, python=python)
