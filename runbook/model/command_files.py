"""Where files hold commands, and which programs run them: package scripts, Makefiles, pipelines, images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from runbook.model.fields import (
    FLAGS,
    KEBAB,
    LINE,
    PATHS,
    TEXTS,
    WORDS,
    Choice,
    ListOf,
    MapOf,
    Regex,
    Shaped,
    Text,
    Truth,
    key,
    shape,
)
from runbook.model.line_test import LineTest
from runbook.model.terms import Position

__all__ = ["FORMATS", "SHAPES", "CommandFile", "CommandFileTest", "TaskRunner"]

FORMATS = ("yaml", "json", "toml", "make", "just", "dockerfile", "procfile", "shell", "lines", "code")
"""How a file is read. `json` may have comments, `lines` are judged one by one, `code` is any other language."""


@dataclass(frozen=True, slots=True)
class CommandFileTest:
    """The text of a file and the commands that must be found in it: a test beside the data."""

    text: str = key(Text(literal=True), "The text of a file.")
    commands: tuple[str, ...] = key(WORDS, "The commands that must be found in it, in order.")
    at: Position = field(kw_only=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandFile:
    """A kind of file that holds commands, and where in it they are.

    At the end of a path, a text is a shell line, and a list has lines. A mapping is searched by the paths alone.
    """

    id: str = key(KEBAB, "The name of this kind of file; unique.")
    title: str = key(LINE, "What it is, for people.", default="")
    names: tuple[str, ...] = key(
        ListOf(TEXTS),
        "The end of the file's path, as a pattern: `*` is anything within a name, `**/` any directories.",
    )
    format: str = key(Choice(FORMATS), "How it is read. `json` may have comments.")
    shebangs: tuple[str, ...] = key(
        WORDS, "Programs without a version: a file whose first line starts one of them is of this kind.", default=()
    )
    commands: tuple[str, ...] = key(
        PATHS,
        "Paths to the commands. `*` is any key or item, and the first `*` is the task's name; `**` is any number of "
        "keys and items.",
        default=(),
    )
    needs: tuple[str, ...] = key(PATHS, "Paths to the names of tasks that run with a task.", default=())
    aliases: tuple[str, ...] = key(PATHS, "Paths to other names of a task.", default=())
    values: tuple[str, ...] = key(PATHS, "Paths to mappings of values that commands may use by name.", default=())
    named_by: str = key(TEXTS, "The key beside a command whose text is the task's name.", default="")
    arguments: str = key(TEXTS, "The key beside a command whose list has the words after it.", default="")
    unless: Mapping[str, tuple[str, ...]] = key(
        MapOf(TEXTS, WORDS), "Texts of keys beside a command with which it isn't a shell's.", default=dict
    )
    fills: tuple[str, ...] = key(
        ListOf(Regex(), 0),
        "What the program fills in before a shell sees the text. The first group is the name of a value.",
        default=(),
    )
    prefixes: tuple[str, ...] = key(WORDS, "What may stand before a command and isn't part of it.", default=())
    comments: tuple[str, ...] = key(WORDS, "In scripts: what begins a comment up to the end of a line.", default=())
    begins: str | None = key(Regex(1), "In code: the beginning of a task. The first group is its name.", default=None)
    calls: str = key(TEXTS, "The character before the name of another task, in place of a command.", default="")
    around: tuple[str, ...] = key(
        WORDS, "Tasks that run before and after a task, with `*` for its name: pre*, post*.", default=()
    )
    takes_words: bool = key(Truth(), "Words after a task's name are added to its last command.", default=False)
    is_argv: bool = key(Truth(), "A list of texts is the words of one command.", default=False)
    one_shell: bool = key(Truth(), "The lines of a list run in one shell.", default=False)
    local_programs: bool = key(Truth(), "Its commands find programs in node_modules/.bin first.", default=False)
    tests: tuple[CommandFileTest, ...] = key(
        ListOf(Shaped("command-file-test"), 0), "Files with the commands that must be found in them.", default=()
    )
    at: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRunner:
    """Programs that run the tasks of a file by name."""

    programs: tuple[str, ...] = key(ListOf(TEXTS), "The programs that work like this.")
    files: tuple[str, ...] = key(
        ListOf(KEBAB, 0), "The kinds of files that have its tasks. Of each, the nearest one counts.", default=()
    )
    after: tuple[str, ...] = key(
        WORDS,
        "Subcommands after which the task comes. With any other word in front, no task runs.",
        default=(),
    )
    is_after_optional: bool = key(
        Truth(), "The task may also come without a subcommand, if it isn't one of its `own`.", default=False
    )
    own: tuple[str, ...] = key(WORDS, "Its own subcommands, which run no task.", default=())
    file_flags: tuple[str, ...] = key(FLAGS, "Flags that name the file.", default=())
    directory_flags: tuple[str, ...] = key(FLAGS, "Flags that name the directory.", default=())
    task_flags: tuple[str, ...] = key(FLAGS, "Flags whose value is a task.", default=())
    variable_flags: tuple[str, ...] = key(
        FLAGS, "Flags that take the name of a variable and its value, as two words.", default=()
    )
    value_flags: tuple[str, ...] = key(FLAGS, "Other flags that take a value.", default=())
    dry_flags: tuple[str, ...] = key(FLAGS, "Flags with which no task runs.", default=())
    takes: str = key(
        Choice(("all", "first", "file", "none")),
        "Which words are tasks: all, none, or the first, which gets the others. With `file`, the first is a file.",
        default="all",
    )
    words_after_dashes: bool = key(
        Truth(), "Words after `--` aren't tasks, but words for the tasks before.", default=False
    )
    flags_first: bool = key(
        Truth(), "Flags after the first task aren't the runner's own, but words of the task.", default=False
    )
    bare: str = key(
        Choice(("nothing", "first", "all")),
        "What runs if no task is named: nothing, the file's own choice or its first task, or all tasks.",
        default="nothing",
    )
    default: str = key(TEXTS, "The task that runs if none is named.", default="")
    globs: bool = key(Truth(), "A task may be a pattern, such as db:*.", default=False)
    expressions: bool = key(Truth(), "A task may be a regular expression, such as /^db:/.", default=False)
    upward: bool = key(Truth(), "The file may be in a directory above, and its commands run where it is.", default=True)
    in_directories: bool = key(
        Truth(), "A directory may stand before a task: sub/test is the task test of the file in sub.", default=False
    )
    or_program: bool = key(Truth(), "If there is no such task, the words are a command.", default=False)
    separators: str = key(
        TEXTS, "Characters that may stand between the name of a project and a task, as in app:build.", default=""
    )
    scripts: tuple[str, ...] = key(WORDS, "Directories whose files are tasks, too.", default=())
    in_packages: bool = key(Truth(), "Tasks of that name run in all packages of the project.", default=False)
    tests: tuple[LineTest, ...] = key(
        ListOf(Shaped("line-test"), 0), "Lines with the verdict that each must get.", default=()
    )
    at: Position


SHAPES = (
    shape(CommandFile, "command-file", "a kind of file", "A kind of file that holds commands, and where they are."),
    shape(CommandFileTest, "command-file-test", "a test file", "The text of a file, and what must be found in it."),
    shape(TaskRunner, "task-runner", "a task runner", "Programs that run the tasks of a file by name."),
)
"""The entries of programs.yaml that this module defines."""
