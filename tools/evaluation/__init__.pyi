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
from .predictions import (
    PredictedFrame as PredictedFrame,
    PredictedVideo as PredictedVideo,
    Predictions as Predictions,
    Reading as Reading,
    Values as Values,
    find_predictions as find_predictions,
    formats_table as formats_table,
    read_annotated_videos as read_annotated_videos,
    read_on_stored as read_on_stored,
)
from .protocol import (
    PROTOCOLS as PROTOCOLS,
    ObjectScores as ObjectScores,
    Protocol as Protocol,
)
from .report import evaluation_report as evaluation_report
from .scores import (
    ScoredObject as ScoredObject,
    ScoredVideo as ScoredVideo,
    disputed as disputed,
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
