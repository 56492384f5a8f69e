"""The contract of the dataset: the columns of a row, the files of a release, and the code that
reads and writes them.

In: the files of a release, local or on the Hub. Out: rows, tables, manifests, the `datasets`
builder. Every room above may call it; it uses only masks and frames. A name is imported when it is
first used, because `datasets` and pyarrow take longer to import than many programs run.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
