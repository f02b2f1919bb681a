"""Judge a line as a shell would run it: every command in it, however deep, by the policy. The worst one counts."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from runbook.guard.outline import outline_of
from runbook.guard.programs.names import program_name
from runbook.guard.programs.starting import is_known_program, start_command
from runbook.guard.shell.call import Call, Doubt, TooMuchError
from runbook.guard.shell.shell_machine import Machine
from runbook.guard.shell.shell_state import Disk, ShellState, read_small
from runbook.guard.shell.texts import ANY, ANY_WORDS, ONE_WORD, PRINTED, is_known, may_be, plain, shown
from runbook.model import Effect, Family, Policy, TargetKind, Verdict
from runbook.policy.argv import invocation_of, read_words
from runbook.policy.judgement import Context, Judgement, classify, common_flags

if TYPE_CHECKING:
    from runbook.model import Team

__all__ = ["TeamReader", "is_harmless", "judge", "judge_script", "judge_words", "packaged_policy"]

TeamReader: TypeAlias = Callable[[], "Team | None"]
"""Reads the team's file when a line would write to a hosted project, and raises BookError if it has a problem."""

_HOSTS = ("PGHOST", "PGHOSTADDR", "PGSERVICE")
"""Variables that move a PostgreSQL client to another target."""


@functools.cache
def packaged_policy() -> Policy:
    """Return the policy that ships with the package. Raises BookError if it was damaged."""
    from runbook.loading import PACKAGED_BOOK, read_policy

    return read_policy(PACKAGED_BOOK)


def judge(
    line: str,
    *,
    cwd: str | None = None,
    env: Mapping[str, str] | None = None,
    policy: Policy | None = None,
    files: Mapping[str, str] | None = None,
    team: TeamReader | None = None,
) -> Judgement:
    """Judge a line (or a whole script) by what a shell would really run.

    `cwd` is the directory it would run in. With it, small files that the line would run are read (scripts,
    package.json, a Makefile), and the major of the installed CLI is found. Without it, nothing is read. `env` is the
    environment that it would run in. `policy` defaults to the packaged one. With `files` (texts by path), the line runs
    in a directory that has only these. `team` reads the team's file, whose projects count before a write.

    Nothing is ever run except shfmt, for lines with more than words and quotes. If a deciding part can't be parsed or
    isn't known, the verdict is `confirm`, never `allow`. If shfmt is missing, it's `refuse`. The judgement is that of
    the worst command; `commands` are all commands that the policy knows.
    """
    around = _Around(cwd, env, policy, team) if files is None else _Around(_PROJECT, env, policy, team, _disk_of(files))
    return _examined(lambda machine, state: machine.text(line, state), line, around).verdict()


def is_harmless(line: str, policy: Policy) -> bool:
    """Tell whether the policy allows a line anywhere, in every environment: it reaches nothing and needs no file."""

    def disk(_path: str) -> str | None:
        raise _FileNeededError

    try:
        examination = _examined(
            lambda machine, state: machine.text(line, state), line, _Around("/", None, policy, None, disk)
        )
    except _FileNeededError:
        return False
    judgements = [placed.judgement for placed in examination.found]
    return all(each.verdict is Verdict.ALLOW and each.family is Family.NOTHING for each in judgements)


class _FileNeededError(Exception):
    """The judgement of a line depends on a file."""


def judge_words(
    words: Sequence[str],
    *,
    cwd: str | None = None,
    env: Mapping[str, str] | None = None,
    policy: Policy | None = None,
    team: TeamReader | None = None,
) -> Judgement:
    """Judge one argv, as `judge` judges a line. None of its words is split or expanded first."""
    argv = tuple(words)
    around = _Around(cwd, env, policy, team)
    return _examined(lambda machine, state: machine.start(argv, state), " ".join(argv), around).verdict()


_PROJECT = "/project"


def _disk_of(files: Mapping[str, str]) -> Disk:
    return {f"{_PROJECT}/{path}": text for path, text in files.items()}.get


def judge_script(text: str, *, cwd: str | None = None, policy: Policy | None = None) -> tuple[PlacedJudgement, ...]:
    """Judge each command of a script, with its place, including functions that nobody calls."""

    def run(machine: Machine, state: ShellState) -> None:
        machine.text(text, state)
        machine.run_uncalled(state)

    return tuple(_examined(run, text, _Around(cwd, policy=policy)).found)


