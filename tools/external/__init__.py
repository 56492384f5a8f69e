"""In: a model, and sets of other people's videos with masks. Out: one table with the scores on
each, floors beside.

The command calls it. A set is a release, or a folder in any raw layout, which is built first.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
