"""The card's figures: the data of each as plain values, and its drawing. The same values and
versions give the same bytes.
"""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..masks import (
    LABEL_COLOURS,
    NOT_GIVEN_COLOUR,
    TYPE_COLOURS,
    TYPE_NOT_GIVEN,
    Colour,
    type_colour,
)
from .details import AREA_EDGES, Details
from .facts import Facts, types_in
from .fonts import Lettering, lettering_for

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_IN, DPI = 8.0, 200
"""The size of figures: a card is about 830 pixels wide on the Hub, so 1,600 pixels are sharp, and 9
points look like the card's text.
"""

INK, FAINT, RULE = "#24292f", "#57606a", "#d0d7de"
STYLE = {
    "axes.edgecolor": RULE,
    "axes.labelcolor": FAINT,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "font.size": 9,
    "legend.frameon": False,
    "svg.hashsalt": "brokenvideos",
    "text.color": INK,
    "text.parse_math": False,  # a name may hold $, _ and ^
    "xtick.color": FAINT,
    "ytick.color": FAINT,
}
MAX_BARS = 12
MAX_NAME = 40
"""Largest number of characters of a generator's name beside its bars."""

Data = dict[str, Any]


def figure_data(total: Facts, details: Details) -> dict[str, Data]:
    """The data of each figure by name, as plain values for JSON. A figure without data is left
    out.
    """
    data = {
        "generators": _generators(total, details),
        "lengths": _lengths(details),
        "sizes": {"counts": dict(total.sizes.most_common())},
    }
    types = [name for name in types_in(details.num_masks) if details.num_masks[name]]
    if types:
        data["mask_areas"] = {name: details.areas[name].tolist() for name in types}
        data["positions"] = {
            name: (details.covered[name] / details.num_masks[name]).tolist() for name in types
        }
    return data


def draw(name: str, data: Data) -> bytes:
    """A figure as PNG, `WIDTH_IN` x `DPI` pixels wide.

    Args:
        name, data: an entry of `figure_data`.
    """
    with _plain_style():
        figure = _DRAW[name](data)
        out = io.BytesIO()
        figure.savefig(out, format="png", dpi=DPI, facecolor="white", metadata={"Software": None})
    return out.getvalue()


@contextmanager
def _plain_style() -> Iterator[None]:
    """Matplotlib's defaults with `STYLE`; the user's settings are ignored."""
    import matplotlib.style

    with matplotlib.style.context(["default", STYLE], after_reset=True):
        yield


def _new(height_in: float, columns: int = 1, **options: Any) -> "tuple[Figure, list[Axes]]":
    # pyplot is not used: it keeps every figure in a global list, and chooses a backend by the
    # environment.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH_IN, height_in), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, list(figure.subplots(1, columns, squeeze=False, **options)[0])


def _paint(colour: Colour, *, dark: float = 0.0) -> tuple[float, float, float]:
    red, green, blue = (channel / 255 * (1 - dark) for channel in colour)
    return red, green, blue


# --- Generators -----------------------------------------------------------------------------------

_KIND_COLOURS = {
    "normal": LABEL_COLOURS["normal"],
    **TYPE_COLOURS,
    TYPE_NOT_GIVEN: NOT_GIVEN_COLOUR,
}


def _generators(total: Facts, details: Details) -> Data:
    names = sorted(total.generators, key=lambda name: (-total.generators[name], name))
    rest = names[2 * MAX_BARS :]
    shown = {name: [name] for name in names[: 2 * MAX_BARS]} | (
        {f"{len(rest)} others": rest} if rest else {}
    )
    return {
        "generators": list(shown),
        "counts": {
            kind: [
                sum(details.generator_types[name, kind] for name in group)
                for group in shown.values()
            ]
            for kind in _KIND_COLOURS
        },
    }


def _draw_generators(data: Data) -> "Figure":
    names = data["generators"]
    lettering = lettering_of(data)
    figure, panels = _new(0.9 + 0.27 * len(names), len(data["counts"]), sharey=True)
    places = np.arange(len(names))
    most = max(1, *(max(counts) for counts in data["counts"].values()))
    for panel, (kind, counts) in zip(panels, data["counts"].items(), strict=True):
        panel.barh(places, counts, height=0.68, color=_paint(_KIND_COLOURS[kind]))
        _label_bars(panel, places, counts)
        panel.set_title(kind)
        panel.set_xlim(0, most * 1.28)
        panel.set_xticks([])
        panel.tick_params(length=0)
        panel.spines["bottom"].set_visible(False)
    shown = [_shortened(lettering.shown(name)) for name in names]
    panels[0].set_yticks(places, shown, color=INK, fontfamily=list(lettering.families))
    panels[0].invert_yaxis()
    spelled = (
        " (U+…: a character that no font had; the table has the names)" if lettering.missing else ""
    )
    figure.supxlabel(f"videos{spelled}", fontsize=9, color=FAINT)
    return figure


def lettering_of(data: Data) -> Lettering:
    """Fonts for the names of generators; `data`: of the figure `generators`."""
    return lettering_for(data["generators"])


