"""Writes a release in the layouts of other tools; each layout is one file in layouts/.

In: a release folder. Out: a folder that `build` can read again, or that other tools read. Commands
and `annotate` call `export`.
"""

from .export import ExportError, ExportReport, export
from .layout import ExportOptions
from .layouts import export_layout_named, export_layout_names, export_layouts_table

__all__ = [
    "ExportError",
    "ExportOptions",
    "ExportReport",
    "export",
    "export_layout_named",
    "export_layout_names",
    "export_layouts_table",
]
