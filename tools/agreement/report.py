"""Writes an agreement as one HTML file that needs no network: the ceiling, the pairs, and the most disputed frames."""

from collections.abc import Sequence

from ..evaluation import (
    UNRELIABLE_NOTE,
    Estimate,
    conventions_list,
    html_page,
    html_table,
    legend,
    page_head,
    table_row,
    video_tiles,
)
from .agreement import CONVENTIONS, Agreement, shown_estimate, shown_number
from .disputed import COLOURS, DisputedVideo


def html_report(agreement: Agreement, disputed: Sequence[DisputedVideo] = ()) -> str:
    """The page as HTML; equal agreements give equal pages."""
    title = f"Agreement of {', '.join(agreement.annotators)}"
    facts = {
        "Videos": f"{agreement.num_videos}, {agreement.num_marked} marked by somebody",
        "Human ceiling, J&amp;F in active frames": shown_estimate(agreement.active_ceiling),
        "in all frames": shown_estimate(agreement.ceiling),
        "Fleiss&rsquo; kappa": shown_number(agreement.fleiss_kappa),
        "Krippendorff&rsquo;s alpha": shown_number(agreement.krippendorff_alpha),
    }
    sections = [
        page_head(title, facts),
        _pairs(agreement),
        _disputed(agreement, disputed),
        conventions_list(CONVENTIONS),
    ]
    return html_page(title, sections)


def _pairs(agreement: Agreement) -> str:
    head = ["pair", "J&F active", "J&F", "Dice active", "Dice", "kappa", "objects matched", "types equal"]
    rows = []
    for pair in agreement.pairs:
        scores: list[Estimate] = [pair.active_jf, pair.jf, pair.active_dice, pair.dice]
        cells = [
            f"{pair.first} and {pair.second}",
            *map(shown_estimate, scores),
            shown_number(pair.kappa),
            f"{pair.objects_matched} of {pair.objects_first} and {pair.objects_second}",
            shown_number(pair.types_equal),
        ]
        rows.append(table_row("td", cells, text=1))
    table = html_table(table_row("th", head, text=1), "".join(rows))
    return f"<h2>Pairs</h2><p class='note'>Means over marked videos, 95 % intervals. {UNRELIABLE_NOTE}</p>{table}"


def _disputed(agreement: Agreement, disputed: Sequence[DisputedVideo]) -> str:
    if not disputed:
        return "<h2>Most disputed</h2><p>Nothing is disputed.</p>"
    css = [f"rgb{colour}" for colour in COLOURS]
    colours = legend(dict(zip(agreement.annotators, css, strict=False)))
    blocks = [video_tiles(video.video_id, f"active J&F {video.active_jf:.3f}", "", video.tiles) for video in disputed]
    return (
        "<h2>Most disputed</h2><p class='note'>Of each video the frames with the lowest J&amp;F, in the order of time. An outline "
        f"is what one annotator marked.</p>{colours}{''.join(blocks)}"
    )
