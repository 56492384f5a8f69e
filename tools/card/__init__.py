"""Finishing the card of a release in its folder, and rebuilding a release that has one."""
