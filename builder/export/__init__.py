"""A release -> a raw folder that `brokenvideos build` reads again."""

from .export import EXPORT_LAYOUTS, ExportError, ExportReport, export

__all__ = ["EXPORT_LAYOUTS", "ExportError", "ExportReport", "export"]
