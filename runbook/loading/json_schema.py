"""Turn the tables of keys into JSON Schemas (draft 7, which editors support best), so editors can check the files."""

from __future__ import annotations

import json
from collections.abc import Mapping

from runbook.loading.shapes import FILES, SHAPES
from runbook.model.fields import (
    Anything,
    Choice,
    CommandLine,
    Day,
    Duration,
    Either,
    Field,
    Kind,
    ListOf,
    MapOf,
    Number,
    ProcedureId,
    Regex,
    Shape,
    Shaped,
    Text,
    Truth,
    Type,
    Whole,
)

__all__ = ["SCHEMA_NAMES", "json_schema", "schema_text"]

SCHEMA_NAMES = ("procedure", "changes", *FILES.values())
"""The kinds of files; `<name>.schema.json` is the schema of each."""

Json = dict[str, object]


def schema_text(name: str) -> str:
    """Return the schema of one kind of file as the text to commit."""
    return json.dumps(json_schema(name), indent=2, ensure_ascii=False) + "\n"


def json_schema(name: str) -> Json:
    """Return the schema of one kind of file (one of `SCHEMA_NAMES`)."""
    used: dict[str, Json] = {}
    _define(name, used)
    root = used.pop(name)
    head: Json = {"$schema": "http://json-schema.org/draft-07/schema#", "title": f"runbook: {SHAPES[name].noun}"}
    return {**head, **root, "definitions": used} if used else {**head, **root}


def _define(name: str, used: dict[str, Json]) -> None:
    if name in used:
        return
    used[name] = {}  # a placeholder: shapes refer to each other in circles
    shape = SHAPES[name]
    used[name] = _shape(shape, used)


def _shape(shape: Shape, used: dict[str, Json]) -> Json:
    schema: Json = {"type": "object", "description": shape.doc, "additionalProperties": False}
    schema["properties"] = {name: _property(name, shape, used) for name in shape.by_name}
    always = [field.name for field in shape.fields if field.required and not field.unless]
    if always:
        schema["required"] = always
    if shape.kinds:
        schema["oneOf"] = [{"required": _required_by(kind, shape)} for kind in shape.kinds]
        schema["dependencies"] = _companions(shape)
    else:
        either = [field for field in shape.fields if field.unless]
        for field in either[:1]:
            schema["anyOf"] = [{"required": [name]} for name in (field.name, field.unless)]
    return {key: value for key, value in schema.items() if value != {}}


def _required_by(kind: Kind, shape: Shape) -> list[str]:
    own = [field.name for field in kind.fields[1:] if field.required]
    return [kind.key, *own, *(field.name for field in shape.fields if field.unless not in {"", kind.key})]


def _companions(shape: Shape) -> Json:
    keys = {kind.key for kind in shape.kinds}
    common = {field.name for field in shape.fields}
    return {
        name: {"anyOf": [{"required": [kind]} for kind in kinds]}
        for name, kinds in shape.kinds_of.items()
        if name not in keys | common
    }


def _property(name: str, shape: Shape, used: dict[str, Json]) -> Json:
    fields = [field for kind in shape.kinds for field in kind.fields if field.name == name]
    fields += [field for field in shape.fields if field.name == name]
    types: list[Json] = []
    for field in fields:
        schema = _type(field.type, used)
        if schema not in types:
            types.append(schema)
    return _described(fields, types[0] if len(types) == 1 else {"anyOf": types})


def _described(fields: list[Field], schema: Json) -> Json:
    docs = " ".join(dict.fromkeys(field.doc for field in fields))
    default = f" Default: {fields[0].default}." if fields[0].default else ""
    if "$ref" in schema:  # draft 7 ignores everything beside a $ref
        schema = {"allOf": [schema]}
    return {"description": docs + default, **schema}


def _type(kind: Type, used: dict[str, Json]) -> Json:
    match kind:
        case Shaped(shape):
            _define(shape, used)
            return {"$ref": f"#/definitions/{shape}"}
        case ListOf(item, minimum):
            schema: Json = {"type": "array", "items": _type(item, used)}
            return {**schema, "minItems": minimum} if minimum else schema
        case MapOf(key, value, minimum):
            schema = {"type": "object", **_names(key, _type(value, used))}
            return {**schema, "minProperties": minimum} if minimum else schema
        case Either(scalar, other):
            return {"anyOf": [_type(scalar, used), _type(other, used)]}
        case _:
            return _scalar(kind)


def _names(key: Type, value: Json) -> Json:
    match key:
        case Choice(options):
            return {"properties": dict.fromkeys(options, value), "additionalProperties": False}
        case Whole():
            return {"patternProperties": {"^[1-9][0-9]*$": value}, "additionalProperties": False}
        case Text(pattern) if pattern:
            return {"propertyNames": {"pattern": f"^(?:{pattern})$"}, "additionalProperties": value}
        case _:
            return {"additionalProperties": value}


def _scalar(kind: Type) -> Json:
    if isinstance(kind, Text):
        return _text(kind)
    if isinstance(kind, Choice):
        return {"type": "string", "enum": list(kind.options)}
    if isinstance(kind, Whole):
        return {"type": "integer", "minimum": kind.minimum}
    if isinstance(kind, Duration):
        return {"type": "string", "pattern": f"^[0-9]{{1,6}}[{kind.units}]$"}
    return dict(_PLAIN[type(kind)])


def _text(kind: Text) -> Json:
    schema: Json = {"type": "string"}
    if kind.pattern:
        schema["pattern"] = f"^(?:{kind.pattern})$"
    elif not kind.empty:
        schema["minLength"] = 1
    return schema


_PLAIN: Mapping[type, Json] = {
    Regex: {"type": "string", "format": "regex"},
    CommandLine: {"type": "string", "minLength": 1},
    ProcedureId: {"type": "string", "minLength": 1},
    Number: {"type": "number", "exclusiveMinimum": 0},
    Truth: {"type": "boolean"},
    Day: {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
    Anything: {},
}