def _label_bars(panel: "Axes", places: npt.NDArray[np.int64], counts: Sequence[int]) -> None:
    """Writes its count behind each horizontal bar."""
    for place, count in zip(places, counts, strict=True):
        panel.annotate(
            f"{count:,}",
            (count, place),
            (3, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=FAINT,
        )


def _shortened(name: str) -> str:
    return name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 1]}…"


# --- Masks ----------------------------------------------------------------------------------------


def _draw_mask_areas(data: Data) -> "Figure":
    from matplotlib.ticker import MaxNLocator

    figure, panels = _new(2.3, len(data), sharex=True)
    for panel, (name, counts) in zip(panels, data.items(), strict=True):
        widths = np.diff(AREA_EDGES)
        panel.bar(
            AREA_EDGES[:-1],
            counts,
            widths,
            align="edge",
            color=_paint(type_colour(name)),
            edgecolor=_paint(type_colour(name), dark=0.35),
            linewidth=0.6,
        )
        panel.set_xscale("log")
        panel.set_xlim(AREA_EDGES[0], 1)
        ticks = [1e-4, 1e-3, 1e-2, 1e-1, 1]
        panel.set_xticks(ticks, [f"{100 * tick:g}" for tick in ticks])
        panel.minorticks_off()
        panel.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        panel.set_title(f"{name} ({sum(counts):,})")
    panels[0].set_ylabel("masks")
    figure.supxlabel("percent of the frame that a mask covers", fontsize=9, color=FAINT)
    return figure


def _draw_positions(data: Data) -> "Figure":
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    figure, panels = _new(2.2, len(data))
    for panel, (name, cells) in zip(panels, data.items(), strict=True):
        colour = type_colour(name)
        ramp = LinearSegmentedColormap.from_list(
            name, [(1.0, 1.0, 1.0), _paint(colour), _paint(colour, dark=0.75)]
        )
        shares = np.asarray(cells)
        image = panel.imshow(
            shares, cmap=ramp, vmin=0, vmax=max(shares.max(), 1e-9), interpolation="bilinear"
        )
        panel.set_title(name)
        panel.set_xticks([])
        panel.set_yticks([])
        for spine in panel.spines.values():
            spine.set_visible(True)
        bar = figure.colorbar(
            image, ax=panel, orientation="horizontal", fraction=0.06, pad=0.04, aspect=30
        )
        bar.outline.set_visible(False)
        digits = 0 if shares.max() >= 0.04 else 1
        bar.ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=digits))
        bar.ax.xaxis.set_major_locator(MaxNLocator(4))
        bar.ax.tick_params(length=2)
    return figure


# --- Videos ---------------------------------------------------------------------------------------


def _lengths(details: Details) -> Data:
    labels = list(LABEL_COLOURS)
    return {
        label: sorted(
            [length, count]
            for (name, length), count in details.label_lengths.items()
            if name == label
        )
        for label in labels
    }


def _draw_lengths(data: Data) -> "Figure":
    from matplotlib.ticker import MaxNLocator

    figure, (panel,) = _new(2.2)
    every = [length for pairs in data.values() for length, _ in pairs]
    low, high = min(every), max(every)
    step = max(1, -(-(high - low + 1) // 40))
    edges = np.arange(low, high + step + 1, step) - 0.5
    bottom = np.zeros(len(edges) - 1)
    for label, pairs in data.items():
        lengths, counts = np.array(pairs, np.int64).reshape(-1, 2).T
        heights = np.histogram(lengths, edges, weights=counts)[0]
        panel.bar(
            edges[:-1],
            heights,
            step * 0.92,
            bottom,
            align="edge",
            color=_paint(LABEL_COLOURS[label]),
            label=label,
        )
        bottom += heights
    panel.set_xlabel("frames in a video")
    panel.set_ylabel("videos")
    panel.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    panel.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    if high - low < 6 * step:
        panel.set_xlim(low - 6 * step, high + 6 * step)
    panel.legend(ncols=2, loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0.2)
    return figure


def _draw_sizes(data: Data) -> "Figure":
    counts = list(data["counts"].items())
    shown, rest = counts[:MAX_BARS], counts[MAX_BARS:]
    names = [name.replace("x", " by ") for name, _ in shown] + (
        [f"{len(rest)} other sizes"] if rest else []
    )
    numbers = [count for _, count in shown] + ([sum(count for _, count in rest)] if rest else [])
    figure, (panel,) = _new(0.45 + 0.24 * len(names))
    places = np.arange(len(names))
    panel.barh(places, numbers, height=0.68, color="#6e7781")
    _label_bars(panel, places, numbers)
    panel.set_yticks(places, names, color=INK)
    panel.invert_yaxis()
    panel.set_xticks([])
    panel.set_xlabel("videos, by width and height in pixels")
    panel.tick_params(length=0)
    panel.spines["bottom"].set_visible(False)
    return figure


_DRAW: "Mapping[str, Callable[[Data], Figure]]" = {
    "generators": _draw_generators,
    "mask_areas": _draw_mask_areas,
    "positions": _draw_positions,
    "lengths": _draw_lengths,
    "sizes": _draw_sizes,
}
