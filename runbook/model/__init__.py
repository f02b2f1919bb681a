"""The book as frozen values. No behaviour beyond lookup lives here.

Each name is imported when it is first used: the guard starts before every command, and needs the policy alone.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runbook.model.action import Action, Role, Use
    from runbook.model.book import Advice, Book, Pattern
    from runbook.model.drill import Answer, Drill, FunctionResponse, Proof, Scenario, ScenarioEvent, ScenarioMigration
    from runbook.model.expectation import Capture, Expectation
    from runbook.model.known_error import KnownError
    from runbook.model.launchers import Interpreter, Launcher
    from runbook.model.line_test import LineTest
    from runbook.model.parameter import Parameter, Value
    from runbook.model.policy import Family, Policy, Rule, SupabaseMajor, TargetKind, Variant
    from runbook.model.procedure import Mode, Procedure, Reference, Section, TeamChange
    from runbook.model.programs import Programs
    from runbook.model.search_words import FoundPage, SearchWords
    from runbook.model.step import Check, Recovery, Step, Undo
    from runbook.model.team import Contact, Project, Team
    from runbook.model.terms import Effect, Position, Verdict

__all__ = [
    "Action",
    "Advice",
    "Answer",
    "Book",
    "Capture",
    "Check",
    "Contact",
    "Drill",
    "Effect",
    "Expectation",
    "Family",
    "FoundPage",
    "FunctionResponse",
    "Interpreter",
    "KnownError",
    "Launcher",
    "LineTest",
    "Mode",
    "Parameter",
    "Pattern",
    "Policy",
    "Position",
    "Procedure",
    "Programs",
    "Project",
    "Proof",
    "Recovery",
    "Reference",
    "Role",
    "Rule",
    "Scenario",
    "ScenarioEvent",
    "ScenarioMigration",
    "SearchWords",
    "Section",
    "Step",
    "SupabaseMajor",
    "TargetKind",
    "Team",
    "TeamChange",
    "Undo",
    "Use",
    "Value",
    "Variant",
    "Verdict",
]

_MODULES = (
    "terms", "policy", "programs", "line_test", "launchers", "parameter", "drill", "action", "expectation", "step",
    "team", "procedure", "known_error", "search_words", "book",
)  # fmt: skip
"""The modules that define the names, the quickest to import first."""


def __getattr__(name: str) -> Any:
    if name in __all__:
        for module in _MODULES:
            found = getattr(import_module(f"runbook.model.{module}"), name, None)
            if found is not None:
                globals()[name] = found
                return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
