"""Turn shfmt's syntax tree (typed JSON) into nodes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, TypeAlias

from runbook.guard.shell import nodes, quoting
from runbook.guard.shell.nodes import (
    Chain,
    Opaque,
    ParameterPart,
    Part,
    Redirect,
    ShellStatement,
    Subshell,
    TextPart,
    Word,
)

__all__ = ["translate"]

Tree: TypeAlias = Mapping[str, Any]
"""A node of shfmt's tree. Keys whose value is empty are absent."""

_NOTHING = Chain(())


def translate(tree: Tree, data: bytes) -> Chain:
    """Turn a whole file into nodes. Raises `KeyError` or `TypeError` if the tree doesn't have the known shape.

    `data` is the file's text: shfmt counts columns in bytes, and nodes count them in characters.
    """
    if not data.isascii():
        _count_characters(tree, data.split(b"\n"))
    return _chain(tree.get("Stmts"))


def _count_characters(tree: Any, lines: list[bytes]) -> None:
    """Change the columns of all places in a tree from bytes to characters."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if "Col" in node and "Line" in node:
                before = lines[node["Line"] - 1][: node["Col"] - 1] if node["Line"] <= len(lines) else b""
                node["Col"] = len(before.decode(errors="replace")) + 1
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node


def _chain(statements: list[Tree] | None) -> Chain:
    return Chain(tuple(_statement(statement) for statement in statements or ()))


def _statement(tree: Tree | None) -> ShellStatement:
    if tree is None:
        return ShellStatement(_NOTHING)
    redirects = tuple(_redirect(redirect) for redirect in tree.get("Redirs", ()))
    command = tree.get("Cmd")
    statement = ShellStatement(_command(command) if command else _NOTHING, redirects)
    return ShellStatement(Subshell(Chain((statement,)))) if tree.get("Background") else statement


def _redirect(tree: Tree) -> Redirect:
    operator, descriptor = tree["Op"], tree.get("N", {}).get("Value", "")
    if "Hdoc" not in tree:
        # A heredoc without a line in it has no body at all.
        body: Word | None = () if operator in {"<<", "<<-"} else None
        return Redirect(operator, () if body == () else _word(tree["Word"]), body, descriptor)
    # A quoted word (`<<'EOF'`, `<<\\EOF`) means that nothing in the text is expanded.
    literal = any(part["Type"] != "Lit" or "\\" in part["Value"] for part in tree["Word"]["Parts"])
    parts: tuple[Part, ...] = ()
    for part in tree["Hdoc"].get("Parts", ()):
        text = part["Value"] if part["Type"] == "Lit" else ""
        decoded = TextPart(text if literal else quoting.heredoc(text), quoted=True)
        parts += (decoded if part["Type"] == "Lit" else _part(part, quoted=True),)
    return Redirect(operator, (), _without_tabs(parts) if operator == "<<-" else parts, descriptor)


def _without_tabs(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Remove the tabs at the start of each line. A part that follows another part begins within a line."""
    stripped: list[Part] = []
    for number, part in enumerate(parts):
        if not isinstance(part, TextPart):
            stripped.append(part)
            continue
        lines = part.value.split("\n")
        first = lines[0].lstrip("\t") if number == 0 else lines[0]
        stripped.append(TextPart("\n".join([first, *(line.lstrip("\t") for line in lines[1:])]), quoted=True))
    return tuple(stripped)


