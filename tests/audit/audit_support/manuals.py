"""Supabase CLIs for tests: packages whose program only prints help, completions and complaints, as the real ones do."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from runbook.runtime.toolchain import CliPackage, package_in

__all__ = ["CLI_2", "CLI_3", "StubCommand", "cli"]


@dataclass(frozen=True, slots=True)
class StubCommand:
    """One command of such a CLI. `flags` are listed with the kind of their value ("" for none), `hidden` are not."""

    flags: dict[str, str] = field(default_factory=dict)
    hidden: dict[str, str] = field(default_factory=dict)
    about: str = ""
    """Lines of the section that says where it lands."""
    listed: bool = True


_TARGET = "TARGET\n  Local by default. Pass --remote for the linked project."
_REMOTE = "TARGET\n  Remote only. Uses the linked project."
_NOT_NEEDED = "PERMISSIONS\n  Not needed with --local or --db-url."
_ONLY_NEEDED = "PERMISSIONS\n  Only needed with --linked."
_OUTPUT = {"--output-format": "choice", "--output": "choice"}
_OLD = {"--linked": "", "--local": "", "--db-url": "string"}

CLI_3 = {
    "db push": StubCommand({"--remote": "=<ref>", "--dry-run": ""}, {"--linked": "", "--local": ""}, _TARGET),
    "db query": StubCommand({"--remote": "=<ref>", "--read-only": "", **_OUTPUT}, {}, _TARGET),
    "db reset": StubCommand({"--remote": "=<ref>", "--version": "string"}, {"--linked": ""}, _TARGET),
    "functions deploy": StubCommand({"--remote": "=<ref>"}, {}, _REMOTE),
    "logs": StubCommand({"--remote": "=<ref>"}, {}, _TARGET),
    "migration list": StubCommand({"--remote": "=<ref>"}, {}, _TARGET),
    "migration new": StubCommand(),
    "secrets set": StubCommand({"--remote": "=<ref>", "--env-file": "string"}, {}, _REMOTE),
}
"""What tests/support/books.py takes CLI 3 to be."""

CLI_2 = {
    "db push": StubCommand({**_OLD, "--dry-run": ""}, {}, _NOT_NEEDED),
    "db query": StubCommand({**_OLD, **_OUTPUT}, {}, _ONLY_NEEDED),
    "db reset": StubCommand({**_OLD, "--version": "string"}, {}, _ONLY_NEEDED),
    "functions deploy": StubCommand({"--project-ref": "string"}),
    "migration list": StubCommand({**_OLD}, {}, _NOT_NEEDED),
    "migration new": StubCommand(),
    "secrets set": StubCommand({"--project-ref": "string", "--env-file": "string"}),
}
"""What it takes CLI 2 to be."""

_PROGRAM = r"""
const fs = require("fs");
const { common, commands } = JSON.parse(fs.readFileSync(__dirname + "/commands.json", "utf8"));
const words = process.argv.slice(2);
fs.appendFileSync(__dirname + "/calls.txt", words.join(" ") + "\n");
const print = (...lines) => process.stdout.write(lines.join("\n") + "\n");
const flagLine = ([name, value]) => `  ${name}${value ? (value[0] === "=" ? `[${value}]` : ` ${value}`) : ""}    Text.`;
if (words[0] === "--completions") {
  const lines = ["###-begin-supabase-completions-###"];
  const seen = (path) => path.map((word) => `__fish_seen_subcommand_from ${word}`).join("; and ");
  for (const [command, { flags, listed }] of Object.entries(commands)) {
    if (!listed) continue;
    const path = command.split(" ");
    const above = path.slice(0, -1);
    const inside = `${seen(above)}; and not __fish_seen_subcommand_from ${path.at(-1)}`;
    const where = above.length ? inside : "__fish_use_subcommand";
    lines.push(`complete -c supabase -n '${where}' -f -a '${path.at(-1)}' -d 'Text'`);
    for (const [name, value] of Object.entries(flags)) {
      const needs = value && value[0] !== "=" ? " -r -f" : "";
      lines.push(`complete -c supabase -n '${seen(path)}; and not x' -l ${name.slice(2)} -d 'Text'${needs}`);
    }
  }
  print(...lines, "###-end-supabase-completions-###");
} else {
  const plain = words.filter((word) => word[0] !== "-");
  let path = plain;
  while (path.length && !Object.keys(commands).some((each) => (each + " ").startsWith(path.join(" ") + " "))) {
    path = path.slice(0, -1);
  }
  const own = commands[path.join(" ")] || { flags: {}, hidden: {}, about: "" };
  const known = { ...common, ...own.flags, ...own.hidden, "--help": "" };
  print("DESCRIPTION", "  Text.", "");
  if (own.about.startsWith("TARGET")) print(own.about, "");
  print("USAGE", `  supabase ${path.join(" ")} [flags]`, "");
  print("FLAGS", ...Object.entries(own.flags).map(flagLine), "");
  print("GLOBAL FLAGS", "  --help, -h    Text.", ...Object.entries(common).map(flagLine), "");
  if (own.about.startsWith("PERMISSIONS")) print(own.about, "");
  if (!words.includes("--help")) {
    for (const word of words.filter((each) => each[0] === "-")) {
      if (!(word in known)) print(`Unrecognized flag: ${word} in command supabase ${path.join(" ")}`);
      else if (known[word] && known[word][0] !== "=") print(`Missing value for flag ${word}. Expected: string`);
    }
    process.exitCode = 1;
  }
}
"""


def cli(
    directory: Path, version: str, commands: dict[str, StubCommand], *, common: dict[str, str] | None = None
) -> CliPackage:
    """Write such a package; `calls.txt` beside its program keeps every line that it was asked."""
    (directory / "dist").mkdir(parents=True)
    described = {"name": "supabase", "version": version, "bin": {"supabase": "dist/supabase.js"}}
    said = {
        name: {"flags": each.flags, "hidden": each.hidden, "about": each.about, "listed": each.listed}
        for name, each in commands.items()
    }
    (directory / "package.json").write_text(json.dumps(described))
    (directory / "dist" / "supabase.js").write_text(_PROGRAM)
    everywhere = {"--workdir": "string", "--profile": "string", **(common or {})}
    (directory / "dist" / "commands.json").write_text(json.dumps({"common": everywhere, "commands": said}))
    return package_in(directory)
