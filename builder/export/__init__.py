"""A release in the layouts of other tools, one file a layout in layouts/.

In: a release folder. Out: a folder that `build` reads again, or that others read. Commands and `annotate` call `export`.
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
