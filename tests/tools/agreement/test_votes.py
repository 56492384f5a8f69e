"""Closed forms from vote counts against libraries that look at every vote."""

import warnings

import numpy as np
import numpy.typing as npt
import pytest

from brokenvideos.tools.agreement.votes import (
    cohen_kappa,
    fleiss_kappa,
    krippendorff_alpha,
    majority,
    marked_by,
    pair_table,
    staple,
    votes_of,
)

BoolArray = npt.NDArray[np.bool_]


def raters(seed: int, count: int, *, pixels: int = 600) -> BoolArray:
    """bool[N, P]: annotators who see the same thing, each with errors of its own."""
    stream = np.random.default_rng(seed)
    truth = stream.random(pixels) < 0.2
    flips = stream.random((count, pixels)) < stream.uniform(0.02, 0.15, (count, 1))
    return truth ^ flips


def patterns_of(marks: BoolArray) -> npt.NDArray[np.int64]:
    count = len(marks)
    return np.bincount((marks.T << np.arange(count)).sum(axis=1), minlength=1 << count)


@pytest.mark.parametrize("seed", range(4))
def test_cohen_equals_scikit_learn(seed: int) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    marks = raters(seed, 3)
    for first, second in ((0, 1), (0, 2), (1, 2)):
        found = cohen_kappa(pair_table(patterns_of(marks), first, second))
        assert found == pytest.approx(
            metrics.cohen_kappa_score(marks[first], marks[second]), abs=1e-12
        )
    kinds = np.random.default_rng(seed).integers(0, 3, (2, 50))
    table = np.zeros((3, 3), np.int64)
    np.add.at(table, tuple(kinds), 1)
    assert cohen_kappa(table) == pytest.approx(metrics.cohen_kappa_score(*kinds), abs=1e-12)


@pytest.mark.parametrize("count", [2, 3, 5])
def test_fleiss_equals_statsmodels(count: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its imports
        inter_rater = pytest.importorskip("statsmodels.stats.inter_rater")
    marks = raters(count, count)
    table = np.stack([(~marks).sum(axis=0), marks.sum(axis=0)], axis=1)
    found = fleiss_kappa(votes_of(patterns_of(marks)))
    assert found == pytest.approx(inter_rater.fleiss_kappa(table, method="fleiss"), abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_alpha_equals_krippendorff_where_some_did_not_look(seed: int) -> None:
    krippendorff = pytest.importorskip("krippendorff")
    marks = raters(seed, 4)
    looked = np.random.default_rng(seed).random(marks.shape) < 0.7
    data = np.where(looked, marks.astype(float), np.nan)
    by_raters = {
        m: np.bincount((marks & looked).sum(axis=0)[looked.sum(axis=0) == m], minlength=m + 1)
        for m in range(5)
    }
    wanted = krippendorff.alpha(reliability_data=data, level_of_measurement="nominal")
    assert krippendorff_alpha(by_raters) == pytest.approx(wanted, abs=1e-12)


# Two annotators do not determine the estimate: it creeps along a ridge of equal likelihood, and
# implementations stop elsewhere.
@pytest.mark.parametrize(
    ("seed", "count", "near"), [(0, 3, 1e-5), (1, 3, 1e-5), (2, 5, 1e-5), (3, 2, 1e-3)]
)
def test_staple_equals_itk(seed: int, count: int, near: float) -> None:
    sitk = pytest.importorskip("SimpleITK")
    marks = raters(seed, count).reshape(count, 20, 30)
    images = [sitk.GetImageFromArray(mask.astype(np.uint8)) for mask in marks]
    staple_filter = sitk.STAPLEImageFilter()
    staple_filter.SetForegroundValue(1)
    wanted = sitk.GetArrayFromImage(staple_filter.Execute(images))
    found = staple(patterns_of(marks.reshape(count, -1)))
    assert found is not None
    assert found.sensitivity == pytest.approx(np.array(staple_filter.GetSensitivity()), abs=near)
    assert found.specificity == pytest.approx(np.array(staple_filter.GetSpecificity()), abs=near)
    pixels = (marks.reshape(count, -1).T << np.arange(count)).sum(axis=1)
    assert found.probability[pixels].reshape(20, 30) == pytest.approx(wanted, abs=10 * near)


def test_a_tie_is_no_majority() -> None:
    assert majority(2).tolist() == [False, False, False, True]
    assert majority(3).tolist() == [False, False, False, True, False, True, True, True]
    assert marked_by(2).tolist() == [[False, False], [True, False], [False, True], [True, True]]


def test_empty_input_has_a_defined_answer() -> None:
    nothing = np.zeros(8, np.int64)
    assert cohen_kappa(pair_table(nothing, 0, 1)) is None
    assert fleiss_kappa(votes_of(nothing)) is None
    assert krippendorff_alpha({}) is None
    assert krippendorff_alpha({1: np.array([3, 4])}) is None
    assert staple(nothing) is None


@pytest.mark.parametrize("pattern", [0, 7])
def test_everybody_chose_one_class(pattern: int) -> None:
    patterns = np.zeros(8, np.int64)
    patterns[pattern] = 100
    votes = votes_of(patterns)
    assert cohen_kappa(pair_table(patterns, 0, 2)) == 1
    assert fleiss_kappa(votes) == 1
    assert krippendorff_alpha({3: votes}) == 1
    found = staple(patterns)
    assert found is not None
    assert found.probability[pattern] == (pattern == 7)
    assert found.sensitivity.tolist() == found.specificity.tolist() == [1, 1, 1]
