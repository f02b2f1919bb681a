"""Check what a pull request adds, in a workflow of GitHub: annotations, a summary, and one comment.

The checkout and the event may come from a stranger's fork. Nothing of them is run, and none of their texts becomes
markup or a command of the workflow.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from runbook.errors import BookError, ExitCode, RunbookError, UsageError
from runbook.migration.check import check_files
from runbook.migration.comment_text import COMMENT_LIMIT, SUMMARY_LIMIT, report_markdown
from runbook.migration.finding import Report
from runbook.migration.github_api import GitHub, GitHubError
from runbook.migration.github_comment import OneComment
from runbook.migration.github_event import Event, read_event
from runbook.migration.report import report_text, summary_line
from runbook.migration.rules import read_rules
from runbook.model.migration_rule import LEVELS
from runbook.rendering.annotations import Annotation, annotation_line
from runbook.runtime.subprocesses import Answer, ask

__all__ = ["NEVER", "Options", "check_pull_request"]

NEVER = "never"
"""The level at which no finding fails the check."""
_FETCH_WITHIN = 300
"""How many seconds git may take to fetch the history."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to check a pull request."""

    paths: Sequence[Path] = ()
    since: str = ""
    """The revision to compare with; by default, the base of the pull request."""
    fail_at: str = "error"
    """The lowest level that fails the check, or NEVER."""
    comment: bool = True
    sarif: bool = False
    """Whether to write the findings as SARIF, into the directory RUNNER_TEMP."""
    book: str | None = None


def check_pull_request(options: Options, environ: Mapping[str, str]) -> int:
    """Check what the pull request of this workflow adds, show it on GitHub, and return an exit code.

    Raises UsageError outside a workflow, and for anything that stops the check itself.
    """
    try:
        event = read_event(environ)
        since = options.since or _fetch_base(event.base)
        report = check_files(options.paths, since=since, book=options.book)
    except RunbookError as error:
        _annotate_problem(error)
        raise
    rules = read_rules()
    if annotations := report_text(report, "github", rules):
        click.echo(annotations)
    click.echo(summary_line(report), err=True)
    outputs = {f"{each}s": str(report.count(each)) for each in LEVELS}
    if options.sarif:
        place = Path(environ.get("RUNNER_TEMP", ".")) / "migration-check.sarif"
        place.write_text(report_text(report, "sarif", rules), encoding="utf-8")
        outputs["sarif"] = str(place)
    _append(environ.get("GITHUB_STEP_SUMMARY"), report_markdown(report, since, event.address_of, SUMMARY_LIMIT))
    _append(environ.get("GITHUB_OUTPUT"), "".join(f"{name}={value}\n" for name, value in outputs.items()))
    if options.comment and event.number:
        _comment(report, since, event, environ)
    return ExitCode.NOT_COMPLETED if _fails(report, options.fail_at) else ExitCode.DONE


def _fails(report: Report, at: str) -> bool:
    return at != NEVER and any(report.count(each) for each in LEVELS[: LEVELS.index(at) + 1])


def _append(path: str | None, text: str) -> None:
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)


def _annotate_problem(error: RunbookError) -> None:
    """Show what stopped the check where people look first; the log has it on standard error, too."""
    if isinstance(error, BookError):
        for each in error.findings:
            click.echo(annotation_line(Annotation("error", each.file, each.message, each.line, each.column)))
    else:
        _say("error", f"{error.message}\n{error.hint}" if error.hint else error.message)


def _say(level: str, message: str) -> None:
    click.echo(annotation_line(Annotation(level, "", message, title="Migration check")))


# --- the comment ------------------------------------------------------------------------------------------------------


def _comment(report: Report, since: str, event: Event, environ: Mapping[str, str]) -> None:
    """Keep the comment of the pull request up to date. If that fails, say so: the check itself is done."""
    token = environ.get("GITHUB_TOKEN", "")
    if not token:
        _say("warning", "No comment on the pull request: GITHUB_TOKEN is empty.")
        return
    text = report_markdown(report, since, event.address_of, COMMENT_LIMIT)
    try:
        github = GitHub(environ.get("GITHUB_API_URL") or "https://api.github.com", token)
        has_news = bool(report.findings or report.waived)
        OneComment(github, event.repository, event.number).save(text, create=has_news)
    except GitHubError as error:
        level, reason = _reason(error, event)
        _say(level, f"No comment on the pull request: {reason}\nThe annotations and the summary show all findings.")
    except UsageError as error:
        _say("warning", f"No comment on the pull request: {error.message}")


def _reason(error: GitHubError, event: Event) -> tuple[str, str]:
    if not error.is_refusal:
        return "warning", error.message
    if event.is_from_fork:
        return "notice", "it comes from a fork, for which the workflow's token can only read."
    hint = "Give the job these permissions: {contents: read, pull-requests: write}"
    return "warning", f"the workflow's token can't write it ({error.message}).\n{hint}"


# --- the base ---------------------------------------------------------------------------------------------------------


def _fetch_base(branch: str) -> str:
    """Return the revision of the base branch, with the history up to it, "" if there is no base.

    `actions/checkout` gets one commit. The branch that it got may also have moved on since the event, so the event's
    own commit isn't used: files that others have merged in the meantime would count as this pull request's.
    """
    if not branch:
        return ""
    revision = f"origin/{branch}"
    if not _git("merge-base", revision, "HEAD").code:
        return revision
    is_shallow = _git("rev-parse", "--is-shallow-repository").stdout.strip() == "true"
    unshallow = ["--unshallow"] if is_shallow else []
    refspec = f"+refs/heads/{branch}:refs/remotes/{revision}"
    fetched = _git("fetch", "--quiet", "--no-tags", *unshallow, "--end-of-options", "origin", refspec)
    if fetched.code or _git("merge-base", revision, "HEAD").code:
        said = (fetched.stderr.strip().splitlines() or ["no commit in common"])[-1]
        raise UsageError(
            f"git can't find where this branch left {branch}: {said}",
            hint="Let actions/checkout get the whole history: with: {fetch-depth: 0}",
        )
    return revision


def _git(*words: str) -> Answer:
    environment = {**os.environ, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}
    return ask(["git", *words], directory=str(Path.cwd()), environment=environment, timeout=_FETCH_WITHIN)
