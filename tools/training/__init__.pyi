from .options import TrainOptions as TrainOptions
from .predictor import (
    Predictor as Predictor,
    VideoPrediction as VideoPrediction,
    load_model as load_model,
)
from .recipe import (
    Recipe as Recipe,
    TrainError as TrainError,
)
from .training import train as train
