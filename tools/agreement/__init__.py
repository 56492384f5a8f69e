"""How far annotators agree, and one annotation from several."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from brokenvideos.tools.agreement.agreement import Agreement, agree
    from brokenvideos.tools.agreement.consensus import write_consensus

__all__ = ["Agreement", "agree", "write_consensus"]


def __getattr__(name: str) -> Any:
    # The command line names this package before it knows which command is wanted.
    if name in ("Agreement", "agree"):
        from brokenvideos.tools.agreement import agreement

        return getattr(agreement, name)
    if name == "write_consensus":
        from brokenvideos.tools.agreement.consensus import write_consensus

        return write_consensus
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
