"""The environment variables that begin with RUNBOOK_: the program's own settings, and values for parameters."""

from __future__ import annotations

from collections.abc import MutableMapping

__all__ = ["OWN_VARIABLES", "take_values", "variable_of"]

OWN_VARIABLES = {
    "RUNBOOK_ASCII": "draw screens in ASCII only",
    "RUNBOOK_BOOK": "the directory of the book to use",
    "RUNBOOK_CHROMIUM": "the browser for the site's tests",
    "RUNBOOK_DRILL_DATABASE": "the PostgreSQL server that drills use",
    "RUNBOOK_EDIT_URI": "where the site's pages are edited",
    "RUNBOOK_JOURNAL": "the shared journal: an address that begins with postgresql://, or `local` for this machine's",
    "RUNBOOK_LOCKS": "the directory, shared by all users of a machine, in which runs lock their targets (`/tmp`)",
    "RUNBOOK_SITE_URL": "the site's address",
    "RUNBOOK_TEST_WORKERS": "how many processes run the tests",
    "RUNBOOK_TOOLS": "the node_modules with the tools of drills",
}
"""The program's own settings and their purpose. A test finds variables that are missing here."""


_JOURNAL = "RUNBOOK_JOURNAL"


def variable_of(parameter: str) -> str | None:
    """Return the variable that may hold a parameter's value; None if that is a setting of the program."""
    variable = f"RUNBOOK_{parameter.upper()}"
    return None if variable in OWN_VARIABLES else variable


def take_values(environ: MutableMapping[str, str]) -> dict[str, str]:
    """Remove parameters' values from an environment and return a copy with them, so that no child inherits a secret.

    No process started later gets them, not even the editor or a git hook. The journal's address goes too, because it
    may contain a password.
    """
    whole = dict(environ)
    for name in whole:
        if name.startswith("RUNBOOK_") and (name == _JOURNAL or name not in OWN_VARIABLES):
            del environ[name]
    return whole
