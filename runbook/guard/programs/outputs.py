"""Compute what programs print, if possible, and which files they change.

Output may become a script, a program's name or a subcommand. A file that a text wrote may have moved on, or be
something else by now.
"""

from __future__ import annotations

import base64
import re

from runbook.guard.programs.names import DATA_PROGRAMS, SHELLS, program_name
from runbook.guard.shell.call import Call
from runbook.guard.shell.quoting import echoed
from runbook.guard.shell.texts import (
    ANY,
    ANY_WORDS,
    LONGEST,
    NOTHING,
    UNKNOWN,
    Texts,
    concatenated,
    either,
    is_known,
    is_whole_unknown,
    plain,
    tight,
)

# --- what is printed -------------------------------------------------------------------------------------------------


_CONVERSION = re.compile(r"%(?:%|([-+ #0]*)(\d*)(?:\.(\d+))?([a-zA-Z]))")


def run_echo(call: Call) -> Texts:
    """`echo [-neE] WORDS`."""
    words = list(call.words[1:])
    options = ""
    while words and re.fullmatch(r"-[neE]+", plain(words[0])):
        options += plain(words.pop(0))[1:]
    text = tight(" ".join(words))
    # Some shells decode escapes without -e.
    texts = (echoed(text),) if "e" in options else either((text,), (echoed(text),)) if "\\" in text else (text,)
    return texts if "n" in options else concatenated(texts, ("\n",))


def run_printf(call: Call) -> Texts:
    """`printf [-v NAME] FORMAT WORDS`. With -v, the text goes to a variable, which the builtin's caller sets."""
    words = [plain(word) for word in call.words[1:]]
    if words[:1] == ["--"]:
        words.pop(0)
    if not words:
        return NOTHING
    text = format_text(words[0], words[1:])
    return UNKNOWN if text is None else (text,)


def format_text(pattern: str, words: list[str]) -> str | None:
    """Return what printf prints, or None if that isn't known. The format is reused until no word is left."""
    if not is_known(pattern) or any(ANY_WORDS in word for word in words):
        return None
    output, rest = "", list(words)
    while True:
        before = len(rest)
        piece = _format_once(pattern, rest)
        if piece is None:
            return None
        output += piece
        # A text that a line repeatedly prints into a variable may double each time.
        if len(output) > LONGEST:
            return None
        # A format that takes no word would repeat forever.
        if not rest or len(rest) == before:
            return output


def _format_once(pattern: str, rest: list[str]) -> str | None:
    pieces: list[str] = []
    at = 0
    for match in _CONVERSION.finditer(pattern):
        pieces.append(echoed(pattern[at : match.start()]))
        at = match.end()
        if match[0] == "%%":
            pieces.append("%")
            continue
        piece = _convert(match, rest.pop(0) if rest else "")
        if piece is None:
            return None
        pieces.append(piece)
    return "".join(pieces) + echoed(pattern[at:])


def _convert(match: re.Match[str], word: str) -> str | None:
    flags, width, precision, letter = match[1], match[2], match[3], match[4]
    if letter == "b":
        word = echoed(word)
    elif letter == "c":
        word = word[:1]
    # Other numbers are rounded, padded or quoted in ways that differ between shells.
    elif letter in "di" and re.fullmatch(r"[0-9]*", word):
        word = word or "0"
    elif letter != "s":
        return None
    if precision is not None:
        word = word[: int(precision)] if is_known(word) else ANY
    size = int(width or 0)
    if size > LONGEST:
        return None
    return word.ljust(size) if "-" in (flags or "") else word.rjust(size)


def run_cat(call: Call) -> Texts:
    """`cat FILES`: texts written in the same line, small files, or standard input."""
    paths = [word for word in call.words[1:] if not plain(word).startswith("-") or plain(word) == "-"]
    numbered = len(paths) < len(call.words) - 1
    if numbered and not is_known("".join(call.words)):
        return UNKNOWN
    return concatenated(*(_read(path, call) for path in paths or ["-"]))


def _read(path: str, call: Call) -> Texts:
    if plain(path) in {"-", "/dev/stdin", "/dev/fd/0"}:
        return UNKNOWN if call.state.stdin is None else call.state.stdin
    return call.shell.input_from(path, call.state)


