"""The forms of predictions: one file for each form, with its `FORMAT`.

In: the files at a path. Out: predictions. `find_predictions` calls them. A file is imported when
predictions are looked for.
"""

from .....release import names_in

__all__ = ["FORMATS"]

FORMATS = tuple(names_in(__path__))
"""The names of all forms; each is the name of its file."""
