"""The contract of the dataset, written and read in one room: what a row holds, where a release keeps
it, how it is read.

In: the files of a release, local or on the Hub. Out: rows, tables, manifests, the `datasets` builder. Everybody above
may call it; it knows masks and frames only. A name is imported when it is first used: `datasets` and pyarrow take
longer to import than many programs run.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
