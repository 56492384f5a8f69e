from .score import (
    ExternalError as ExternalError,
    score_sets as score_sets,
)
from .table import (
    sets_dict as sets_dict,
    sets_table as sets_table,
)
