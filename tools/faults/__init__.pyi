from .fault import (
    MIN_SIDE_PX as MIN_SIDE_PX,
    Faulty as Faulty,
    add_fault as add_fault,
)
from .operations import (
    OPERATIONS as OPERATIONS,
    Operation as Operation,
    operations_without as operations_without,
)
