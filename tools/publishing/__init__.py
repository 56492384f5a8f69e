"""Publishing: a verified release becomes one commit and one tag of a Hub repository."""
