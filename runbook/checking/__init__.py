"""What only book and policy together can tell: is each procedure safe and complete?"""

from __future__ import annotations
