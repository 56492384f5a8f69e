"""A report as plain data: sections of figures, tables and charts, and numbers of every video. The
page of explore draws it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

BINS = 20
"""Equal parts of 0 to 1 in a histogram."""
DECIMALS = 6
"""Of every number in a report."""

Tone = Literal["plain", "note", "warning"]
Form = Literal["text", "count", "number", "share", "signed"]
"""How a column is written: text, whole number, three decimals, percent, three decimals with a
sign.
"""


@dataclass(frozen=True, slots=True)
class Facts:
    """Names, and what is said under each."""

    items: tuple[tuple[str, str], ...]
    kind: str = field(default="facts", init=False)


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph."""

    text: str
    tone: Tone = "plain"
    kind: str = field(default="text", init=False)


@dataclass(frozen=True, slots=True)
class Figure:
    """A headline number from 0 to 1 on a scale, with its 95 % interval and floors by name;
    `interval` is the same as text.
    """

    title: str
    note: str
    value: float
    n: int
    low: float | None = None
    high: float | None = None
    interval: str = ""
    floors: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Figures:
    """Headline numbers side by side."""

    figures: tuple[Figure, ...]
    kind: str = field(default="figures", init=False)


@dataclass(frozen=True, slots=True)
class Ranged:
    """A number of a table with its interval as text."""

    value: float | None
    interval: str


Cell = str | float | None | Ranged


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. bars: its numbers, from 0 to 1, are drawn too. choose: rows can be
    chosen by its texts.
    """

    title: str
    form: Form = "number"
    bars: bool = False
    choose: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells, one for each column. own: the row that stands out. is_long: it can be sorted
    and searched.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    own: int | None = None
    is_long: bool = False
    kind: str = field(default="table", init=False)


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many videos lie in each of BINS equal parts of 0 to 1, by series."""

    title: str
    series: Mapping[str, tuple[int, ...]]
    kind: str = field(default="histogram", init=False)


@dataclass(frozen=True, slots=True)
class Scatter:
    """Videos as (video_id, x, y): x a share, on a logarithmic scale from 0.01 %; y from 0 to 1."""

    x_title: str
    y_title: str
    points: tuple[tuple[str, float, float], ...]
    kind: str = field(default="scatter", init=False)


@dataclass(frozen=True, slots=True)
class Bars:
    """(name, n, value from 0 to 1) as horizontal bars."""

    title: str
    rows: tuple[tuple[str, int, float | None], ...]
    kind: str = field(default="bars", init=False)


@dataclass(frozen=True, slots=True)
class Definitions:
    """Words, and what each means."""

    items: tuple[tuple[str, str], ...]
    kind: str = field(default="definitions", init=False)


@dataclass(frozen=True, slots=True)
class EveryVideo:
    """Stands where the table of all videos with their metrics belongs."""

    note: str = ""
    kind: str = field(default="every-video", init=False)


Part = Facts | Text | Figures | Table | Histogram | Scatter | Bars | Definitions | EveryVideo


@dataclass(frozen=True, slots=True)
class Section:
    """Parts under a heading; the first section of a report has none."""

    title: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Metric:
    """A number of every video, in the order of `Report.videos`; None or NaN where there is nothing
    to say.

    key: names it in addresses. descending: the highest is the worst.
    """

    key: str
    title: str
    values: tuple[float | None, ...]
    form: Form = "number"
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Spark:
    """A small curve: heights in percent of the highest of all videos, and which of its columns are
    marked.
    """

    heights: tuple[int, ...]
    marked: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Scored:
    """How far another source agrees on one video.

    jf: J&F, mean over the annotated frames. disagreement: 1 - J&F over the frames that either
    marks. worst: of those, the frame with the lowest J&F. problem: why there are no numbers.
    """

    jf: float | None
    disagreement: float | None
    worst: int | None
    problem: str | None = None

    def to_json(self) -> list[Any]:
        """J&F, disagreement, the frame with the lowest J&F among those that either marks, what is
        wrong.
        """
        rounded = [
            None if value is None else round(value, 4) for value in (self.jf, self.disagreement)
        ]
        return [*rounded, self.worst, self.problem]


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a report says.

    videos: ids of the videos it is about, each once.
    sort: the metric (or field of the page's list) by which its videos are listed, the worst first.
    worst: the videos to be shown first, where not all can be; those that it does not name come
    after them. scores: by video, one for each other source that the page is given.
    sparks, links: by video; a link is (words, address from the page's folder).
    """

    title: str
    sections: tuple[Section, ...]
    videos: tuple[str, ...]
    metrics: tuple[Metric, ...] = ()
    sort: str = "id"
    worst: tuple[str, ...] = ()
    scores: Mapping[str, Sequence[Scored]] = field(default_factory=dict)
    sparks: Mapping[str, Spark] = field(default_factory=dict)
    spark_title: str = ""
    links: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """What the page is told: plain values, numbers that nobody can give as None."""
        return {
            "title": self.title,
            "sort": self.sort,
            "sections": [_plain(asdict(section)) for section in self.sections],
            "metrics": [
                {
                    "key": found.key,
                    "title": found.title,
                    "form": found.form,
                    "descending": found.descending,
                }
                for found in self.metrics
            ],
            "spark_title": self.spark_title,
            "videos": {
                video_id: {
                    "values": _plain([found.values[place] for found in self.metrics]),
                    **(
                        {"spark": _plain(asdict(self.sparks[video_id]))}
                        if video_id in self.sparks
                        else {}
                    ),
                    **({"link": list(self.links[video_id])} if video_id in self.links else {}),
                }
                for place, video_id in enumerate(self.videos)
            },
        }


def histogram(title: str, series: Mapping[str, Sequence[float]]) -> Histogram:
    """The histogram of values from 0 to 1; NaN is left out."""
    counts = {name: [0] * BINS for name in series}
    for name, values in series.items():
        for value in values:
            if not math.isnan(value):
                counts[name][min(BINS - 1, int(value * BINS))] += 1
    return Histogram(title, {name: tuple(found) for name, found in counts.items()})


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, DECIMALS)
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value
