"""Print findings as GitHub's annotations: workflow commands that a job writes to its log."""

from __future__ import annotations

from typing import NamedTuple

from runbook.paths import relative_path
from runbook.printable import one_line, printable

__all__ = ["Annotation", "annotation_line"]


class Annotation(NamedTuple):
    """One annotation. `level` is error, warning or notice; a line of 0 is the whole file, and a file of "" is none."""

    level: str
    file: str
    message: str
    line: int = 0
    column: int = 0
    title: str = ""


def annotation_line(each: Annotation) -> str:
    """Return the line that makes GitHub show an annotation."""
    place = [f"file={_property(one_line(relative_path(each.file)))}"] if each.file else []
    place += [f"line={each.line}", f"col={each.column}"] if each.line else []
    place += [f"title={_property(one_line(each.title))}"] if each.title else []
    return f"::{each.level} {','.join(place)}::{_data(printable(each.message))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
