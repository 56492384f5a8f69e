from .error import AdoptError as AdoptError
from .report import AdoptReport as AdoptReport
from .run import AdoptOptions as AdoptOptions, adopt as adopt
