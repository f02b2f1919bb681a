"""The data directory: `initdb` once into the cache, a copy of that for every drill."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

from runbook.drill.account import Account
from runbook.drill.binaries import Binaries, put_in_place
from runbook.errors import RunbookError

__all__ = ["SUPERUSER", "copy_cluster"]

SUPERUSER = "supabase_admin"
"""The hosted service's superuser has this name; `postgres` is a lesser role there, and so it is here."""

_INITDB = ("--auth=trust", "--locale=C", "--encoding=UTF8", "--no-sync", "--wal-segsize=1", f"--username={SUPERUSER}")
# Loopback over TCP is the only way in. Durability is for data that matters.
_HBA = "host all all 127.0.0.1/32 trust\n"
_SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 50
max_wal_senders = 0
wal_level = minimal
max_wal_size = 64MB
shared_buffers = 16MB
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum = off
log_line_prefix = '%m [%p] %d '
timezone = 'UTC'
log_timezone = 'UTC'
"""


def copy_cluster(binaries: Binaries, cache: Path, account: Account, data: Path) -> None:
    """Fill `data` (which must not exist) with a fresh cluster owned by the account; raises RunbookError.

    The account itself copies, so its parent directory must be the account's.
    """
    recipe = hashlib.sha256("".join([*_INITDB, _HBA, _SETTINGS, account.name]).encode()).hexdigest()[:8]
    template = put_in_place(
        cache / f"cluster-{binaries.version}-{recipe}",
        lambda path: _initialize(binaries, account, path),
    )
    # A thousand small files: `cp` takes a tenth of the time that Python does.
    done = subprocess.run(
        ["/bin/cp", "-Rp", str(template), str(data)],
        capture_output=True, text=True, check=False, timeout=120, cwd="/", **account.popen_options(),
    )  # fmt: skip
    if done.returncode != 0:
        raise RunbookError(f"can't copy the database cluster to {data}: {done.stderr.strip()[-300:]}")


def _initialize(binaries: Binaries, account: Account, path: Path) -> None:
    path.parent.chmod(0o755)
    path.mkdir(mode=0o700)
    account.own(path)
    done = subprocess.run(
        [str(binaries.directory / "initdb"), f"--pgdata={path}", *_INITDB],
        capture_output=True, text=True, check=False, timeout=120, cwd="/", **account.popen_options(),
    )  # fmt: skip
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()[-500:]
        raise RunbookError(f"initdb failed: {said}", hint=f"It is {binaries.directory}/initdb.")
    (path / "pg_hba.conf").write_text(_HBA, encoding="utf-8")
    with (path / "postgresql.conf").open("a", encoding="utf-8") as conf:
        conf.write(_SETTINGS)