class _Around(NamedTuple):
    """What a line runs in: the directory, the environment, the policy, the team's file, and the files that it reads."""

    cwd: str | None = None
    env: Mapping[str, str] | None = None
    policy: Policy | None = None
    team: TeamReader | None = None
    disk: Disk = read_small


def _examined(run: Callable[[Machine, ShellState], object], subject: str, around: _Around) -> Examination:
    policy = around.policy if around.policy is not None else packaged_policy()
    examination = Examination(policy, around.env or {}, around.team)
    state = ShellState(around.cwd)
    # Without a directory, no file is read, and the verdict depends on the line alone.
    reads = (lambda _path: None) if around.cwd is None else around.disk
    machine = Machine(start_command, examination, reads, is_known_program)
    try:
        run(machine, state)
    # Python may run out of stack in a text that is within every limit. That is a doubt too.
    except (TooMuchError, RecursionError):
        examination.doubt(Doubt.TOO_MUCH, subject)
    return examination


def _judged(verdict: Verdict, effect: Effect, reason: str) -> Judgement:
    """Return a judgement that doesn't come from a rule of the policy."""
    return Judgement(
        verdict=verdict,
        effect=effect,
        rule="",
        reason=reason,
        instead="",
        family=Family.NOTHING,
        target=None,
        commands=(),
    )


# --- the judgement of one command ------------------------------------------------------------------------------------


# Two lines of a terminal: enough to recognize what was typed.
_LONGEST_SUBJECT = 160
_MOST_COMMANDS = 50
# If the line sets one of these, a command goes to another project than the verdict assumes.
_RETARGETS = ("SUPABASE_PROJECT_ID", "SUPABASE_WORKDIR", "SUPABASE_PROFILE")
# If the line sets one of these, a client or the CLI loads other files or programs first, or changes server settings.
_ALTERING = re.compile(r"PGOPTIONS|PGSYSCONFDIR|PGSERVICEFILE|PSQL\w+|LD_\w+|DYLD_\w+|NODE_OPTIONS|(?i:npm_config_\w+)")
_UNKNOWN_TEXT = "$1"
"""Replaces an unknown text. It can't pass for a loopback host, a SQL literal or a flag."""


_PROJECTS = ("SUPABASE_PROJECT_ID", "SUPABASE_PROJECT_REF")
"""Variables in which the CLI looks for its project before it uses the link."""


class PlacedJudgement(NamedTuple):
    """A judgement of one command, with the command's place in the text."""

    line: int
    column: int
    judgement: Judgement


