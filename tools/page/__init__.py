"""What every page of ours in a browser needs: its server on loopback, frames as picture files, and ES modules without a build step.

In: videos, and the application of a stage. Out: that application served behind a guard; frames as JPEG or PNG; the modules. Stages
that open a page call it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
