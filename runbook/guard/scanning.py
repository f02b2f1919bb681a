"""Search files for commands that the policy stops: scripts, Makefiles, GitHub workflows, package.json."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from runbook.guard.command_line import judge_script
from runbook.guard.messages import encodable
from runbook.guard.programs.task_runners import read_makefile
from runbook.guard.shell.texts import ANY
from runbook.model import Effect, Policy, TargetKind, Verdict
from runbook.policy.judgement import Judgement, classify
from runbook.printable import one_line, printable

__all__ = ["Stopped", "is_scanned", "scan_file"]

_SCRIPTS = frozenset({".sh", ".bash", ".zsh", ".ksh", ".bats", ".command"})
_SHEBANG = re.compile(rb"#!\s*\S*?(?:/|env\s+(?:-S\s+)?)(?:ba|z|da|k|a)?sh\b")
_MAKEFILES = frozenset({"makefile", "gnumakefile"})
_WORKFLOW = re.compile(r"(^|/)\.github/(workflows|actions)/.*\.ya?ml$|(^|/)action\.ya?ml$")
_EXPRESSION = re.compile(r"\$\{\{.*?\}\}", re.DOTALL)
# In bytes. Only the first 64 KB of a script are read anyway, but a workflow contains many scripts.
_LARGEST = 1024 * 1024


_TARGETS = {
    None: "no target",
    TargetKind.LOCAL: "the local database",
    TargetKind.PRODUCTION: "the linked project",
    TargetKind.DRILL: "a drill",
}


@dataclass(frozen=True, slots=True, order=True)
class Stopped:
    """A command that the policy stops. Lines and columns count from 1."""

    file: str
    line: int
    column: int
    verdict: Verdict
    message: str

    def __str__(self) -> str:
        """Render as `file:line:column: verdict: message`."""
        return f"{one_line(self.file)}:{self.line}:{self.column}: {self.verdict}: {printable(self.message)}"


@dataclass(frozen=True, slots=True)
class _Script:
    """A piece of shell in a file, and where its first character is."""

    text: str
    line: int = 1
    column: int = 1


def is_scanned(path: Path) -> bool:
    """Whether this is a kind of file that is scanned."""
    return _kind_of(path) is not None


def scan_file(path: Path, policy: Policy) -> tuple[Stopped, ...]:
    """Return every command of a file that the policy stops, in order. Raises OSError if the file can't be read."""
    kind = _kind_of(path)
    if kind is None or path.stat().st_size > _LARGEST:
        return ()
    # Shells ignore NUL characters.
    text = path.read_text(encoding="utf-8", errors="replace").replace("\0", "")
    found: dict[tuple[int, int], Stopped] = {}
    for script in _READERS[kind](text):
        for placed in judge_script(script.text, policy=policy):
            judged = _by_every_major(placed.judgement, policy)
            # In a YAML block, all lines have the same indentation. Elsewhere only the first line begins inside a line.
            indent = script.column - 1 if placed.line == 1 or kind == "workflow" else 0
            place = (script.line + placed.line - 1, placed.column + indent)
            # One command may be judged more than once, for example after `npx`. The gravest verdict stays.
            if judged.verdict.rank > (found[place].verdict.rank if place in found else 0):
                command = f"{' '.join(judged.commands[0])}: " if judged.commands else ""
                message = encodable(command + judged.reason)
                found[place] = Stopped(encodable(str(path)), *place, judged.verdict, message)
    return tuple(sorted(found.values()))


