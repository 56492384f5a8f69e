"""Measures how well annotators agree, and makes one annotation from several.

In: releases or raw folders of one set of videos. Out: scores of every pair, coefficients, the
consensus. The commands call it. A name is imported when it is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
