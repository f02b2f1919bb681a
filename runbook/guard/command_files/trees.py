"""Read YAML, JSON and TOML into trees whose texts know their places."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from runbook.guard.command_files.contents import NotReadableError

if TYPE_CHECKING:
    import yaml

    from runbook.guard import jsonc

__all__ = ["Tree", "read_tree"]


class Tree(NamedTuple):
    """A text, a list or a mapping, and where its source is in the file. Numbers and truths are texts."""

    start: int = 0
    end: int = 0
    text: str | None = None
    items: tuple[Tree, ...] = ()
    members: tuple[tuple[str, Tree], ...] = ()
    has_escapes: bool = False
    """Its text is written with escapes, as in double quotes."""

    def get(self, key: str) -> Tree | None:
        """Return the value of a key, None if there is none."""
        return next((value for name, value in self.members if name == key), None)

    @property
    def children(self) -> Iterator[tuple[str, Tree]]:
        """All values in it, under their keys or "" in a list."""
        yield from self.members
        yield from (("", item) for item in self.items)


def read_tree(text: str, form: str) -> Tree:
    """Read a text as yaml, json or toml. Raises NotReadableError."""
    try:
        return {"yaml": _read_yaml, "json": _read_json, "toml": _read_toml}[form](text)
    except RecursionError as error:
        raise NotReadableError("it is nested too deeply") from error


# --- JSON, with comments ---------------------------------------------------------------------------------------------


def _read_json(text: str) -> Tree:
    from runbook.guard.jsonc import NotJsoncError, read_jsonc

    try:
        root = read_jsonc(text, lenient=True).root
    except NotJsoncError as error:
        raise NotReadableError(error.message, error.line, error.column) from error
    return _from_json(root) if root is not None else Tree()


def _from_json(node: jsonc.Node) -> Tree:
    if isinstance(node.value, dict):
        # Of two equal keys, the last one counts.
        members = {str(item.key): _from_json(item.node) for item in node.items}
        return Tree(node.start, node.end, members=tuple(members.items()))
    if isinstance(node.value, list):
        return Tree(node.start, node.end, items=tuple(_from_json(item.node) for item in node.items))
    if isinstance(node.value, str):
        return Tree(node.start + 1, node.end - 1, node.value, has_escapes=True)
    return Tree(node.start, node.end, "" if node.value is None else str(node.value))


# --- YAML ------------------------------------------------------------------------------------------------------------


def _read_yaml(text: str) -> Tree:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        # Nodes instead of values, because only nodes know their places.
        documents = list(yaml.compose_all(text, Loader=loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise NotReadableError(error.problem or "it isn't YAML", *place) from error
    except yaml.YAMLError as error:
        raise NotReadableError(str(error).splitlines()[0]) from error
    trees = [_FromYaml(text, document).tree() for document in documents if document is not None]
    # GitLab puts a header of its own before the pipeline.
    return trees[0] if len(trees) == 1 else Tree(members=tuple(each for tree in trees for each in tree.members))


class _FromYaml:
    """Turns a document's nodes into a tree. An anchor gives the same tree everywhere; one inside itself is left out."""

    def __init__(self, text: str, root: yaml.Node) -> None:
        import yaml

        self._yaml = yaml  # loaded when a file needs it
        self._text = text
        self._root = root
        self._known: dict[int, Tree] = {}

    def tree(self) -> Tree:
        return self._of(self._root)

    def _of(self, node: yaml.Node) -> Tree:
        if id(node) not in self._known:
            self._known[id(node)] = Tree()  # for an anchor inside itself
            self._known[id(node)] = self._new(node)
        return self._known[id(node)]

    def _new(self, node: yaml.Node) -> Tree:
        start, end = node.start_mark.index, node.end_mark.index
        if isinstance(node, self._yaml.ScalarNode):
            if node.style in {"|", ">"}:
                start = self._text.find("\n", start, end) + 1 or end
            elif node.style:
                start, end = start + 1, end - 1
            value = "" if node.tag.endswith(":null") else node.value
            return Tree(start, end, value, has_escapes=node.style == '"')
        if node.tag == "!reference":
            return self._referenced([part.value for part in node.value])
        if isinstance(node, self._yaml.SequenceNode):
            return Tree(start, end, items=tuple(map(self._of, node.value)))
        return Tree(start, end, members=tuple(self._members(node)))

    def _members(self, node: yaml.Node) -> Iterator[tuple[str, Tree]]:
        pairs = [(key, value) for key, value in node.value if isinstance(key, self._yaml.ScalarNode)]
        own = {key.value for key, _ in pairs}
        merged: list[yaml.Node] = []
        for key, value in pairs:
            if key.value == "<<":
                merged += value.value if isinstance(value, self._yaml.SequenceNode) else [value]
            else:
                yield key.value, self._of(value)
        for tree in map(self._of, merged):
            for name, inherited in tree.members:
                if name not in own:
                    own.add(name)
                    yield name, inherited

    def _referenced(self, path: list[object]) -> Tree:
        """Return what GitLab puts in the place of `!reference [job, key]`."""
        node = self._root
        for part in path:
            pairs = node.value if isinstance(node, self._yaml.MappingNode) else ()
            found = next((value for key, value in pairs if key.value == part), None)
            if found is None:
                return Tree()
            node = found
        return self._of(node)


# --- TOML ------------------------------------------------------------------------------------------------------------


def _read_toml(text: str) -> Tree:
    import tomllib

    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        import re

        place = re.search(r"^(.*) \(at line (\d+), column (\d+)\)$", str(error))
        if place is None:
            raise NotReadableError(str(error), text.count("\n") + 1) from error
        raise NotReadableError(place[1], int(place[2]), int(place[3])) from error
    from runbook.guard.command_files.toml_places import read_placed_toml

    return read_placed_toml(text)
