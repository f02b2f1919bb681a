"""An abstract shell: it follows a text without running anything, and passes each command to whoever knows it.

Where a real shell would decide, both ways are taken; what it would compute is computed where that is easy and unknown
where it is not. So each command that may run is seen, with all the words that it may get.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

from runbook.errors import MissingPartError
from runbook.guard.shell.call import Call, Doubt, Examiner, TooMuchError
from runbook.guard.shell.evaluator import Evaluator
from runbook.guard.shell.nodes import Chain, ProcessPipe, ShellStatement
from runbook.guard.shell.parser import NotShellError, read_shell, without_long_bodies
from runbook.guard.shell.shell_state import Disk, ShellState
from runbook.guard.shell.texts import ANY_WORDS, LONGEST, MAYBE, NOTHING, UNKNOWN, Texts, either, is_known, plain

if TYPE_CHECKING:
    from runbook.guard.outline import Outline

__all__ = ["Machine"]

# Far above what real lines need, and low enough to answer within the time limit of an agent's hook.
_MOST_STEPS = 12_000
_FEW_STEPS = 500
_MOST_WORK = 150_000
_MOST_TEXTS = 600
_FEW_TEXTS = 3
_MOST_RISKY = 16
_DEEPEST = 40  # well below Python's own recursion limit
_END = "END_OF_TEXT"

Starter: TypeAlias = Callable[[Call], Texts]
"""Knows programs: it gets each command and returns what the command may print."""


class Machine:
    """What nodes, words and programs can have done: texts run, commands started, files read, doubts raised."""

    def __init__(
        self,
        starter: Starter,
        examiner: Examiner,
        disk: Disk,
        knows: Callable[[str, Outline], bool] = lambda *_: False,
    ) -> None:
        self._starter = starter
        self._knows = knows
        self.examiner: Examiner = examiner
        self.outline = examiner.outline
        self._disk = disk
        self._walker = Evaluator(self)
        self._steps = 0
        self._work = 0
        self._texts = 0
        self._depth = 0  # everything nested: texts, functions, substitutions
        self._nesting = 0  # texts in texts alone; positions are those of the outermost
        self._pipes = 0
        self._readings = 0
        self._guesses = 0
        self._repetitions = 0
        self._called: set[str] = set()
        self._followed: set[tuple[str, ...]] = set()

    @property
    def is_sure(self) -> bool:
        """Whether what runs now is more than one reading of the line."""
        return self._readings == 0

    @property
    def is_guessing(self) -> bool:
        """Whether what runs now may be no program at all."""
        return self._guesses > 0

    @property
    def is_repeating(self) -> bool:
        """Whether what runs now may run again with other words."""
        return self._repetitions > 0

    @contextmanager
    def repeating(self) -> Iterator[None]:
        """In this block, commands run once for each of several words, as in a loop."""
        self._repetitions += 1
        try:
            yield
        finally:
            self._repetitions -= 1

    def doubt(self, doubt: Doubt, subject: str) -> None:
        """Note that a person must confirm a text. Don't do so while guessing, when it may not be a program at all."""
        if not self.is_guessing:
            self.examiner.doubt(doubt, subject)

    def step(self) -> None:
        """Count a piece of work. Raises TooMuchError when there were too many."""
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise TooMuchError

    def spend(self, units: int) -> None:
        """Count work within a step, in units of one word. Raises TooMuchError beyond the limit."""
        self._work += units
        if self._work > _MOST_WORK:
            raise TooMuchError

    @contextmanager
    def perhaps(self) -> Iterator[None]:
        """In this block, findings are only one reading of the line."""
        self._readings += 1
        try:
            yield
        finally:
            self._readings -= 1

    @contextmanager
    def guessing(self) -> Iterator[None]:
        """In this block, unknown things about a program aren't doubts, because it may not be a program at all."""
        self._guesses += 1
        try:
            yield
        finally:
            self._guesses -= 1

    def follow(self, words: tuple[str, ...]) -> None:
        """Note that all which a command starts was read."""
        self._followed.add(words)

    def has_followed(self, words: tuple[str, ...]) -> bool:
        """Whether all that a command starts was read, so that its name says nothing more."""
        return words in self._followed

    def text(self, text: str, state: ShellState) -> Texts:
        """Read a text as shell code and run it, with the traps that it sets. If it doesn't parse, that's a doubt."""
        self._texts += 1
        if self._texts > _MOST_TEXTS:
            raise TooMuchError
        try:
            chain = read_shell(text if len(text) <= LONGEST else without_long_bodies(text))
        except NotShellError as error:
            self.doubt(Doubt.UNREADABLE, str(error))
            return UNKNOWN
        except MissingPartError as error:
            # Even a guess counts if the text names a program that may destroy: nobody knows how.
            if not self.is_guessing or any(name in text for name in self.outline.risky):
                self.examiner.doubt(Doubt.NO_GRAMMAR, f"{error.message}. {error.hint}")
            return UNKNOWN
        with self._deeper():
            self._nesting += 1
            output = self._walker.chain(chain, state)
            # Taken out first, as a trap may set another.
            traps, state.traps = state.traps, []
            for trap in traps:
                self.text(trap, state.copy())
            self._nesting -= 1
        return output

    def run_uncalled(self, state: ShellState) -> None:
        """Run the functions that nobody called, with unknown arguments."""
        self._nesting += 1
        for name, bodies in list(state.functions.items()):
            for body in bodies if name not in self._called else ():
                if body is not None:
                    self._function(body, (name, ANY_WORDS), state)
        self._nesting -= 1

    def stand_at(self, line: int, column: int) -> None:
        """Note the place of the next command in the outermost text."""
        # Texts inside, of eval or a script, have lines of their own.
        if self._nesting == 1:
            self.examiner.stand_at(line, column)

    def guess(self, text: str, state: ShellState) -> None:
        """Read a text that may be shell code or another language. If it doesn't parse, that isn't a doubt."""
        with self.guessing(), self.perhaps():
            self.text(text, state.child())

    def guess_words(self, words: tuple[str, ...], state: ShellState) -> None:
        """Start words that may be a command, or only a list in another language."""
        with self.guessing(), self.perhaps():
            self.start(words, state.child())

    def evaluate(self, texts: Texts, state: ShellState) -> None:
        """Run what texts substitute that a shell expands once more: subscripts, and variables in arithmetic."""
        for text in texts:
            if "$(" in text or "`" in text:
                with self.perhaps():  # as a heredoc, which expands a text and takes nothing else in it for shell
                    self.text(f": <<{_END}\n{plain(text)}\n{_END}\n", state.copy())

    def invoke(self, words: tuple[str, ...], state: ShellState) -> Texts:
        """Start words as the shell itself would: functions first. Return what they may print."""
        if not words:
            return NOTHING
        # None means a path on which the function isn't defined. Then a program of that name starts.
        bodies = state.functions.get(plain(words[0]), (None,))
        self._called.add(plain(words[0]))
        outputs = [self._function(body, words, state) for body in bodies if body is not None]
        if None in bodies:
            outputs.append(self.start(words, state))
        return either(*outputs)

    def _function(self, body: ShellStatement, words: tuple[str, ...], state: ShellState) -> Texts:
        before = state.arguments
        state.arguments = (words[1:],)
        with self._deeper():
            output = self._walker.statement(body, state)
        state.arguments = before
        return output

    def start(self, words: tuple[str, ...], state: ShellState) -> Texts:
        """Start words as another program would: no functions, no aliases."""
        self.step()
        if not words:
            return NOTHING
        # The mark says that the word is there on one reading only, so all that follows from it is.
        if self.is_sure and any(MAYBE in word for word in words):
            with self.perhaps():
                return self.start(words, state)
        with self._deeper():
            return self._starter(Call(words, state, self))

    def knows(self, program: str) -> bool:
        """Whether the guard knows what a program does with its words."""
        return self._knows(program, self.outline)

    def scan_prefix(self, text: str, state: ShellState) -> Texts:
        """Run the beginning of a text that is hardly dangerous. Unknown things in it aren't doubts."""
        # The prefix gets at most a few steps, and is charged all of them.
        steps, self._steps = self._steps, max(self._steps, _MOST_STEPS - _FEW_STEPS)
        depth, nesting = self._depth, self._nesting
        try:
            with self.guessing():
                return self.text(text, state)
        except TooMuchError:
            # The error skipped what counts them down.
            self._depth, self._nesting = depth, nesting
            return UNKNOWN
        finally:
            self._steps = steps + _FEW_STEPS

    def contents(self, path: str, state: ShellState) -> Texts | None:
        """Return what a file may contain, or None if that isn't known."""
        self.spend(len(state.files))  # the path is compared with each written file
        texts = state.contents(path, self._disk)
        if texts is None or is_known(path) or len(texts) <= _FEW_TEXTS:
            return texts
        # Of many files that fit a pattern, those that name no dangerous program hardly count.
        risky = [text for text in texts if any(program in text.lower() for program in self.outline.risky)]
        others = [text for text in texts if text not in risky]
        return (*risky[:_MOST_RISKY], *others[:_FEW_TEXTS])

    def input_from(self, path: str, state: ShellState) -> Texts:
        """Return what a program may read from a file. Where the path is a pattern, several files may come in a row."""
        texts = self.contents(path, state) or UNKNOWN
        return texts if is_known(path) else either(texts, UNKNOWN)

    def output(self, body: Chain, state: ShellState) -> Texts:
        """Run a command substitution and return what it may print."""
        with self._deeper():
            return self._walker.chain(body, state.copy())

    def path_to(self, pipe: ProcessPipe, state: ShellState) -> str:
        """Run a process substitution. Its output is the content of the path."""
        inner = state.copy()
        # Whoever opens the path writes to it, and the redirection says what.
        if not pipe.reads:
            inner.stdin = UNKNOWN
        output = self.output(pipe.body, inner)
        self._pipes += 1
        path = f"/dev/fd/pipe{self._pipes}"
        if pipe.reads:
            state.files[path] = output
        return path

    @contextmanager
    def _deeper(self) -> Iterator[None]:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise TooMuchError
        try:
            yield
        finally:
            self._depth -= 1
