"""The origin of a model: the version of the data and the commit of the code."""

import hashlib
import json
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

from ...release import __version__, read_manifest


def provenance(release: Path) -> dict[str, Any]:
    """{"data": version and SHA-256 of the manifest, "code": version and git commit (None where it
    is not known)}.
    """
    manifest = read_manifest(str(release))
    digest = hashlib.sha256((release / "manifest.json").read_bytes()).hexdigest()
    return {
        "data": {"version": manifest["data_version"], "manifest_sha256": digest},
        "code": {"version": __version__, "commit": code_commit()},
    }


def code_commit() -> str | None:
    """The git commit of this code, from the checkout or from the installer's note; it ends in
    "-dirty" if files differ from it.
    """
    root = Path(__file__).resolve().parents[2]
    if (root / ".git").exists():
        command = [
            "git",
            "-C",
            str(root),
            "describe",
            "--always",
            "--dirty",
            "--abbrev=40",
            "--exclude=*",
        ]
        try:
            return subprocess.run(
                command, capture_output=True, text=True, check=True
            ).stdout.strip()
        except (OSError, subprocess.CalledProcessError):
            return None
    try:
        noted = metadata.distribution("brokenvideos").read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        return None
    commit: str | None = json.loads(noted or "{}").get("vcs_info", {}).get("commit_id")
    return commit
