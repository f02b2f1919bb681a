"""What a command would do: policy, SQL, shell lines, redaction. Nothing here prints, waits or starts a procedure's command."""

from __future__ import annotations
