"""Programs to which words are only data: they show, search, edit, copy or send them, and start nothing."""

from __future__ import annotations

__all__ = ["DATA_PROGRAMS", "prints_settings"]

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
