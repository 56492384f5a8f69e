from .adopt import AdoptOptions as AdoptOptions, adopt as adopt
from .error import AdoptError as AdoptError
from .report import AdoptReport as AdoptReport