def _command(tree: Tree) -> nodes.Node:  # noqa: C901, PLR0911, PLR0912 - one case per kind of node
    match tree["Type"]:
        case "CallExpr":
            assigns = tuple(_assign(assign) for assign in tree.get("Assigns", ()))
            words = tuple(_word(word) for word in tree.get("Args", ()))
            return nodes.Simple(assigns, words, tree["Pos"]["Line"], tree["Pos"]["Col"])
        case "DeclClause":
            return _declare(tree)
        case "BinaryCmd":
            left, right = _statement(tree["X"]), _statement(tree["Y"])
            is_pipe = tree["Op"] in {"|", "|&"}
            return nodes.Pipe(left, right) if is_pipe else nodes.If(Chain((left,)), Chain((right,)), _NOTHING)
        case "Block":
            return _chain(tree.get("Stmts"))
        case "Subshell":
            return Subshell(_chain(tree.get("Stmts")))
        case "IfClause":
            return _if(tree)
        case "WhileClause":
            return nodes.Loop("", None, _chain(tree.get("Cond")), _chain(tree.get("Do")))
        case "ForClause":
            return _for(tree)
        case "CaseClause":
            items = tree.get("Items", ())
            patterns = tuple(_word(pattern) for item in items for pattern in item.get("Patterns", ()))
            return nodes.Case(_word(tree["Word"]), patterns, tuple(_chain(item.get("Stmts")) for item in items))
        case "FuncDecl":
            return nodes.Define(tree["Name"]["Value"], _statement(tree["Body"]))
        case "TimeClause":
            return Chain((_statement(tree.get("Stmt")),))
        case "CoprocClause":
            return Subshell(Chain((_statement(tree.get("Stmt")),)))
        case "TestClause" | "ArithmCmd":
            return nodes.Test(_words_within(tree), _names_set_in(tree))
        case "LetClause":
            # Its words may be quoted, so which names they set is not in the tree.
            names = re.findall(r"[A-Za-z_]\w*", json.dumps(list(tree.get("Exprs", ()))))
            return nodes.Test(_words_within(tree), tuple(names))
        case unknown:
            raise KeyError(unknown)  # a newer grammar than this: the reader reports a tree of an unknown shape


def _declare(tree: Tree) -> nodes.Node:
    arguments = tree.get("Args", [])
    assigns = tuple(_assign(item) for item in arguments if "Name" in item and not item.get("Naked"))
    words = tuple(_word(item["Value"]) for item in arguments if "Value" in item and "Name" not in item)
    # `export A` without a value names a variable that was set before.
    naked = (item["Name"]["Value"] for item in arguments if item.get("Naked") and "Name" in item)
    bare = tuple((TextPart(name, quoted=True),) for name in naked)
    return nodes.Declare(tree["Variant"]["Value"], assigns, (*words, *bare))


def _if(tree: Tree) -> nodes.Node:
    if "Cond" not in tree:  # shfmt writes `else` as a clause without a condition
        return _chain(tree.get("Then"))
    rest = Chain((ShellStatement(_if(tree["Else"])),)) if tree.get("Else") else _NOTHING
    return nodes.If(_chain(tree["Cond"]), _chain(tree.get("Then")), rest)


def _for(tree: Tree) -> nodes.Node:
    loop, body = tree["Loop"], _chain(tree.get("Do"))
    if loop["Type"] != "WordIter":
        test = nodes.Test(_words_within(loop), _names_set_in(loop))
        return nodes.Loop("", None, Chain((ShellStatement(test),)), body)
    # `for x; do` without `in` goes through the arguments.
    words = tuple(_word(item) for item in loop.get("Items", ())) if "InPos" in loop else None
    return nodes.Loop(loop["Name"]["Value"], words, _NOTHING, body)


def _assign(tree: Tree) -> nodes.Assign:
    name, append = tree["Name"]["Value"], tree.get("Append", False)
    subscript = _expression(tree.get("Index"))
    if "Array" not in tree:
        return nodes.Assign(name, _word(tree.get("Value")), append, subscript)
    elements = tree["Array"].get("Elems", ())
    words = tuple(_word(element.get("Value")) for element in elements)
    inner = tuple(word for element in elements for word in _words_within(element.get("Index")))
    if inner:  # indexes may substitute commands
        words = (*words, (Opaque(inner),))
    value = nodes.Array(words, keyed=any("Index" in item for item in elements))
    return nodes.Assign(name, value, append, subscript)


