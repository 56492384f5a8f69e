"""Scores predicted masks against a truth: J&F exactly as DAVIS, with intervals and floors.

In: releases, raw folders or mask folders, and predictions for their videos; or masks batch by
batch. Out: an `Evaluation`. The commands, training and users call it. A name is imported when it is
first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
