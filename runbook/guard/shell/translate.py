"""Turn shfmt's syntax tree (typed JSON) into nodes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from runbook.guard.shell import quoting
from runbook.guard.shell.nodes import (
    Array,
    Assign,
    Case,
    Chain,
    Command,
    Declare,
    Define,
    If,
    Loop,
    Opaque,
    ParameterPart,
    Part,
    Pipe,
    ProcessPipe,
    Redirect,
    Simple,
    Statement,
    Subshell,
    Substitution,
    Test,
    TextPart,
    Word,
)

__all__ = ["names_set_in", "translate"]

Tree: TypeAlias = Mapping[str, Any]
"""A node of shfmt's tree. Keys whose value is empty are absent."""

_NOTHING = Chain(())


def translate(tree: Tree) -> Chain:
    """Turn a whole file into nodes. Raises `KeyError` or `TypeError` where the tree is not of the known shape."""
    return _chain(tree.get("Stmts"))


def _chain(statements: list[Tree] | None) -> Chain:
    return Chain(tuple(_statement(statement) for statement in statements or ()))


def _statement(tree: Tree | None) -> Statement:
    if tree is None:
        return Statement(_NOTHING)
    redirects = tuple(_redirect(redirect) for redirect in tree.get("Redirs", ()))
    command = tree.get("Cmd")
    statement = Statement(_command(command) if command else _NOTHING, redirects)
    return Statement(Subshell(Chain((statement,)))) if tree.get("Background") else statement


def _redirect(tree: Tree) -> Redirect:
    operator, descriptor = tree["Op"], tree.get("N", {}).get("Value", "")
    if "Hdoc" not in tree:
        # A heredoc without a line in it has no body at all.
        body: Word | None = () if operator in {"<<", "<<-"} else None
        return Redirect(operator, () if body == () else _word(tree["Word"]), body, descriptor)
    literal = any(part["Type"] != "Lit" or "\\" in part["Value"] for part in tree["Word"]["Parts"])
    parts = tuple(_heredoc_part(part, literal=literal) for part in tree["Hdoc"].get("Parts", ()))
    return Redirect(operator, (), _without_tabs(parts) if operator == "<<-" else parts, descriptor)


def _heredoc_part(tree: Tree, *, literal: bool) -> Part:
    if tree["Type"] != "Lit":
        return _part(tree, quoted=True)
    return TextPart(tree["Value"] if literal else quoting.heredoc(tree["Value"]), quoted=True)


