"""The area under the ROC curve over videos, with its interval."""

import math

import numpy as np
import numpy.typing as npt

from ....card import wilson_interval
from ....masks import Float64Array
from ..intervals import Estimate, student_t
from ..scores import video_auc


def auroc(broken: npt.NDArray[np.bool_], scores: Float64Array) -> Estimate:
    """The share of (broken, normal) pairs in which the broken video has the higher score. A tie
    counts half.

    None unless there are broken and normal videos. There is no interval if one kind has a single
    video. `n` of the result is the number of videos of the rarer kind.

    The interval is DeLong's on the logit scale with Student's t. If all broken videos score higher
    than all normal ones, or lower, DeLong's interval has no width; Wilson's interval of a share of
    n videos is used then. In simulations with normally distributed scores, this interval covered
    the true value in 94 to 99 % of cases at n = 10 to 50; DeLong's alone fell to 83 %.

    Args:
        broken: bool[N].
        scores: float64[N]; infinite scores are allowed.

    Source: DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988); Pepe, The Statistical
    Evaluation of Medical Tests for Classification and Prediction, 2003, section 5.2 (logit).
    """
    positive, negative = scores[broken], scores[~broken]
    count = min(len(positive), len(negative))
    value = video_auc(broken, scores)
    if value is None or count < 2:
        return Estimate(value, None, None, count)
    pairs = (positive[:, None] > negative[None]) + 0.5 * (positive[:, None] == negative[None])
    variance = sum(
        float(pairs.mean(axis=axis).var(ddof=1)) / pairs.shape[1 - axis] for axis in (0, 1)
    )
    if not 0 < value < 1 or variance == 0:
        # one half if all scores are equal
        low, high = wilson_interval(value * count, count) or (None, None)
        return Estimate(value, low, high, count)
    reach = student_t(count - 1) * math.sqrt(variance) / (value * (1 - value))
    middle = math.log(value / (1 - value))
    low, high = (1 / (1 + math.exp(-(middle + side * reach))) for side in (-1, 1))
    return Estimate(value, low, high, count)
