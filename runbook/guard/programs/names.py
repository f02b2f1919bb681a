"""Judge programs by name: what a name says, which programs only take words as data, and which print settings."""

from __future__ import annotations

import re

from runbook.guard.shell.texts import ANY, is_known, plain

__all__ = [
    "DATA_PROGRAMS",
    "MANAGERS",
    "RUNNERS",
    "SHELLS",
    "bare_name",
    "prints_settings",
    "program_name",
    "says_reset",
]

_SUFFIXES = (".exe", ".cmd", ".bat", ".ps1")
_SCRIPT_SUFFIX = re.compile(r"\.(sh|bash|zsh|fish|py|js|mjs|cjs|ts|rb|pl|php|sql)$")
_WIPES = frozenset({"reset", "wipe", "nuke", "destroy", "purge", "truncate", "drop", "rebuild"})
_DATABASES = frozenset({"db", "database", "databases", "supabase", "sb", "pg", "postgres", "postgresql", "schema"})
_AROUND = frozenset(
    {"remote", "linked", "local", "prod", "production", "staging", "dev", "test", "all", "hard", "force", "full", "yes"}
    | {"data", "and", "seed", "the", "my", "clean", "migrations", "migrate", "migration", "run", "do", "now", "tables"}
)


def program_name(word: str) -> str | None:
    """Return the bare name of the program that a word starts, or None if that isn't known."""
    # Git Bash and WSL pass on Windows paths and suffixes.
    last = plain(word).replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    if not is_known(last):
        return None
    # If the file system ignores case, `NPX` starts npx.
    name = last.lower()
    for suffix in _SUFFIXES:
        name = name.removesuffix(suffix)
    return name


def bare_name(name: str) -> str:
    """Return a program's name without a version: python3.12, bash5."""
    return re.sub(r"[\d.]+$", "", name) or name


def says_reset(name: str, *, alone: bool = False) -> bool:
    """Whether a script's or task's name says that it wipes a database: `db:reset`, `reset-db.sh`.

    A name with any other word in it (`reset-password`, `reset_cache`) says something else. `alone`: `reset` without
    a word for the database is enough, as in `npm run reset`.
    """
    if ANY in name or not is_known(name):
        return False
    last = _SCRIPT_SUFFIX.sub("", name.rstrip("/").rsplit("/", 1)[-1])
    words = [word for word in re.split(r"[^a-z0-9]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "-", last).lower()) if word]
    if not words or set(words) - _WIPES - _DATABASES - _AROUND:
        return False
    return bool(set(words) & _WIPES) and (bool(set(words) & _DATABASES) or (alone and bool(set(words) & {"reset"})))


SHELLS = frozenset(
    {"sh", "bash", "zsh", "dash", "ash", "ksh", "mksh", "yash", "fish", "rbash", "posh", "oksh", "csh"}
    | {"tcsh", "nu", "elvish", "osh", "xonsh"}
)
"""Programs that read shell text."""

RUNNERS = frozenset(
    {"npx", "bunx", "pnpx", "npm", "pnpm", "yarn", "bun", "node", "nodejs", "deno", "corepack", "yarnpkg"}
)
"""Programs that start a program of a package."""

MANAGERS = frozenset({"npm", "pnpm", "yarn", "yarnpkg", "bun"})
"""Those that run the scripts of package.json without a word for it, or after many others."""

DATA_PROGRAMS: frozenset[str] = frozenset(
    """
    echo printf cat tac rev tee less more most bat batcat head tail nl od xxd hexdump strings column fold fmt pr
    grep egrep fgrep zgrep rg ag ack ugrep sift look sed gsed tr cut paste join sort uniq comm wc shuf split csplit
    diff sdiff colordiff delta cmp patch jq yq gron fx dasel mlr csvcut xmllint tidy
    ls ll dir tree exa eza lsd stat file du df touch mkdir rmdir rm cp mv ln install chmod chown chgrp rsync scp sftp
    which whereis type whatis apropos man info tldr cheat help date cal sleep seq expr bc dc factor yes test
    code cursor subl nano emacs micro hx helix kak idea webstorm pycharm open xdg-open start
    curl wget http https xh httpie nc ncat telnet dig nslookup ping host openssl gpg age sops
    tar zip unzip gzip gunzip zcat bzip2 xz zstd 7z md5sum sha1sum sha256sum shasum cksum base32
    gh glab hub tea jira linear slack op-cli notify-send osascript-notify terminal-notifier say espeak wall write mail
    mailx sendmail mutt pbcopy pbpaste xclip xsel wl-copy wl-paste clip logger systemctl journalctl dmesg
    ps top htop kill killall pkill pgrep lsof netstat ss uname hostname whoami id groups env-print printenv locale tput
    reset clear stty tty history fc jobs fg bg disown hash alias cowsay figlet lolcat toilet banner fortune
    apt apt-get apt-cache dnf yum pacman apk brew port pip pip3 gem rustup composer mvn
    gradle dotnet swift xcodebuild terraform tofu pulumi vagrant packer helm argocd aws gcloud az doctl vercel netlify
    redis-cli mongosh mysql mariadb sqlite3 duckdb adb fastboot rails rake bin-rails
    shellcheck shfmt prettier eslint biome ruff black mypy pyright tsc vitest jest mocha playwright cypress pytest tox
    sqlfluff squawk codespell vale markdownlint yamllint actionlint hadolint pre-commit
    claude codex gemini aider ollama llm sgpt chatgpt
    basename dirname realpath readlink mktemp mkfifo truncate dd sync mount umount tsort
    """.split()  # noqa: SIM905 - a list of this length is read best as text
)
"""Names of such programs. Whatever they print can still become a command, and then it is unknown."""

_SETTINGS = frozenset(
    """
    ssh-agent keychain direnv pyenv rbenv nodenv goenv jenv fnm mise rtx asdf starship zoxide dircolors opam conda mamba
    micromamba luarocks minikube docker-machine gpg-agent resize register-python-argcomplete atuin mcfly thefuck sheldon
    antibody oh-my-posh lesspipe lesspipe.sh aws_completer getopt saml2aws assume phpbrew
    """.split()  # noqa: SIM905 - a list of this length is read best as text
)
_SETTINGS_WORDS = frozenset(
    """
    completion completions complete generate-completion gen-completions init env shellenv hook activate docker-env
    shell-init export-credentials shell-completion --completion --completions --shell-completion --init
    """.split()  # noqa: SIM905 - a list of this length is read best as text
)


def prints_settings(name: str, arguments: tuple[str, ...]) -> bool:
    """Whether a program prints settings of its own, that people give to `eval` or `source`: hooks, completions."""
    if name in _SETTINGS:
        return True
    return name not in _PASSES_ON and bool(_SETTINGS_WORDS & set(arguments[:3]))


_PASSES_ON = frozenset(
    {"cat", "curl", "wget", "echo", "printf", "http", "https", "xh", "nc", "base64", "tee", "head", "tail"}
)
"""Programs that print what they are given, whatever their words are."""
