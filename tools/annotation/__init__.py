"""Annotation: people mark what is broken, an engine carries their masks through the video."""
