"""Set up a project, a book and a stand-in CLI on disk, and a person who walks there with the real command line."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from runbook.journal.events import Event, RunFinished
from runbook.journal.sqlite import SqliteJournal
from support.books import FIX_HEAD, write_book
from support.forked import KillAt, Terminal, start
from support.terminals import program

__all__ = ["DEPLOY", "PUSH", "Place", "make_place"]

PROCEDURE = (
    FIX_HEAD
    + """\
before:
  - {id: warn, tick: Tell the others}
steps:
  - id: see
    title: See
    run: npx supabase migration list {{target}} --output-format json
    capture: {last: {json: migrations.-1.remote}}
  - id: push
    title: Push
    run: npx supabase db push {{target}}
    verify:
      run: npx supabase migration list {{target}} --output-format json
      expect: {json: {migrations.0.local: "{{last}}"}}
    undo: {none: It can't be undone}
  - id: what
    title: What is it?
    choose:
      - when: A function
        steps:
          - {id: deploy, title: Deploy, run: "npx supabase functions deploy fn {{target}}", undo: {none: "No"}}
      - {when: Nothing, steps: []}
  - {id: tell, tick: Tell them that it is over}
"""
)

NPX = """\
words="$*"
case "$words" in
  *--version*) echo 3.1.0; exit;;
  *"migration list"*)
    echo '{"target":{"project_ref":"qwertyuiopasdfghjklz","environment":"production"},'
    echo '"migrations":[{"local":"7","remote":"7"}]}'; exit;;
esac
echo "$words" >> "$HOME/log"
if [ -e "$HOME/linger" ]; then trap '' HUP; fi
if [ -e "$HOME/kill" ]; then rm "$HOME/kill"; kill -9 $PPID; fi
if [ -e "$HOME/linger" ]; then echo $$ > "$HOME/linger.pid"; while [ -e "$HOME/linger" ]; do sleep 0.02; done; fi
echo done
"""
"""The CLI's stand-in: it notes each write before it does anything else, and can kill the walk that called it."""

PUSH, DEPLOY = "supabase db push --remote", "supabase functions deploy fn --remote"


@dataclass
class Place:
    """A project, a book and a stand-in CLI in a directory of their own."""

    root: Path
    screens: list[str] = field(default_factory=list)
    kills: int = 0
    typed: int = 0
    child: int = 0
    """The pid of the newest session."""
    decisions: list[str] = field(default_factory=list)
    """The first answer, whatever has arrived. Before `done`, the lingering command may end."""

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of the walk's process."""
        return {
            "PATH": f"{self.root / 'bin'}:/usr/bin:/bin",
            "HOME": str(self.root),
            "XDG_STATE_HOME": str(self.root / "state"),
            "RUNBOOK_LOCKS": str(self.root),
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
        }

    @property
    def effects(self) -> list[str]:
        """Return the writes that were begun, in order."""
        log = self.root / "log"
        return log.read_text().splitlines() if log.exists() else []

    @property
    def events(self) -> Sequence[Event]:
        """Return the events that are on disk."""
        journal = SqliteJournal(self.root / "state" / "runbook")
        try:
            runs = journal.runs()
            return journal.events(runs[0]) if runs else ()
        finally:
            journal.close()

    def session(self, kill: KillAt | None = None) -> int:
        """Begin the run, or resume the existing one, with a wise person at the terminal."""
        verb = ["resume"] if self.events else ["run", "fix"]
        argv = ["--book", str(self.root / "book"), *verb, "--workdir", str(self.root / "project")]
        child = start(argv, environment=self.environment, directory=self.root, kill=kill)
        self.child = child.pid
        code = self.converse(child)
        self.kills += code == -signal.SIGKILL
        return code

    def converse(self, child: Terminal) -> int:
        """Answer until the child has ended, and keep its screens."""
        try:
            return child.converse(self.answer)
        finally:
            self.screens += child.screens

    def answer(self, screen: str) -> str:
        """Return what a person types who checks what was really done before deciding."""
        if "Nobody saw how this step ended" in screen:
            return self.decide(screen)
        if screen.endswith("why> "):
            return "I looked at the server"
        if "Type yes to run" in screen:
            self.typed += 1
            return "yes"
        return "1" if "What is it?" in screen and "Nothing" in screen else ""

    def decide(self, screen: str) -> str:
        """Answer done for a write that has arrived, and redo for one that hasn't or that only reads."""
        if self.decisions:
            answer = self.decisions.pop(0)
            if answer == "done":
                (self.root / "linger").unlink()
            return answer
        arrived = any(line in screen and line in self.effects for line in (PUSH, DEPLOY))
        return "done" if arrived else "redo"

    @property
    def is_finished(self) -> bool:
        """Return True if the run's last event is on disk."""
        return any(isinstance(event, RunFinished) for event in self.events)


def make_place(root: Path) -> Place:
    """Return a fresh place."""
    write_book(root / "book", {"fix": PROCEDURE})
    project = root / "project"
    (project / "supabase" / ".temp").mkdir(parents=True)
    (project / "supabase" / "config.toml").touch()
    (project / "supabase" / ".temp" / "project-ref").write_text("qwertyuiopasdfghjklz\n")
    (project / "node_modules" / "supabase").mkdir(parents=True)
    (project / "node_modules" / "supabase" / "package.json").write_text('{"version": "3.1.0"}')
    program(root / "bin", "npx", NPX)
    return Place(root)
