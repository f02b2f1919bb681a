"""The environment variables that begin with RUNBOOK_: the program's own settings, and values for parameters."""

from __future__ import annotations

from collections.abc import MutableMapping

__all__ = ["OWN_VARIABLES", "take_values", "variable_of"]

OWN_VARIABLES = {
    "RUNBOOK_ASCII": "draw screens in ASCII alone",
    "RUNBOOK_BOOK": "the directory of the book to use",
    "RUNBOOK_CHROMIUM": "the browser for the site's tests",
    "RUNBOOK_DRILL_DATABASE": "the PostgreSQL server that drills use",
    "RUNBOOK_EDIT_URI": "where the site's pages are edited",
    "RUNBOOK_LOCKS": "the directory, shared by all users of a machine, in which runs lock their targets (`/tmp`)",
    "RUNBOOK_SITE_URL": "the site's address",
    "RUNBOOK_TEST_WORKERS": "how many processes run the tests",
    "RUNBOOK_TOOLS": "the node_modules with both Supabase CLIs",
}
"""The program's own settings and what each is for. A test finds variables that are missing here."""


def variable_of(parameter: str) -> str | None:
    """Return the variable that a parameter's value may come in; None where that is a setting of the program."""
    variable = f"RUNBOOK_{parameter.upper()}"
    return None if variable in OWN_VARIABLES else variable


def take_values(environ: MutableMapping[str, str]) -> dict[str, str]:
    """Remove parameters' values from an environment and return it as it was, so that no child inherits a secret.

    Nothing that this process starts later gets them, neither the editor nor a hook of git.
    """
    whole = dict(environ)
    for name in whole:
        if name.startswith("RUNBOOK_") and name not in OWN_VARIABLES:
            del environ[name]
    return whole