def _without_tabs(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Take the tabs off each line's beginning. A part that follows another part begins within a line."""
    stripped: list[Part] = []
    for number, part in enumerate(parts):
        if not isinstance(part, TextPart):
            stripped.append(part)
            continue
        lines = part.value.split("\n")
        first = lines[0].lstrip("\t") if number == 0 else lines[0]
        stripped.append(TextPart("\n".join([first, *(line.lstrip("\t") for line in lines[1:])]), quoted=True))
    return tuple(stripped)


def _command(tree: Tree) -> Command:
    return _COMMANDS[tree["Type"]](tree)


def _call(tree: Tree) -> Command:
    assigns = tuple(_assign(assign) for assign in tree.get("Assigns", ()))
    words = tuple(_word(word) for word in tree.get("Args", ()))
    return Simple(assigns, words, tree["Pos"]["Line"], tree["Pos"]["Col"])


def _declare(tree: Tree) -> Command:
    arguments = tree.get("Args", [])
    assigns = tuple(_assign(item) for item in arguments if "Name" in item and not item.get("Naked"))
    words = tuple(_word(item["Value"]) for item in arguments if "Value" in item and "Name" not in item)
    bare = tuple(
        (TextPart(item["Name"]["Value"], quoted=True),) for item in arguments if item.get("Naked") and "Name" in item
    )
    return Declare(tree["Variant"]["Value"], assigns, (*words, *bare))


def _binary(tree: Tree) -> Command:
    left, right = _statement(tree["X"]), _statement(tree["Y"])
    return Pipe(left, right) if tree["Op"] in {"|", "|&"} else If(Chain((left,)), Chain((right,)), _NOTHING)


def _block(tree: Tree) -> Command:
    return _chain(tree.get("Stmts"))


def _subshell(tree: Tree) -> Command:
    return Subshell(_chain(tree.get("Stmts")))


def _if(tree: Tree) -> Command:
    otherwise = tree.get("Else")
    # shfmt writes `else` as a clause without a condition.
    rest = Chain((Statement(_if(otherwise)),)) if otherwise else _NOTHING
    return If(_chain(tree.get("Cond")), _chain(tree.get("Then")), rest) if "Cond" in tree else _chain(tree.get("Then"))


def _while(tree: Tree) -> Command:
    return Loop("", None, _chain(tree.get("Cond")), _chain(tree.get("Do")))


def _for(tree: Tree) -> Command:
    loop, body = tree["Loop"], _chain(tree.get("Do"))
    if loop["Type"] != "WordIter":
        return Loop("", None, Chain((Statement(Test(_words_within(loop), names_set_in(loop))),)), body)
    words = tuple(_word(item) for item in loop.get("Items", ())) if "InPos" in loop else None
    return Loop(loop["Name"]["Value"], words, _NOTHING, body)


def _case(tree: Tree) -> Command:
    items = tree.get("Items", ())
    patterns = tuple(_word(pattern) for item in items for pattern in item.get("Patterns", ()))
    return Case(_word(tree["Word"]), patterns, tuple(_chain(item.get("Stmts")) for item in items))


def _define(tree: Tree) -> Command:
    return Define(tree["Name"]["Value"], _statement(tree["Body"]))


def _time(tree: Tree) -> Command:
    return Chain((_statement(tree.get("Stmt")),))


def _coproc(tree: Tree) -> Command:
    return Subshell(Chain((_statement(tree.get("Stmt")),)))


def _test(tree: Tree) -> Command:
    return Test(_words_within(tree), names_set_in(tree))


def _let(tree: Tree) -> Command:
    # Its words may be quoted, so which names they set is not in the tree.
    names = re.findall(r"[A-Za-z_]\w*", json.dumps(list(tree.get("Exprs", ()))))
    return Test(_words_within(tree), tuple(names))


_COMMANDS = {
    "CallExpr": _call,
    "DeclClause": _declare,
    "BinaryCmd": _binary,
    "Block": _block,
    "Subshell": _subshell,
    "IfClause": _if,
    "WhileClause": _while,
    "ForClause": _for,
    "CaseClause": _case,
    "FuncDecl": _define,
    "TimeClause": _time,
    "CoprocClause": _coproc,
    "TestClause": _test,
    "ArithmCmd": _test,
    "LetClause": _let,
}


def _assign(tree: Tree) -> Assign:
    name, append = tree["Name"]["Value"], tree.get("Append", False)
    subscript = _expression(tree.get("Index"))
    if "Array" not in tree:
        return Assign(name, _word(tree.get("Value")), append, subscript)
    elements = tree["Array"].get("Elems", ())
    words = tuple(_word(element.get("Value")) for element in elements)
    inner = tuple(word for element in elements for word in _words_within(element.get("Index")))
    value = Array(words if not inner else (*words, (Opaque(inner),)), keyed=any("Index" in item for item in elements))
    return Assign(name, value, append, subscript)


def _word(tree: Tree | None) -> Word:
    if tree is None:
        return ()
    return tuple(piece for part in tree.get("Parts", ()) for piece in _pieces(part))


def _pieces(tree: Tree) -> Iterator[Part]:
    if tree["Type"] == "Lit":
        yield from quoting.bare(tree["Value"])
    elif tree["Type"] == "DblQuoted":
        # "$@" may be no word at all, "" is an empty one.
        yield from (_quoted_part(part) for part in tree["Parts"]) if tree.get("Parts") else (TextPart("", quoted=True),)
    else:
        yield _part(tree, quoted=False)


def _quoted_part(tree: Tree) -> Part:
    if tree["Type"] == "Lit":
        return TextPart(quoting.double_quoted(tree["Value"]), quoted=True)
    return _part(tree, quoted=True)


def _part(tree: Tree, *, quoted: bool) -> Part:
    kind = tree["Type"]
    if kind == "SglQuoted":
        value = tree.get("Value", "")
        return TextPart(quoting.ansi_c(value) if tree.get("Dollar") else value, quoted=True)
    if kind == "CmdSubst":
        return Substitution(_chain(tree.get("Stmts")), quoted)
    if kind == "ProcSubst":
        return ProcessPipe(_chain(tree.get("Stmts")), reads=tree["Op"] == "<(")
    if kind == "ParamExp":
        return _parameter(tree, quoted=quoted)
    return Opaque(_words_within(tree), names_set_in(tree))


def _parameter(tree: Tree, *, quoted: bool) -> Part:
    name, subscript = tree["Param"]["Value"], _expression(tree.get("Index"))
    operator, operands = _operation(tree)
    return ParameterPart(name, quoted, subscript, operator, operands)


def _operation(tree: Tree) -> tuple[str, tuple[Word, ...]]:
    """Name what is done to a parameter's value; `?` stands for what is not modelled."""
    if tree.get("Excl"):
        return ("?" if "Names" in tree or _doings(tree) else "!"), _words_within(_doings(tree))
    if tree.get("Length") or tree.get("Width") or tree.get("IsSet"):
        return "?", ()
    if "Slice" in tree:
        return "slice", (_expression(tree["Slice"].get("Offset")) or (), _expression(tree["Slice"].get("Length")) or ())
    if "Repl" in tree:
        replacement = tree["Repl"]
        return "//" if replacement.get("All") else "/", (_word(replacement.get("Orig")), _word(replacement.get("With")))
    if "Exp" in tree:
        return tree["Exp"]["Op"], (_word(tree["Exp"].get("Word")),)
    return ("?", _words_within(_doings(tree))) if _doings(tree) else ("", ())


_PLAIN = {"Type", "Pos", "End", "Dollar", "Rbrace", "Short", "Param", "Index", "Excl"}


def _doings(tree: Tree) -> list[Any]:
    """Return what a parameter expansion does besides naming a value."""
    return [value for key, value in tree.items() if key not in _PLAIN]


def _expression(tree: Tree | None) -> Word | None:
    """Return an arithmetic expression that is one word as that word, another as an opaque one."""
    if tree is None:
        return None
    return _word(tree) if tree.get("Type") == "Word" else (Opaque(_words_within(tree), names_set_in(tree)),)


def _words_within(tree: object) -> tuple[Word, ...]:
    """Find all words in a tree whose own meaning does not matter: they may still run something."""
    if isinstance(tree, list):
        return tuple(word for item in tree for word in _words_within(item))
    if not isinstance(tree, dict):
        return ()
    if "Parts" in tree:
        return (_word(tree),)
    if tree.get("Type") in {"CmdSubst", "ProcSubst", "ParamExp"}:
        return ((_part(tree, quoted=True),),)
    return tuple(word for value in tree.values() for word in _words_within(value))


_COMPARISONS = frozenset({"==", "!=", "<=", ">="})


def names_set_in(tree: object) -> tuple[str, ...]:
    """Find the variables that an arithmetic expression sets."""
    if isinstance(tree, list):
        return tuple(name for item in tree for name in names_set_in(item))
    if not isinstance(tree, dict):
        return ()
    deeper = tuple(name for value in tree.values() for name in names_set_in(value))
    kind, operator = tree.get("Type"), str(tree.get("Op", ""))
    sets = (kind == "BinaryArithm" and operator.endswith("=") and operator not in _COMPARISONS) or (
        kind == "UnaryArithm" and operator in {"++", "--"}
    )
    return (*_names(tree.get("X")), *deeper) if sets else deeper


def _names(tree: object) -> tuple[str, ...]:
    return tuple(re.findall(r'"Value": "([A-Za-z_]\w*)"', json.dumps(tree)))
