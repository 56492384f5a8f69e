from .agreement import Agreement as Agreement, agree as agree, apart as apart
from .consensus import write_consensus as write_consensus
from .disputed import DisputedVideo as DisputedVideo, disputed_videos as disputed_videos
from .report import html_report as html_report
