"""A prediction for other programs: a CSV of one line per video, and JUnit XML that CI servers
show.
"""

import csv
import io
import re
from xml.etree import ElementTree

from .verdict import Report

SUITE = "brokenvideos predict"


def videos_csv(report: Report) -> str:
    """A line per video with a heading: those that were read by video_id, then those that were not,
    with the reason.
    """
    rows = [found.summary() for found in report.videos]
    rows += [
        {"where": where, "label": "unreadable", "reason": what} for where, what in report.unreadable
    ]
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def junit_xml(report: Report) -> bytes:
    """A test for the gate, where there is one, and for every video.

    A video that could not be read is an error. A flagged one is a failure, unless there is a gate
    and it is open: then what was found is in its output.
    """
    suite = ElementTree.Element("testsuite", name=SUITE)
    line = report.gate_line()
    if line is not None:
        test = _test(suite, "gate", "gate")
        share = report.share
        facts = {
            "max_broken": report.max_broken,
            "n": share.n,
            "share": share.value,
            "low": share.low,
            "high": share.high,
        }
        properties = ElementTree.SubElement(test, "properties")
        for name, value in facts.items():
            ElementTree.SubElement(
                properties, "property", name=name, value="" if value is None else f"{value:g}"
            )
        if report.gate_closed:
            ElementTree.SubElement(test, "failure", message=_text(line))
        else:
            ElementTree.SubElement(test, "system-out").text = _text(line)
    for found in report.videos:
        test = _test(suite, "videos", found.video_id)
        if not found.flagged:
            continue
        sentence = (
            f"flagged broken: {found.broken_frames.sum()} of {len(found.areas)} frames, "
            f"{found.seconds_broken:.2f} s; worst is frame {found.worst_frame} with "
            f"{found.areas.max():.1%} marked"
        )
        if report.max_broken is None or report.gate_closed:
            ElementTree.SubElement(test, "failure", message=sentence)
        else:
            ElementTree.SubElement(test, "system-out").text = sentence
    for where, what in report.unreadable:
        ElementTree.SubElement(_test(suite, "videos", where), "error", message=_text(what))
    for kind, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error")):
        suite.set(kind, str(len(suite.findall(f".//{tag}"))))
    ElementTree.indent(suite)
    text: bytes = ElementTree.tostring(suite, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _test(suite: ElementTree.Element, group: str, name: str) -> ElementTree.Element:
    return ElementTree.SubElement(suite, "testcase", classname=f"{SUITE}.{group}", name=_text(name))


_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold."""


def _text(value: str) -> str:
    return _NO_XML.sub(lambda found: f"\\x{ord(found[0]):02x}", value)
