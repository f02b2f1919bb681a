"""PowerShell isn't bash: its commands are found, and what can't be told is never silently allowed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.guard.command_line import packaged_policy
from runbook.guard.event_judgement import judge_actions
from runbook.guard.events import Language, Text
from runbook.guard.powershell import commands_in

RESET = "npx supabase db reset --linked"


def verdict(text: str) -> str:
    """Return the verdict on a text."""
    judged = judge_actions((Text(text, Language.POWERSHELL),), cwd=None, policy=packaged_policy(), team=lambda: None)
    return judged.verdict.value


@pytest.mark.parametrize(
    "text",
    [
        RESET,
        f"if (Test-Path .env) {{ {RESET} }}",
        f"try {{ {RESET} }} catch {{ Write-Host $_ }}",
        f"foreach ($each in 1..3) {{ {RESET} }}",
        f"$result = {RESET}",
        f"$result = $({RESET})",
        f'Write-Host "done: $({RESET})"',
        f"Get-Date; {RESET} # at the end",
        f"Get-Date && {RESET} 2>&1 | Tee-Object log.txt",
        "npx supabase `\n  db reset `\n  --linked",
        "npx supabase db 'reset' \"--linked\"",
        r'& "C:\tools\supabase.exe" db reset --linked',
        f"Invoke-Expression '{RESET}'",
        f'iex "{RESET}"',
        "Start-Process npx -ArgumentList 'supabase', 'db', 'reset', '--linked' -Wait",
        f"cmd /c {RESET}",
        f"bash -c '{RESET}'",
        f"wsl {RESET}",
        "supabase functions deploy > log.txt",
        'psql -h db.abc.supabase.co -c "drop table users"',
    ],
)
def test_a_command_is_refused_wherever_it_stands(text: str) -> None:
    """In blocks, strings that insert it, and after the words by which PowerShell starts programs."""
    assert verdict(text) == "refuse"


@pytest.mark.parametrize(
    "text",
    [
        f"$command = '{RESET}'; Invoke-Expression $command",
        f"'{RESET}' | iex",
        f"$block = {{ iex $args[0] }}; & $block '{RESET}'",
        "$word = Get-Content word.txt; npx supabase db $word --linked",
        f"Set-Content reset.sh '{RESET}'",
    ],
)
def test_a_text_that_names_a_dangerous_command_needs_a_person(text: str) -> None:
    """Nobody can tell whether it runs."""
    assert verdict(text) == "confirm"


@pytest.mark.parametrize(
    "text",
    [
        "if (Test-Path .env) { Get-Content .env }",
        "Get-ChildItem -Recurse | Where-Object { $_.Length -gt 1MB } | ForEach-Object { $_.Name }",
        f"Write-Host 'never run {RESET}'",
        f'git commit -m "never run {RESET}"',
        f"# {RESET}",
        f"<# {RESET} #> Get-Date",
        "npx supabase db push --linked",
        "$env:NODE_ENV = 'test'; npm test",
        "@'\nreset the database\n'@ | Set-Content notes.txt",
        "$list = @('a', 'b'); $list.Count",
        "",
    ],
)
def test_what_is_harmless_passes(text: str) -> None:
    """Whatever it looks like to bash."""
    assert verdict(text) == "allow"


@given(st.text(alphabet="ab $(){}'\"`@#<>&|;,=\n-", max_size=60))
def test_any_text_is_read_to_its_end(text: str) -> None:
    """Unclosed quotes and brackets are no reason to stop."""
    assert all(words and all(isinstance(word, str) for word in words) for words in commands_in(text))
