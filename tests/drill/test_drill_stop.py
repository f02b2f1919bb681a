"""Ctrl-C at a prompt of a drill stops the walk and asks, as leaving it does; it ends nothing by itself."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from runbook.drill import stage as drill_stage
from runbook.errors import ExitCode


@pytest.mark.parametrize(("goes_on", "code"), [(True, ExitCode.DONE), (False, ExitCode.NOT_COMPLETED)])
def test_ctrl_c_asks_whether_to_continue(monkeypatch: pytest.MonkeyPatch, *, goes_on: bool, code: ExitCode) -> None:
    """An unattended drill has nobody to ask: there it ends."""
    runs: list[str] = []

    def walk(*_: object, **__: object) -> ExitCode:
        runs.append("run")
        raise KeyboardInterrupt

    monkeypatch.setattr(drill_stage, "walk", walk)
    monkeypatch.setattr(drill_stage, "resume", lambda *_, **__: ExitCode.DONE)
    monkeypatch.setattr(drill_stage, "DrillTarget", lambda *_: None)
    a_stage: Any = SimpleNamespace(
        procedure=None,
        book=SimpleNamespace(policy=None),
        drill=SimpleNamespace(name="d"),
        url="",
        sandbox=SimpleNamespace(state=Path("/nowhere")),
    )
    journal: Any = SimpleNamespace(runs=lambda: runs)
    ports: Any = None

    assert drill_stage._walk(a_stage, journal, ports, ports, ports, lambda: goes_on)[0] is code
    runs.clear()
    with pytest.raises(KeyboardInterrupt):
        drill_stage._walk(a_stage, journal, ports, ports, ports, None)