def run_ls(call: Call) -> Texts:
    """`ls PATTERN`: the paths that fit. What else it prints isn't known."""
    paths = [tight(plain(word)) for word in call.words[1:] if not plain(word).startswith("-")]
    fitting = [path for path in paths if not is_known(path) and not is_whole_unknown(path)]
    return either(UNKNOWN, ("".join(f"{path}\n" for path in fitting),)) if fitting else UNKNOWN


def run_head(call: Call) -> Texts:
    """`head` and `tail [-n COUNT | -COUNT] FILES` of texts that are known."""
    words = call.arguments
    count, paths = 10, []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        match = re.fullmatch(r"(?:-n|--lines=?|-)(\d+)?", word)
        if match and word != "-":
            given = match[1] or (rest.pop(0) if rest else "")
            if not given.isdigit():
                return UNKNOWN
            count = int(given)
        elif word.startswith("-") and word != "-":
            return UNKNOWN
        else:
            paths.append(word)
    if len(paths) > 1:
        return UNKNOWN
    is_head = program_name(call.words[0]) in {"head", "ghead"}
    texts = _read(paths[0] if paths else "-", call)
    return either(*((_some_lines(text, count, is_head=is_head),) for text in texts))


def _some_lines(text: str, count: int, *, is_head: bool) -> str:
    if not is_known(text):
        return ANY
    lines = text.splitlines(keepends=True)
    return "".join(lines[:count] if is_head else lines[-count:] if count else [])


def run_sed(call: Call) -> Texts:
    """`sed -n p` passes on its input; what other scripts print isn't known."""
    words = [word for word in call.arguments if word not in {"-n", "--quiet", "--silent"}]
    is_whole = words[:1] == ["p"] and len(words) < len(call.arguments) and len(words) <= 2
    return _read(words[1] if len(words) > 1 else "-", call) if is_whole else UNKNOWN


def run_tee(call: Call) -> Texts:
    """`tee FILES` passes its input on."""
    texts = UNKNOWN if call.state.stdin is None else call.state.stdin
    for path in call.words[1:]:
        if not plain(path).startswith(("-", "/dev/")):
            call.state.write(path, texts, append="-a" in call.arguments)
    return texts


def run_base64(call: Call) -> Texts:
    """`base64 -d` of a literal text."""
    words = call.arguments
    decodes = any(word in {"--decode", "-D"} or re.fullmatch(r"-[a-zA-Z]*[dD][a-zA-Z]*", word) for word in words)
    paths = [word for word in call.words[1:] if not plain(word).startswith("-")]
    if not decodes:
        return UNKNOWN
    texts = concatenated(*(_read(path, call) for path in paths or ["-"]))
    return either(*((_decoded(text),) for text in texts))


def _decoded(text: str) -> str:
    try:  # padding that is too long does no harm, and it is often left out
        return base64.b64decode("".join(text.split()) + "==").decode() if is_known(text) else ANY
    except ValueError:
        return ANY


def run_which(call: Call) -> Texts:
    """`which NAME`: a path that ends in the name."""
    names = [plain(word) for word in call.words[1:] if not plain(word).startswith("-")]
    # The directory is unknown, the program's name is not: `$(which supabase) db reset`.
    return (f"{ANY}/{names[0].rsplit('/', 1)[-1]}\n",) if len(names) == 1 else UNKNOWN


def run_download(call: Call) -> Texts:
    """`curl -o FILE`, `wget`, `gh release download -p FILE`: a download is unknown text, on the screen or in a file."""
    words = call.arguments
    flags = {"-o", "-O", "--out", "--output", "--output-document"}
    if program_name(call.words[0]) == "gh":
        if words[:2] not in {("release", "download"), ("run", "download")}:
            return UNKNOWN
        # A pattern is mostly a file's name.
        flags |= {"-p", "--pattern", "-n", "--name"}
    paths = [words[at + 1] for at, word in enumerate(words[:-1]) if word in flags]
    paths += [word[2:] for word in words if re.match(r"-[oO][^-]", word)]
    paths += [word.partition("=")[2] for word in words if word.partition("=")[0] in flags and "=" in word]
    # Without a name, the file is named as in the URL.
    paths += [word.rstrip("/").rpartition("/")[2] for word in words if "://" in word]
    directory = _value_of(words, "-d", "--dir", "-D", "-P", "--output-dir", "--directory-prefix")
    for path in paths:
        if path and path != "-":
            call.state.write(path, UNKNOWN)
            if directory is not None:
                call.state.write(f"{directory.rstrip('/')}/{path}", UNKNOWN)
    return UNKNOWN


