"""Reading what a CLI prints about itself. The samples are ours, in the shape of the real texts."""

from __future__ import annotations

import pytest

from runbook.audit.manual import read_completions, read_help
from runbook.model import TargetKind

HELP_3 = """\
DESCRIPTION
  Throw pots.

TARGET
  Local by default. Pass --remote for the linked kiln, or --remote=<ref|branch|url>.

USAGE
  supabase pots throw [flags] [<name...>]

ARGUMENTS
  name... string    Names of pots. (optional)

FLAGS
  --dry-run                      Say which pots would be thrown.
  --remote[=<ref|branch|url>]    Target a remote kiln, or --remote=<ref|branch|url>.
  --glaze, -g string             Glaze of the pot.
  --wheel choice                 Deprecated: use --glaze (choices: fast, slow)
  --version string               Version of the pot.

GLOBAL FLAGS
  --help, -h                             Show help information
  --version, -v                          Show version information
  --completions <bash|zsh|fish|sh>       Print shell completion script (choices: bash, zsh, fish, sh)

PERMISSIONS
  Scoped access token:
    Required:
      pots_write
"""


def test_flags_are_known_by_every_name_with_what_they_take() -> None:
    """A flag's value, an optional value and a lone flag are told apart, a short name is a name."""
    flags = read_help(HELP_3).flags
    assert {name: flag.takes for name, flag in flags.items()} == {
        "--dry-run": "nothing",
        "--remote": "maybe",
        "--glaze": "value",
        "-g": "value",
        "--wheel": "value",
        "--version": "value",
        "--help": "nothing",
        "-h": "nothing",
        "-v": "nothing",
        "--completions": "value",
    }
    assert [name for name, flag in flags.items() if flag.is_deprecated] == ["--wheel"]


def test_help_says_which_command_it_is_of() -> None:
    """The words of the usage line, without flags and arguments; none for the program itself."""
    assert read_help(HELP_3).command == ("pots", "throw")
    assert read_help("USAGE\n  supabase <subcommand> [flags]\n").command == ()


@pytest.mark.parametrize(
    ("section", "default"),
    [
        ("TARGET\n  Local by default. Pass --remote for it.", TargetKind.LOCAL),
        ("TARGET\n  Local only.", TargetKind.LOCAL),
        ("TARGET\n  Remote only. Uses the linked project.", TargetKind.PRODUCTION),
        ("TARGET\n  Remote by default.", TargetKind.PRODUCTION),
        ("PERMISSIONS\n  Not needed with --local or --db-url.\n  Scoped access token:", TargetKind.PRODUCTION),
        ("PERMISSIONS\n  Not needed with --db-url or --local.", TargetKind.PRODUCTION),
        ("PERMISSIONS\n  Only needed with --linked.", TargetKind.LOCAL),
        ("PERMISSIONS\n  Scoped access token:\n    Required:", None),
        ("DESCRIPTION\n  Local by default.", None),
    ],
)
def test_default_target_is_read_from_the_section_that_tells_it(section: str, default: TargetKind | None) -> None:
    """CLI 3 says it in TARGET, CLI 2 by when it needs a token; prose elsewhere counts for nothing."""
    assert read_help(f"{section}\n\nUSAGE\n  supabase pots [flags]\n").default is default


def test_anything_else_says_nothing() -> None:
    """A text that is no help has no command, no flags and no default."""
    found = read_help("Error: out of clay\n\x00  --x\n")
    assert (found.command, found.flags, found.default) == ((), {}, None)


_POTS = "__fish_seen_subcommand_from pots"
_IN_POTS = f"{_POTS}; and not __fish_seen_subcommand_from throw fire"
_THROW = f"{_POTS}; and __fish_seen_subcommand_from throw"
_UNUSED = "not __fish_contains_opt dry-run no-dry-run"
_VALUE = "begin; not __fish_contains_opt -s g glaze; or contains -- (commandline -poc)[-1] --glaze -g; end"
_TYPED = 'not string match -q -- "-*" (commandline -ct)'
_COMPLETIONS = (
    ("__fish_use_subcommand", "-f"),
    ("__fish_use_subcommand", "-f -a 'pots' -d 'Manage pots'"),
    (_IN_POTS, "-f"),
    (_IN_POTS, "-f -a 'throw' -d 'Throw'"),
    (_IN_POTS, r"-f -a 'fire' -d 'Don\'t'"),
    (f"{_THROW}; and {_UNUSED}", "-l dry-run -d 'Say'"),
    (f"{_THROW}; and {_UNUSED}", "-l no-dry-run -d 'Disable dry-run'"),
    (f"{_THROW}; and {_TYPED}; and {_UNUSED}", "-f -a '--dry-run' -d 'Say'"),
    (f"{_THROW}; and {_VALUE}", r"-l glaze -s g -d 'It\'s deprecated' -r -f"),
    (f"{_THROW}; and contains -- (commandline -poc)[-1] --glaze", "-f -a 'celadon ash'"),
)
_LINES = (f"complete -c supabase -n '{where}' {what}" for where, what in _COMPLETIONS)
FISH = "\n".join(("###-begin-supabase-completions-###", *_LINES, "", "###-end-supabase-completions-###", ""))


def test_completions_hold_the_tree_of_commands_with_their_flags() -> None:
    """Groups and commands are told from flags and from values that are offered."""
    tree = read_completions(FISH)
    assert {path: {name: flag.takes for name, flag in flags.items()} for path, flags in tree.items()} == {
        (): {},
        ("pots",): {},
        ("pots", "fire"): {},
        ("pots", "throw"): {"--dry-run": "maybe", "--glaze": "value", "-g": "value"},
    }
    assert tree["pots", "throw"]["-g"].text == "It's deprecated"


@pytest.mark.parametrize("cut", [0, 1, len(FISH) // 2, len(FISH) - 2])
def test_script_that_was_cut_off_is_refused(cut: int) -> None:
    """A CLI that exits before its output is through must not look like one with fewer commands."""
    with pytest.raises(ValueError, match="expected a whole completion script"):
        read_completions(FISH[:cut])
