"""The forms of predictions that are read: one file a form, each with a `FORMAT`.

In: what lies at a path. Out: predictions. `find_predictions` calls them. A file is imported when predictions are looked for.
"""

from .....release import names_in

__all__ = ["FORMATS"]

FORMATS = tuple(names_in(__path__))
"""The names of all forms; each is the name of its file."""
