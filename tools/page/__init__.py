"""What every page of ours in a browser needs: its server on loopback, frames as picture files, ES modules without a build step.

In: videos, the application of a stage, or what a stage reports. Out: the application served behind a guard, frames as JPEG or PNG,
the modules, the report as plain data. Stages that open or write a page call it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
