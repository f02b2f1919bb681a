"""Values for a procedure's parameters: where they come from, and the one check that they all go through."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from runbook.engine.pick_lists import picked, with_values
from runbook.engine.ports import Operator
from runbook.errors import UsageError
from runbook.known_secrets import remember
from runbook.model import Parameter, Procedure, Value
from runbook.model.parameter import split_values
from runbook.policy.redaction import Redactor
from runbook.variables import variable_of

__all__ = ["Given", "ask", "gather", "holds_secret", "parse", "supplied"]


@dataclass(frozen=True, slots=True)
class Given:
    """The values of a run: `values` go into commands and the journal, `secrets` stay in memory."""

    values: Mapping[str, Value]
    secrets: Mapping[str, str]


def parse(parameter: Parameter, text: str) -> Value:
    """Return the value that the text stands for. Raises UsageError if it doesn't fit the parameter."""
    problem = parameter.problem_with(text)
    if problem:
        raise UsageError(f"{parameter.name}: {problem}", hint=_hint(parameter))
    return split_values(text) if parameter.many else text


def supplied(procedure: Procedure, flags: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """Return the checked texts from the command line or from RUNBOOK_<NAME>; the command line takes precedence.

    Variables that are settings of the program, such as RUNBOOK_TOOLS, fill no parameter.

    Raises UsageError with every problem at once: unknown names, values that don't fit, secrets on a command line.
    """
    known = {parameter.name: parameter for parameter in procedure.parameters}
    problems = [_unknown(name, known) for name in flags if name not in known]
    texts: dict[str, str] = {}
    for name, parameter in known.items():
        variable = variable_of(name)
        if name in flags:
            texts[name] = flags[name]
            problems += _supplied_problem(parameter, texts[name], f"--set {name}", by_flag=True)
        elif variable is not None and variable in environment:
            texts[name] = environment[variable]
            if parameter.secret:
                remember([texts[name]])
            problems += _supplied_problem(parameter, texts[name], variable, by_flag=False)
    if problems:
        raise UsageError("\n".join(problems), hint=f"`runbook show {procedure.id}` lists what it asks for.")
    return texts


def gather(
    procedure: Procedure,
    texts: Mapping[str, str],
    linked: Mapping[str, str],
    operator: Operator,
    *,
    directory: str = ".",
) -> Given:
    """Return all values, asking the operator for those that neither `texts` nor the `linked` project supplies.

    A relative `@path` of a file with a value is relative to the directory.
    """
    values: dict[str, Value] = {}
    stored: dict[str, str] = {}
    secrets: dict[str, str] = {}
    for parameter in procedure.parameters:
        # If the default is empty, an empty text is an answer, too.
        text = texts.get(parameter.name, linked.get(parameter.name))
        if text is None or parameter.problem_with(text):
            text = ask(parameter, operator, directory=directory)
        if parameter.secret:
            secrets[parameter.name] = text
        else:
            values[parameter.name] = parse(parameter, text)
            stored[parameter.name] = text
    redactor = Redactor(secrets.values())
    problems = [f"{name}: {problem}" for name, text in stored.items() if (problem := holds_secret(text, redactor))]
    if problems:
        raise UsageError("\n".join(problems), hint="Nothing ran. Start again without the secret in these values.")
    return Given(values, secrets)


def holds_secret(text: str, redactor: Redactor) -> str:
    """Return why a value can't be stored, "" if it can. Commands need the value as it is, unmasked."""
    problem = "it contains a secret, and this value would be stored in the journal"
    return "" if redactor.redact(text) == text else problem


def ask(
    parameter: Parameter,
    operator: Operator,
    *,
    problem: str = "",
    problem_with: Callable[[Parameter, str], str] = Parameter.problem_with,
    directory: str = ".",
) -> str:
    """Ask until the value fits, at most ten times; an empty answer means the default, if there is one.

    If a value may have several lines, `@path` stands for the content of that file. `directory` is the project's; the
    values to pick from are listed from it.
    """
    if not parameter.offered:
        parameter = with_values(parameter, directory)
    for _ in range(10):
        text = picked(parameter, operator.give(parameter, problem=problem))
        if not text and parameter.default is not None:
            text = parameter.default
        problem = ""
        if parameter.takes_lines and text.startswith("@"):
            text, problem = _content(text[1:], directory, parameter.longest)
        problem = problem or problem_with(parameter, text)
        if not problem:
            if parameter.secret:
                remember([text])
            return text
    raise UsageError(f"{parameter.name}: {problem}", hint=_hint(parameter))


def _content(path: str, directory: str, longest: int) -> tuple[str, str]:
    """Return the content of a file, and why it can't be a value ("" if it can).

    The line end of a file with one line comes from an editor and isn't part of the value. A file with more lines keeps
    all of its line ends. The reason doesn't repeat what was typed, because a secret can begin with @, too.
    """
    limit = 4 * longest
    try:
        file = Path(directory, Path(path.strip()).expanduser())
        if not file.is_file():
            what = "that is a directory" if file.is_dir() else "there is no such file"
            return "", f"{what}. Type @ and the path of a file. A value that begins with @ must come from a file, too"
        with file.open("rb") as opened:
            data = opened.read(limit + 1)
        text = data.decode().replace("\r\n", "\n") if len(data) <= limit else ""
    except UnicodeDecodeError:
        return "", "the file isn't UTF-8 text"
    except (OSError, RuntimeError, ValueError):
        return "", "the file can't be read"
    if len(data) > limit:
        return "", f"the file has more than {longest:,} characters"
    return (text if "\n" in text.rstrip("\n") else text.rstrip("\n")), ""


def _supplied_problem(parameter: Parameter, text: str, source: str, *, by_flag: bool) -> list[str]:
    if parameter.secret and by_flag:
        return [f"{source}: other users can read a secret on a command line; set {variable_of(parameter.name)}"]
    problem = parameter.problem_with(text)
    return [f"{source}: {problem}"] if problem else []


def _unknown(name: str, known: Mapping[str, Parameter]) -> str:
    close = get_close_matches(name, known, n=1, cutoff=0.5)
    return f"--set {name}: no parameter has this name" + (f"; did you mean {close[0]}?" if close else "")


def _hint(parameter: Parameter) -> str:
    return f"For example: {parameter.example}" if parameter.example else ""
