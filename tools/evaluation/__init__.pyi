from .counts import (
    FIELDS as FIELDS,
    Counts as Counts,
    against_empty as against_empty,
    count_strings as count_strings,
)
from .evaluation import (
    Evaluation as Evaluation,
    VideoScores as VideoScores,
    evaluate as evaluate,
    evaluation_of as evaluation_of,
)
from .floors import (
    centre_box as centre_box,
    mean_mask as mean_mask,
    sum_masks as sum_masks,
)
from .intervals import (
    Estimate as Estimate,
    estimate as estimate,
)
from .overlap import (
    areas as areas,
    foreground as foreground,
    intersections as intersections,
)
from .overlays import worst_videos as worst_videos
from .predictions import (
    PredictedFrame as PredictedFrame,
    PredictedVideo as PredictedVideo,
    Predictions as Predictions,
    Values as Values,
    find_predictions as find_predictions,
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
from .truth import (
    UNKNOWN as UNKNOWN,
    AnnotatedVideo as AnnotatedVideo,
    Annotation as Annotation,
    EvaluationError as EvaluationError,
    Masklet as Masklet,
    Part as Part,
    read_annotation as read_annotation,
)
