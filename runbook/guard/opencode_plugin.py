"""Write the plugin that asks the guard before OpenCode calls a tool, and remove it. It's a file of its own.

OpenCode has no hooks that run a command. It loads each file in its directory of plugins, and doesn't call a tool if a
plugin throws an error.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from runbook.errors import RunbookError
from runbook.guard.hook_command import Hook, added_by
from runbook.guard.settings_files import UNCHANGED, Change, delete_file, missing_parents, read_text, write_text

__all__ = ["install_plugin", "uninstall_plugin"]

_HEAD = "// Written by `runbook guard install opencode`. `runbook guard uninstall opencode` removes it.\n"
_MILLISECONDS = 10_000
_BODY = """\
import { spawn } from "node:child_process"

const LINE = %(line)s

function judge(event) {
  return new Promise((resolve) => {
    const child = spawn("sh", ["-c", LINE], { cwd: event.cwd, stdio: ["pipe", "ignore", "pipe"] })
    const timer = setTimeout(() => child.kill("SIGKILL"), %(milliseconds)d)
    let reason = ""
    child.stderr.on("data", (text) => { reason += text })
    child.stdin.on("error", () => {})
    child.on("error", (error) => { clearTimeout(timer); resolve([2, String(error)]) })
    child.on("close", (code) => { clearTimeout(timer); resolve([code ?? 2, reason]) })
    child.stdin.end(JSON.stringify(event))
  })
}

export const RunbookGuard = async ({ directory }) => ({
  "tool.execute.before": async (input, output) => {
    const event = { hook_event_name: "tool.execute.before", tool: input.tool, args: output.args, cwd: directory }
    const [code, reason] = await judge(event)
    if (code !== 0) throw new Error(reason || "runbook guard did not answer, so this does not run.")
  },
})
"""
_DIGEST = re.compile(r"// sha256: ([0-9a-f]{64})\n")
_LINE = re.compile(r"^const LINE = (\".*\")$", re.MULTILINE)


def install_plugin(hook: Hook, path: Path) -> Change:
    """Write the plugin, or update it. Raises RunbookError if there is another file of that name."""
    text = read_text(path)
    if text is not None and not _is_ours(text):
        raise RunbookError(
            f"{path} exists, and it isn't as `runbook guard install opencode` wrote it",
            hint=f"{UNCHANGED} Move the file, and run the command again.",
        )
    added = _added_in(text) if text is not None else f"file,dirs={missing_parents(path)}"
    after = _rendered(hook.line(added))
    if after == text:
        return Change(path, "unchanged")
    write_text(path, after)
    return Change(path, "written")


def uninstall_plugin(path: Path) -> Change:
    """Delete the plugin and the directories that were created for it. Raises RunbookError if it was changed."""
    text = read_text(path)
    if text is None:
        return Change(path, "unchanged")
    if not _is_ours(text):
        raise RunbookError(
            f"{path} isn't as `runbook guard install opencode` wrote it",
            hint=f"{UNCHANGED} If nothing in it is yours, delete it.",
        )
    directories = re.search(r"dirs=(\d+)", _added_in(text))
    delete_file(path, int(directories[1]) if directories else 0)
    return Change(path, "removed")


def _rendered(line: str) -> str:
    body = _BODY % {"line": json.dumps(line), "milliseconds": _MILLISECONDS}
    return f"{_HEAD}// sha256: {_digest(body)}\n{body}"


def _is_ours(text: str) -> bool:
    """Whether this or another version wrote the file, and nobody changed it. Git may have changed its line breaks."""
    head, found, body = text.replace("\r\n", "\n").partition("\n")
    digest = _DIGEST.match(body)
    return bool(found) and head + "\n" == _HEAD and digest is not None and _digest(body[digest.end() :]) == digest[1]


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()


def _added_in(text: str) -> str:
    """Return what the line in a plugin says that `install` added."""
    found = _LINE.search(text.replace("\r\n", "\n"))
    return (added_by(json.loads(found[1])) or "") if found else ""
