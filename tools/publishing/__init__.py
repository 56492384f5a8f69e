"""Publishing: writes a release's card, puts the release on the Hub, verifies it there, and
withdraws videos.

In: a release folder, or the name of a Hub repository. Out: one commit and one tag on the Hub,
reports of what differs. The commands call it.
"""

from .hub_steps import hub_steps
from .on_hub import HubReport, verify_on_hub
from .publish import publish
from .rebuild import rebuild
from .take_down import take_down
from .write_card import write_card

__all__ = [
    "HubReport",
    "hub_steps",
    "publish",
    "rebuild",
    "take_down",
    "verify_on_hub",
    "write_card",
]
