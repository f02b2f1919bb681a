"""Make a repository with a pull request in it, and the checkout that a workflow gets of it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PullRequest", "git"]

_AUTHOR = {
    **{f"GIT_{who}_{what}": "ada" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/dev/null",
}


def git(directory: Path, *words: str) -> str:
    """Run git and return what it printed."""
    environment = {**os.environ, **_AUTHOR}
    done = subprocess.run(
        ["git", *words], cwd=directory, env=environment, check=True, capture_output=True, text=True, timeout=60
    )
    return done.stdout.strip()


@dataclass
class PullRequest:
    """Pull request 7 of a repository: the branch `topic`, for `main`."""

    folder: Path
    head_repository: str = "acme/shop"

    @property
    def origin(self) -> Path:
        """The repository on the server."""
        return self.folder / "origin"

    @property
    def checkout(self) -> Path:
        """The working tree of the workflow."""
        return self.folder / "checkout"

    def start(self, files: Mapping[str, str]) -> None:
        """Create the repository with files on main, and the branch."""
        self.origin.mkdir(parents=True)
        git(self.origin, "init", "--quiet", "--initial-branch=main")
        git(self.origin, "config", "uploadpack.allowAnySHA1InWant", "true")
        self.commit(files)
        git(self.origin, "branch", "topic")

    def commit(self, files: Mapping[str, str | None], branch: str = "main") -> None:
        """Commit files on a branch. None removes one."""
        if git(self.origin, "branch", "--list", branch):
            git(self.origin, "checkout", "--quiet", branch)
        for name, text in files.items():
            path = self.origin / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                path.unlink()
            else:
                path.write_text(text, encoding="utf-8")
        git(self.origin, "add", "--all")
        git(self.origin, "commit", "--quiet", "--message=Change")

    def check_out(self, *, depth: int = 1) -> None:
        """Get the merge of the pull request as `actions/checkout` does, detached. Depth 0 is all history."""
        git(self.origin, "checkout", "--quiet", "--detach", "main")
        git(self.origin, "merge", "--quiet", "--no-ff", "--message=Merge", "topic")
        git(self.origin, "update-ref", "refs/pull/7/merge", "HEAD")
        if not self.checkout.exists():
            self.checkout.mkdir()
            git(self.checkout, "init", "--quiet")
            git(self.checkout, "remote", "add", "origin", f"file://{self.origin}")
        merge = "+refs/pull/7/merge:refs/remotes/pull/7/merge"
        what = [f"--depth={depth}", merge] if depth else ["+refs/heads/*:refs/remotes/origin/*", merge]
        git(self.checkout, "fetch", "--quiet", "--no-tags", "origin", *what)
        git(self.checkout, "checkout", "--quiet", "--force", "refs/remotes/pull/7/merge")

    def variables(self, api: str) -> dict[str, str]:
        """Return what the runner puts into the environment."""
        event = {
            "action": "synchronize",
            "pull_request": {
                "number": 7,
                "base": {
                    "ref": "main",
                    "sha": git(self.origin, "rev-parse", "main"),
                    "repo": {"full_name": "acme/shop"},
                },
                "head": {
                    "ref": "topic",
                    "sha": git(self.origin, "rev-parse", "topic"),
                    "repo": {"full_name": self.head_repository},
                },
            },
        }
        file = self.folder / "event.json"
        file.write_text(json.dumps(event))
        return {
            "GITHUB_REPOSITORY": "acme/shop",
            "GITHUB_EVENT_NAME": "pull_request",
            "GITHUB_EVENT_PATH": str(file),
            "GITHUB_BASE_REF": "main",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_API_URL": api,
        }
