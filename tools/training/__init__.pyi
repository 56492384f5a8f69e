from .options import TrainOptions as TrainOptions
from .predictor import (
    Predictor as Predictor,
    VideoPrediction as VideoPrediction,
    load_model as load_model,
)
from .promise import warning as warning
from .recipe import (
    Recipe as Recipe,
    TrainError as TrainError,
    need_extra as need_extra,
)
from .seen import far_from as far_from
from .training import train as train
