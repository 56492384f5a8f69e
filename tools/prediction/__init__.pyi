from .flag import Flag as Flag
from .model import open_model as open_model
from .prediction import predict as predict
from .verdict import REPORT_HTML as REPORT_HTML, Report as Report, VideoReport as VideoReport
from .videos import (
    PredictError as PredictError,
    find_videos as find_videos,
)
