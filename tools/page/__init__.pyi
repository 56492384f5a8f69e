from .answers import (
    FrameRequest as FrameRequest,
    FrameRequestError as FrameRequestError,
    error_answer as error_answer,
    file_answer as file_answer,
    frame_answer as frame_answer,
    frame_request as frame_request,
)
from .frame_queue import FrameQueue as FrameQueue, Lane as Lane, SupersededError as SupersededError
from .memory import return_freed_memory as return_freed_memory
from .modules import MODULES as MODULES
from .pictures import PictureFormat as PictureFormat, Pictures as Pictures
from .report import (
    BINS as BINS,
    Bars as Bars,
    Cell as Cell,
    Column as Column,
    Definitions as Definitions,
    EveryVideo as EveryVideo,
    Facts as Facts,
    Figure as Figure,
    Figures as Figures,
    Form as Form,
    Histogram as Histogram,
    Metric as Metric,
    Part as Part,
    Ranged as Ranged,
    Report as Report,
    Scatter as Scatter,
    Scored as Scored,
    Section as Section,
    Spark as Spark,
    Table as Table,
    Text as Text,
    Tone as Tone,
    histogram as histogram,
)
from .server import (
    ServerError as ServerError,
    address_of as address_of,
    check_host as check_host,
    ended_by_signals as ended_by_signals,
    guarded_server as guarded_server,
    hosts_of as hosts_of,
    listen as listen,
    new_token as new_token,
    serve_until_told as serve_until_told,
)
