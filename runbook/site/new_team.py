"""A team's book and its site: the first draft of every file, from what the team said and what their project shows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from runbook.loading.place import TEAM_FILE, TEAM_FOLDER
from runbook.markup import yaml_text

__all__ = ["Answers", "book_files", "pre_commit_file", "workflow_file"]

PRE_COMMIT = ".pre-commit-config.yaml"
WORKFLOW = ".github/workflows/runbook.yml"
_PACKAGE = "migration-runbook"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What `runbook init` has to know. A text is "" if nobody knows it."""

    name: str
    production: str
    """The ref of the project."""
    staging: str
    contact: str
    """The person or the rota that answers for the database."""
    channel: str
    """Where the team hears of an incident."""
    cli: str
    """The version of the Supabase CLI in the project."""
    functions: tuple[str, ...] = ()


def book_files(answers: Answers) -> Mapping[str, str]:
    """Return the files of a new team's book with its site, by their path from the project's top."""
    return {
        f"{TEAM_FOLDER}/{name}": text
        for name, text in (
            (TEAM_FILE, _team(answers)),
            ("procedures/.gitkeep", ""),
            ("changes/.gitkeep", ""),
            ("mkdocs.yml", _SITE.format(name=yaml_text(f"{answers.name} runbook"))),
            ("docs/about.md", _about(answers)),
            (".gitignore", "/site/\n"),
        )
    }


def _team(answers: Answers) -> str:
    channel = f"channel: {yaml_text(answers.channel)}\n" if answers.channel else "# channel: '#incidents'\n"
    cli = f"cli: {answers.cli}\n" if answers.cli else "# cli: 3.1.0 # the version of the Supabase CLI that you pin\n"
    staging = f"  staging: {{ref: {answers.staging}}}\n" if answers.staging else ""
    known = (f"  {name}: {{name: {yaml_text(answers.contact)}{_where(answers)}}}\n" for name in _OWNERS)
    contacts = "".join(known) if answers.contact else "".join(f"# {line}" for line in _example_contacts())
    head = "contacts: # who answers for the procedures of each owner; add page: (a link) and hours:\n"
    return (
        "# Who you are, where your runs may go, and who to reach. It is shown on pages and screens: no secrets.\n"
        f"name: {yaml_text(answers.name)}\n{channel}{cli}"
        "projects: # a run that would reach any other project stops before step 1\n"
        f"  production: {{ref: {answers.production}, protected: true}}\n{staging}"
        f"{head if answers.contact else f'# {head}'}{contacts}"
        "links: # pages that people need in an incident\n"
        "  Status of Supabase: https://status.supabase.com\n"
        f"# Edge functions of this project: {', '.join(answers.functions) or 'none'}\n"
    )


_OWNERS = ("database", "functions")
"""The owners of the packaged procedures."""


def _where(answers: Answers) -> str:
    return f", channel: {yaml_text(answers.channel)}" if answers.channel else ""


def _example_contacts() -> tuple[str, ...]:
    return tuple(f"  {name}: {{name: Ada Lovelace, channel: '#{name}', hours: 9 to 17 CET}}\n" for name in _OWNERS)


_SITE = """\
site_name: {name}
# No repo_url: for a repository on GitHub or GitLab the theme would ask that host how many stars it has.
use_directory_urls: false # one build serves the web and file://
strict: true
theme:
  name: material
  font: false # system fonts: nothing to fetch when all else is down
  features: [content.code.copy, navigation.sections, toc.follow]
  palette:
    - {{media: "(prefers-color-scheme: light)", scheme: default, primary: custom, accent: custom}}
    - {{media: "(prefers-color-scheme: dark)", scheme: slate, primary: custom, accent: custom}}
plugins:
  - search
  - offline
  - runbook: {{directory: "", search: true}} # the pages of all procedures, yours and the packaged ones
"""


def _about(answers: Answers) -> str:
    return (
        f"# About this runbook\n\nThis is the runbook of {answers.name}. All other pages are generated: the packaged "
        f"procedures, with your changes\nfrom `{TEAM_FOLDER}/changes/`, and your own from `{TEAM_FOLDER}/procedures/`. "
        "Pages that you write go beside this one.\n"
    )


def workflow_file() -> tuple[str, str]:
    """Return the path and the text of a workflow that checks the book, judges commands and builds the site."""
    return WORKFLOW, _WORKFLOW


_WORKFLOW = f"""\
name: Runbook
on:
  push: {{branches: [main]}}
  pull_request:
  schedule:
    - cron: "0 5 * * 1" # a review may have become overdue since the last change
permissions: {{contents: read}}
jobs:
  check:
    runs-on: ubuntu-latest
    timeout-minutes: 30
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with: {{python-version: "3.12"}}
      - uses: actions/setup-node@v4
        with: {{node-version: "20"}}
      - run: pip install '{_PACKAGE}[site,drill,check]'
      - run: runbook check
      - run: runbook guard scan --strict .
      - run: runbook site build
"""


def pre_commit_file() -> tuple[str, str]:
    """Return the path and the text of a configuration of pre-commit that judges the commands in a commit."""
    return PRE_COMMIT, _PRE_COMMIT


_PRE_COMMIT = f"""\
repos:
  - repo: local
    hooks:
      - id: runbook-guard
        name: no command that the policy refuses
        entry: runbook guard scan
        language: python
        additional_dependencies: [{json.dumps(_PACKAGE)}]
        types: [text]
"""
