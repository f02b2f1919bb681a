"""What only book and policy together can tell: whether each procedure is safe and complete."""

from __future__ import annotations