class Examination:
    """Collects judgements. It's the `Examiner` of a shell machine."""

    def __init__(self, policy: Policy, environment: Mapping[str, str], team: TeamReader | None) -> None:
        self._policy = policy
        self._team = team
        # What the line sets takes precedence.
        self._outside = {
            name: environment[name] for name in (*_HOSTS, *_PROJECTS, *policy.address_variables) if name in environment
        }
        self.found: list[PlacedJudgement] = []
        self._place = (1, 1)
        self._commands: dict[tuple[str, ...], None] = {}
        self._counted: dict[str, dict[str, None]] = {}
        self.outline = outline_of(policy)

    def verdict(self) -> Judgement:
        """Return the gravest judgement, with all commands."""
        if not self.found:
            return _judged(Verdict.ALLOW, Effect.READS, "Nothing in it is in the policy.")
        worst = max((placed.judgement for placed in self.found), key=lambda judged: judged.rank)
        # The deciding command comes first, because it's the one that messages name.
        commands = dict.fromkeys((*worst.commands, *self._commands))
        # A line may only read at its worst place and still write somewhere.
        projects = (placed.judgement.project for placed in self.found if placed.judgement.project)
        project = worst.project or next(projects, "")
        return replace(worst, commands=tuple(commands)[:_MOST_COMMANDS], project=project)

    def doubt(self, doubt: Doubt, subject: str) -> None:
        """Note that a person must confirm. Without the grammar, nobody can: the line is refused."""
        text = shown(subject)
        short = text if len(text) <= _LONGEST_SUBJECT else text[: _LONGEST_SUBJECT - 1] + "…"
        verdict = Verdict.REFUSE if doubt is Doubt.NO_GRAMMAR else Verdict.CONFIRM
        self._add(_judged(verdict, Effect.WRITES, f"{doubt.value}: {short}" if short else doubt.value))

    def stand_at(self, line: int, column: int) -> None:
        """Note the place of the next command."""
        self._place = (line, column)

    def _add(self, judged: Judgement) -> None:
        self.found.append(PlacedJudgement(*self._place, judged))

    def command(self, call: Call, *, major: int | None) -> None:
        """Judge a command in each way that its words and its input can be read."""
        told = tuple(shown(word) for word in call.words)
        self._commands[told] = None
        for text in (None,) if call.state.stdin is None else call.state.stdin:
            judged = self._judge(call, None if text is None else _told(text), major)
            # A command that might not run is only asked about: nobody can override a refusal.
            if not call.shell.is_sure and judged.verdict is Verdict.REFUSE:
                judged = replace(judged, verdict=Verdict.CONFIRM, reason=f"If it runs: {judged.reason}")
            judged = self._with_project(replace(judged, commands=(told,)), call, told)
            self._add(judged)
            if judged.verdict is Verdict.ALLOW and judged.rule in self.outline.counting:
                self._count(call, told, judged.rule, major)

    def _with_project(self, judged: Judgement, call: Call, words: tuple[str, ...]) -> Judgement:
        """Add the hosted project that a command would write to, and ask if its team protects it or doesn't know it."""
        is_hosted = judged.target not in {None, TargetKind.LOCAL} and judged.family is not Family.NOTHING
        if not is_hosted or judged.effect is Effect.READS or judged.writes_files:
            return judged
        from runbook.guard.projects import linked_project, objection_to, project_in  # most lines write to none

        def read(path: str) -> str | None:
            texts = call.shell.contents(path, call.state)
            return texts[0] if texts is not None and len(texts) == 1 else None

        environment = {**self._outside, **call.state.environment}
        named = next((environment[name] for name in _PROJECTS if name in environment), None)
        program = invocation_of(words).program
        is_linked = program == "supabase" and not any("://" in word for word in words)
        linked = linked_project(call.state.directories_above(), read) if is_linked else None
        ref = project_in(words) or (named if program == "supabase" else None) or linked
        if ref is None:
            return judged
        judged = replace(judged, project=ref)
        team = self._team() if self._team is not None else None
        found = objection_to(ref, team) if team is not None else None
        if found is None:
            return judged
        verdict = max(judged.verdict, Verdict.CONFIRM, key=lambda verdict: verdict.rank)
        return replace(judged, verdict=verdict, reason=f"{found.reason} {judged.reason}", protects=found.protects)

    def _count(self, call: Call, told: tuple[str, ...], rule: str, major: int | None) -> None:
        """Judge commands of one rule together, if it minds how many words they have: a loop is no way around it."""
        started = invocation_of(told)
        # A runner starts the same command again, by its own name.
        if (program_name(told[0]) or "").partition("@")[0] != started.program:
            return
        earlier = self._counted.setdefault(rule, {})
        words = started.arguments
        others = [word for word in earlier if word not in words]
        # What isn't known may be another word than the last time.
        if not all(map(is_known, call.words)) and (earlier or call.shell.is_repeating):
            others.append(_UNKNOWN_TEXT)
        earlier |= dict.fromkeys(words)
        if not others:
            return
        judged = classify((*map(_told, call.words), *others), self._policy, major=major)
        if judged.verdict is not Verdict.ALLOW:
            self._add(replace(judged, commands=(told,)))

    def _judge(self, call: Call, stdin: str | None, major: int | None) -> Judgement:
        words, stdin = _with_file_text(call, call.words, stdin)
        argv = tuple(_told(word) for word in words)
        own = {name: _told(text) for name, text in call.state.environment.items()}
        environment = {**self._outside, **own}
        # In a loop, a word that isn't known is another one each time.
        repeats = call.shell.is_repeating and not all(map(is_known, call.words))
        # The words as written come first. Other readings count only if this one allows the command.
        context = Context(stdin, environment, repeats)
        judged = classify(argv, self._policy, major=major, context=context)
        if judged.verdict is Verdict.ALLOW:
            shorter = _without_expansions(words)
            other = judged
            if shorter:
                other = classify(shorter, self._policy, major=major, context=context)
            if other.rule and other.verdict is not Verdict.ALLOW:
                return replace(other, verdict=Verdict.CONFIRM, reason=f"A word may be missing: {other.reason}")
            if self._may_be_minded(words):
                reason = f"{Doubt.UNKNOWN_PROGRAM.value}: {' '.join(map(shown, words))}"
                return _judged(Verdict.CONFIRM, Effect.WRITES, reason)
            return self._retargeted(judged, call.state)
        return judged

    def _retargeted(self, judged: Judgement, state: ShellState) -> Judgement:
        """Ask if a variable in the line sends a write to another project, or may change what the command does."""
        if judged.family is Family.NOTHING:
            return judged
        altering = next(filter(_ALTERING.fullmatch, state.environment), None)
        if altering is not None:
            reason = f"{altering} in the line may change what it does. {judged.reason}"
            return replace(judged, verdict=Verdict.CONFIRM, effect=Effect.WRITES, reason=reason)
        names = [name for name in _RETARGETS if name in state.environment]
        if judged.effect is Effect.READS or judged.writes_files or not names:
            return judged
        reason = f"{names[0]} in the line sends it to another project than the linked one. {judged.reason}"
        return replace(judged, verdict=Verdict.CONFIRM, reason=reason)

    def _may_be_minded(self, words: tuple[str, ...]) -> bool:
        """Whether an unknown word is in the place of a dangerous subcommand."""
        if all(is_known(word) for word in words):
            return False
        invocation = invocation_of(words)
        flags = common_flags(self.outline.main_name(invocation.program), self._policy)
        positionals = read_words(invocation.arguments, flags).positionals
        return any(_fits_unknown(form, positionals) for form in self.outline.minded(invocation.program))