# --- what is changed -------------------------------------------------------------------------------------------------


_COPIES = frozenset({"cp", "mv", "ln", "install", "rsync", "scp", "gcp", "gmv", "dd"})
_UNPACKS = frozenset({"tar", "gtar", "bsdtar", "unzip", "cpio", "bsdcpio", "7z"})
_CHANGES = frozenset({"sed", "gsed", "patch", "truncate", "split", "sponge", "gpg", "openssl"})
_ONLY_READ = DATA_PROGRAMS - _CHANGES - _COPIES | SHELLS | {"source", ".", "exec", "[", "test", "git"}


def note_changes(call: Call, name: str) -> None:
    """Note what a command may do to files that this text wrote, and which files it copies, moves or links."""
    if name in _COPIES:
        note_copies(call)
        return
    if name in _UNPACKS:
        # An archive may hold any file that is here, as in `tar cf - . | tar xf - -C PLACE`.
        target = _value_of(call.arguments, "-C", "--directory", "-d")
        if target is not None:
            call.state.copy_files(".", target)
        return
    if not call.state.files or name in _ONLY_READ or name in call.shell.outline.programs:
        return
    if name in {"sed", "gsed"} and not any(re.match(r"-[a-zA-Z]*i|--in-place", word) for word in call.arguments):
        return
    # What a task runner or an interpreter starts is followed, and says itself what it changes.
    if call.shell.outline.task_runners(name) or call.shell.outline.interpreters(name):
        return
    for word in _paths_in(call):
        path = word.removeprefix("of=")
        if is_known(path) and (call.state.is_written(path) or path != word):
            call.state.write(path, UNKNOWN)


_ELSEWHERE = re.compile(r"[^/:]{2,}:(?=[^\\])")
"""The host or container before a path, as scp and `docker cp` have it. A single letter is a Windows drive."""


def note_copies(call: Call) -> None:
    """Note which files a command copies, moves or links, and where to."""
    # Files of other machines are noted as if they were here: what is started there reads them by the same path.
    words = [_ELSEWHERE.sub("", word, count=1) for word in _paths_in(call)]
    into = _value_of(call.arguments, "-t", "--target-directory")
    if into is not None:
        words = [word for word in words if word != into]
    target, sources = (into, words) if into is not None else (words[-1] if words else "", words[:-1])
    if program_name(call.words[0]) == "dd":
        sources = [word[3:] for word in call.arguments if word.startswith("if=")]
        target = next((word[3:] for word in call.arguments if word.startswith("of=")), "")
    for source in sources:
        if not is_known(source) or not is_known(target) or not target:
            # What the line itself wrote is known, wherever it goes.
            texts = call.shell.contents(source, call.state) if call.state.is_written(source) else None
            if texts is not None:
                call.state.write(target, texts)
            # `cp scripts/*.sh PLACE`: the files that fit keep their names there.
            if is_whole_unknown(source) or not is_known(target) or not target:
                continue
        call.state.copy_files(source.rstrip("/") or "/", target)
        if source.endswith(("/", "/.")):  # rsync copies what is in it, not the directory
            call.state.copy_files(source.rstrip("/."), target)


def _value_of(words: tuple[str, ...], *names: str) -> str | None:
    for at, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in names:
            return value if equals else words[at + 1] if at + 1 < len(words) else None
    return None


def _paths_in(call: Call) -> list[str]:
    # A word with a blank in it is a text; its end may look like a path.
    return [plain(word) for word in call.words[1:] if not re.match(r"-|.*\s", plain(word), re.DOTALL)]
