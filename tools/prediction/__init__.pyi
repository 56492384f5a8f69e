from .flag import Flag as Flag
from .kinds import Video as Video
from .model import open_model as open_model
from .prediction import predict as predict
from .tables import junit_xml as junit_xml
from .verdict import REPORT_HTML as REPORT_HTML, Report as Report, VideoReport as VideoReport
from .videos import (
    PredictError as PredictError,
    find_videos as find_videos,
)
