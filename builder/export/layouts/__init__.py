"""Export layouts: one file for each layout, with its `LAYOUT`.

In: rows of a release. Out: files below a folder, written by the functions of an `ExportLayout`.
`export` calls them.
"""

from ....release import names_in, record_in
from ..layout import ExportLayout

__all__ = ["export_layout_named", "export_layout_names", "export_layouts_table"]


def export_layout_names() -> tuple[str, ...]:
    """The names of all export layouts, sorted; each is the name of its file, with - for _."""
    return tuple(name.replace("_", "-") for name in names_in(__path__))


def export_layout_named(name: str) -> ExportLayout:
    """The layout of this name, one of `export_layout_names()`."""
    layout: ExportLayout = record_in(__name__, name.replace("-", "_"), record="LAYOUT")
    return layout


def export_layouts_table() -> str:
    """The layouts as a Markdown table: name, content, options with defaults, and what it cannot
    hold.
    """
    rows = []
    for name in export_layout_names():
        layout = export_layout_named(name)
        defaults = (
            (option, "none" if value is None else value) for option, value in layout.options.items()
        )
        options = ", ".join(
            f"`--{option.replace('_', '-')}` ({value})" for option, value in defaults
        )
        rows.append(f"| {name} | {layout.help} | {options or 'none'} | {layout.lacks or '-'} |")
    return "\n".join(
        ["| layout | holds | options (default) | cannot hold |", "|---|---|---|---|", *rows]
    )