def _word(tree: Tree | None) -> Word:
    parts: list[Part] = []
    for part in tree.get("Parts", ()) if tree else ():
        if part["Type"] == "Lit":
            parts += quoting.bare(part["Value"])
        elif part["Type"] == "DblQuoted":
            # "" is an empty word, where an empty "$@" is none.
            parts += [_part(inner, quoted=True) for inner in part.get("Parts", ())] or [TextPart("", quoted=True)]
        else:
            parts.append(_part(part, quoted=False))
    return tuple(parts)


def _part(tree: Tree, *, quoted: bool) -> Part:
    kind = tree["Type"]
    if kind == "Lit":
        return TextPart(quoting.double_quoted(tree["Value"]), quoted=True)
    if kind == "SglQuoted":
        value = tree.get("Value", "")
        return TextPart(quoting.ansi_c(value) if tree.get("Dollar") else value, quoted=True)
    if kind == "CmdSubst":
        return nodes.Substitution(_chain(tree.get("Stmts")), quoted)
    if kind == "ProcSubst":
        return nodes.ProcessPipe(_chain(tree.get("Stmts")), reads=tree["Op"] == "<(")
    if kind == "ParamExp":
        operator, operands = _operation(tree)
        return ParameterPart(tree["Param"]["Value"], quoted, _expression(tree.get("Index")), operator, operands)
    return Opaque(_words_within(tree), _names_set_in(tree))


_PLAIN = {"Type", "Pos", "End", "Dollar", "Rbrace", "Short", "Param", "Index", "Excl"}
"""Keys of a parameter expansion that only name the parameter. Any other key changes its value."""


def _operation(tree: Tree) -> tuple[str, tuple[Word, ...]]:
    """Return the name of the operation on a parameter's value, `?` if it isn't modelled."""
    others = [value for key, value in tree.items() if key not in _PLAIN]
    if tree.get("Excl"):
        return ("?" if "Names" in tree or others else "!"), _words_within(others)
    if tree.get("Length") or tree.get("Width") or tree.get("IsSet"):
        return "?", ()
    if "Slice" in tree:
        return "slice", (_expression(tree["Slice"].get("Offset")) or (), _expression(tree["Slice"].get("Length")) or ())
    if "Repl" in tree:
        replacement = tree["Repl"]
        return "//" if replacement.get("All") else "/", (_word(replacement.get("Orig")), _word(replacement.get("With")))
    if "Exp" in tree:
        return tree["Exp"]["Op"], (_word(tree["Exp"].get("Word")),)
    return ("?", _words_within(others)) if others else ("", ())


def _expression(tree: Tree | None) -> Word | None:
    """Return an arithmetic expression as its word if it has only one, otherwise as an opaque word."""
    if tree is None:
        return None
    return _word(tree) if tree.get("Type") == "Word" else (Opaque(_words_within(tree), _names_set_in(tree)),)


def _words_within(tree: object) -> tuple[Word, ...]:
    """Find all words in a tree whose own meaning doesn't matter, because they may still run something."""
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


def _names_set_in(tree: object) -> tuple[str, ...]:
    """Find the variables that an arithmetic expression sets."""
    if isinstance(tree, list):
        return tuple(name for item in tree for name in _names_set_in(item))
    if not isinstance(tree, dict):
        return ()
    deeper = tuple(name for value in tree.values() for name in _names_set_in(value))
    kind, operator = tree.get("Type"), str(tree.get("Op", ""))
    sets = (kind == "BinaryArithm" and operator.endswith("=") and operator not in _COMPARISONS) or (
        kind == "UnaryArithm" and operator in {"++", "--"}
    )
    # What is set may itself be a tree (`a[i] = 1`): every name in it counts.
    return (*re.findall(r'"Value": "([A-Za-z_]\w*)"', json.dumps(tree.get("X"))), *deeper) if sets else deeper
