"""The sections on licences, maintenance, errata and changes."""

from ..inputs import CardInputs
from .markdown import paragraphs, table

MAINTENANCE = """A published version never changes: a correction is a new version. Data versions are SemVer: patch = the same
data in other bytes, minor = videos added, major = existing data changed or taken away. Videos stay in their splits from version to
version."""


def licences(inputs: CardInputs) -> str:
    """Licences by generator, as the rows state them."""
    counts = sorted(inputs.details.generator_licenses.items())
    return paragraphs(
        "Every video keeps the licence of its source, which `source.license` of its row states:",
        table(
            ["generator", "licence", "videos"],
            [[name, licence, count] for (name, licence), count in counts],
            text=2,
        ),
        inputs.about.texts.get("licences"),
    )


def maintenance(inputs: CardInputs) -> str:
    """The rule for versions, the maintainers and the contact."""
    texts = inputs.about.texts
    contact = texts.get("contact")
    asked = (
        f"Contact: {contact}"
        if contact
        else "No contact was stated: use the discussions of the repository this came from."
    )
    return paragraphs(MAINTENANCE, texts.get("maintenance"), asked)


def errata(inputs: CardInputs) -> str:
    """The errata of earlier versions, from the manifest."""
    errata = inputs.manifest.get("errata") or []
    if not errata:
        return "None are known."
    rows = [
        [entry["data_version"], entry["reason"], ", ".join(entry["video_ids"])] for entry in errata
    ]
    return table(["since version", "what and why", "videos"], rows, text=3)


def changes(inputs: CardInputs) -> str:
    """The version, its parent version, and the maintainers' text about changes."""
    version, parent = inputs.manifest["data_version"], inputs.manifest.get("parent_version")
    came = (
        f"follows {parent}; `brokenvideos diff` lists what differs"
        if parent
        else "has no version before it"
    )
    return paragraphs(f"Version {version} {came}.", inputs.about.texts.get("changes"))