def _by_every_major(judged: Judgement, policy: Policy) -> Judgement:
    """Return a judgement that asks if the CLI's major alone decides where a command writes.

    At a prompt, a person sees where it goes. A file runs the same line on whatever major is installed that day.
    """
    writes = judged.effect is not Effect.READS and not judged.writes_files
    if judged.verdict is not Verdict.ALLOW or not judged.commands or not writes:
        return judged
    targets = {major: classify(judged.commands[0], policy, major=major).target for major in sorted(policy.majors)}
    if len(set(targets.values())) < 2:
        return judged
    places = [f"CLI {major} sends it to {_TARGETS[target]}" for major, target in targets.items()]
    advice = "Name the target, or pin the CLI's version in the line."
    return replace(judged, verdict=Verdict.CONFIRM, reason=f"It has no target flag: {', '.join(places)}. {advice}")


def _kind_of(path: Path) -> str | None:
    name = path.name.lower()
    if name == "package.json":
        return "package"
    if name in _MAKEFILES or path.suffix == ".mk":
        return "makefile"
    if _WORKFLOW.search(path.as_posix()):
        return "workflow"
    if path.suffix in _SCRIPTS or (not path.suffix and _has_shebang(path)):
        return "script"
    return None


def _has_shebang(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            # Enough for the path of any shell.
            return _SHEBANG.match(file.read(80)) is not None
    except OSError:
        return False


def _recipes(text: str) -> Iterator[_Script]:
    """Yield each line of each recipe of a Makefile."""
    for rule in read_makefile(text).values():
        for number, line in rule.recipe:
            yield _Script(line, number, 2)


def _package_scripts(text: str) -> Iterator[_Script]:
    """Yield the scripts of a package.json."""
    try:
        scripts = json.loads(text, strict=False).get("scripts", {})
    except (ValueError, AttributeError):
        return
    start = text.find('"scripts"')
    for name, body in scripts.items() if isinstance(scripts, dict) else ():
        # The json module doesn't report places, so search the text after `"scripts"` for the key.
        match = re.compile(re.escape(json.dumps(name, ensure_ascii=False)) + r'\s*:\s*"').search(text, start)
        if isinstance(body, str) and match:
            before = text[: match.end()]
            yield _Script(body, before.count("\n") + 1, len(before) - before.rfind("\n"))


def _workflow_runs(text: str) -> Iterator[_Script]:
    """Yield the `run:` texts of a workflow or an action. GitHub's own expressions count as unknown text."""
    try:
        # Nodes instead of values, because only nodes know their lines.
        root = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, RecursionError):
        return
    for node in _step_commands(root):
        mark = node.start_mark
        # A block begins on the line below its mark, and plain or quoted text right at it.
        block = node.style in {"|", ">"}
        lines = text.split("\n")
        line = mark.line + (2 if block else 1)
        first = "".join(lines[line - 1 : line]) if block else ""
        column = len(first) - len(first.lstrip(" ")) + 1 if block else mark.column + 1
        yield _Script(_EXPRESSION.sub(ANY, node.value), line, column + (node.style in {"'", '"'}))


def _step_commands(root: yaml.Node | None) -> Iterator[yaml.ScalarNode]:
    """Yield the `run:` of every step, wherever `steps:` are. Anchors may form cycles, so each node is visited once."""
    waiting: list[yaml.Node | None] = [root]
    seen: set[int] = set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen or not isinstance(node, yaml.CollectionNode):
            continue
        seen.add(id(node))
        waiting += node.value if isinstance(node, yaml.SequenceNode) else [value for _, value in node.value]
        for steps in _values(node, "steps"):
            for step in steps.value if isinstance(steps, yaml.SequenceNode) else ():
                yield from (each for each in _values(step, "run") if isinstance(each, yaml.ScalarNode))


def _values(node: yaml.Node, name: str) -> list[yaml.Node]:
    pairs = node.value if isinstance(node, yaml.MappingNode) else ()
    return [value for key, value in pairs if isinstance(key, yaml.ScalarNode) and key.value == name]


_READERS: dict[str, Callable[[str], Iterator[_Script]]] = {
    "package": _package_scripts,
    "makefile": _recipes,
    "workflow": _workflow_runs,
    "script": lambda text: iter((_Script(text),)),
}
