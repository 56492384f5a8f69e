from .answers import (
    AnsweredVideo as AnsweredVideo,
    AnswersEvaluation as AnswersEvaluation,
    answers_report as answers_report,
    evaluate_answers as evaluate_answers,
    is_answers as is_answers,
)
from .counts import (
    FIELDS as FIELDS,
    Counts as Counts,
    against_empty as against_empty,
    count_strings as count_strings,
)
from .evaluation import (
    Evaluation as Evaluation,
    evaluate as evaluate,
    evaluation_of as evaluation_of,
)
from .floors import (
    centre_box as centre_box,
    mean_mask as mean_mask,
    sum_masks as sum_masks,
)
from .intervals import (
    UNRELIABLE as UNRELIABLE,
    Difference as Difference,
    Estimate as Estimate,
    estimate as estimate,
)
from .jf_score import JFScore as JFScore
from .overlap import (
    areas as areas,
    foreground as foreground,
    intersections as intersections,
)
from .overlays import worst_videos as worst_videos
from .page import (
    conventions_list as conventions_list,
    html_page as html_page,
    html_table as html_table,
    legend as legend,
    page_head as page_head,
    table_row as table_row,
    video_tiles as video_tiles,
)
from .predictions import (
    PredictedFrame as PredictedFrame,
    PredictedVideo as PredictedVideo,
    Predictions as Predictions,
    Reading as Reading,
    Values as Values,
    find_predictions as find_predictions,
    formats_table as formats_table,
    read_on_stored as read_on_stored,
)
from .report import html_report as html_report
from .scores import (
    ScoredVideo as ScoredVideo,
    video_scores as video_scores,
)
from .scoring import (
    Missing as Missing,
    Task as Task,
    score_part as score_part,
)
from .summary import (
    Cell as Cell,
    Comparison as Comparison,
    Scores as Scores,
    VideoScores as VideoScores,
)
from .table import UNRELIABLE_NOTE as UNRELIABLE_NOTE
from .tiles import (
    Tile as Tile,
    painted as painted,
    pictures as pictures,
)
from .truth import (
    AnnotatedVideo as AnnotatedVideo,
    Annotation as Annotation,
    EvaluationError as EvaluationError,
    Masklet as Masklet,
    Part as Part,
    annotated_raw as annotated_raw,
    read_annotation as read_annotation,
)
from .turned import on_stored as on_stored
