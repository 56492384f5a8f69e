"""A page in one file that needs no network."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path

from .tiles import Tile


def html_page(title: str, sections: Iterable[str], *, more_style: str = "") -> str:
    """The page with these sections, which are HTML; empty ones are left out. `more_style` is CSS for what only this page has."""
    folder = Path(__file__).parent
    style, script = ((folder / file).read_text(encoding="utf-8") for file in ("report.css", "report.js"))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title>\n<style>\n{style}{more_style}</style></head>\n<body>\n"
        + "\n".join(filter(None, sections))
        + f"\n<script>\n{script}</script>\n</body></html>\n"
    )


def page_head(title: str, facts: Mapping[str, str]) -> str:
    """The heading; facts by name are HTML."""
    items = "".join(f"<li><span class='faint'>{key}</span> <b>{value}</b></li>" for key, value in facts.items())
    return f"<header><h1>{escape(title)}</h1><ul class='facts'>{items}</ul></header>"


def legend(colours: Mapping[str, str]) -> str:
    """What colours mean: CSS colour by name."""
    return "".join(
        f"<span><i style='background:{colour}'></i>{escape(name)}</span>" for name, colour in colours.items()
    ).join(("<div class='legend'>", "</div>"))


def video_tiles(video_id: str, said: str, more: str, tiles: Sequence[Tile]) -> str:
    """One video: its id, what is to be said of it, and its frames."""
    figures = "".join(
        f"<figure><img src='data:image/jpeg;base64,{base64.b64encode(tile.jpeg).decode()}' width='{tile.width}' "
        f"height='{tile.height}' alt='frame {tile.frame_index}' loading='lazy'>"
        f"<figcaption>frame {tile.frame_index}</figcaption></figure>"
        for tile in tiles
    )
    return (
        f"<div class='worst'><h3><code>{escape(video_id)}</code><span>{escape(said)}</span>"
        f"<span class='faint'>{escape(more)}</span></h3><div class='tiles'>{figures}</div></div>"
    )


def table_row(tag: str, cells: Sequence[str], *, text: int) -> str:
    """A row of th or td: `text` cells of text first, numbers after."""
    parts = (
        f"<{tag}{' class=text' if number < text else ''}>{escape(cell)}</{tag}>" for number, cell in enumerate(cells)
    )
    return f"<tr>{''.join(parts)}</tr>"


def html_table(head: str, body: str, *, name: str = "") -> str:
    """A table that scrolls sideways; one with a name is long, and can be sorted and filtered."""
    long, kind = (" tall", f" class='sortable' id='{name}'") if name else ("", "")
    return f"<div class='scroll{long}'><table{kind}><thead>{head}</thead><tbody>{body}</tbody></table></div>"


def conventions_list(conventions: Mapping[str, str]) -> str:
    """What the numbers mean."""
    items = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in conventions.items())
    return f"<h2>Conventions</h2><details open><summary>What the numbers mean</summary><dl>{items}</dl></details>"