def _fits_unknown(form: tuple[str, ...], words: tuple[str, ...]) -> bool:
    """Whether words could be a subcommand only because one of them is unknown."""
    if not form or not words:
        return False
    # An unknown number of words may be a whole subcommand.
    if words[0] == ANY_WORDS:
        return True
    if words[0] == form[0]:
        return _fits_unknown(form[1:], words[1:])
    # Once one word is unknown, the others need to be possible, not equal.
    return not is_known(words[0]) and len(words) >= len(form) and all(map(may_be, words, form))


def _without_expansions(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words without unquoted expansions, except values of flags. Return nothing if there are none."""
    kept = tuple(
        _told(word)
        for at, word in enumerate(words)
        if word != ANY_WORDS or (words[at - 1].startswith("-") and "=" not in words[at - 1])
    )
    return kept if len(kept) != len(words) else ()


def _told(word: str) -> str:
    """Return a word as the policy reads it."""
    text = plain(word)
    marks = (ANY, ANY_WORDS, ONE_WORD, PRINTED)
    return text if is_known(text) else text.translate({ord(mark): _UNKNOWN_TEXT for mark in marks})


def _with_file_text(call: Call, words: tuple[str, ...], stdin: str | None) -> tuple[tuple[str, ...], str | None]:
    """Pass the text of SQL files as if it came from standard input."""
    kept: list[str] = []
    read: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        match = _FILE_FLAG.fullmatch(word) if kept else None
        if match is None:
            kept.append(word)
            continue
        path = match["path"] or match["joined"] or (rest.pop(0) if rest else "")
        texts = call.shell.contents(path, call.state)
        if texts is None or len(texts) != 1:
            return words, stdin
        kept += [f"-{match['others']}"] if match["others"] else []
        kept += [] if read else ["-f", "-"]
        read.append(_told(texts[0]))
    return (tuple(kept), "\n;".join(read)) if read else (words, stdin)


_FILE_FLAG = re.compile(r"--file(?:=(?P<path>.*))?|-(?P<others>[0-9AEHSXabelnqstwxz]*)f(?P<joined>.*)", re.DOTALL)
"""`-f FILE`, `--file=FILE`, `-1f FILE`: short flags of psql without a value may come first in the same word."""
