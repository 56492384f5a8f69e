"""Proving a release: in a folder, or on the Hub without downloading it."""
