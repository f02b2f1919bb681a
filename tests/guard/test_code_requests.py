"""Requests that code of another language sends are judged like those of a client."""

from __future__ import annotations

import shlex

import pytest

from runbook.guard.command_line import judge
from runbook.model import Verdict

API = "https://abcdefghijklmnopqrst.supabase.co"

WIPES = [
    ("node -e", f"fetch('{API}/rest/v1/tasks?id=gt.0', {{method: 'DELETE', headers: {{apikey: k}}}})"),
    ("node -e", "fetch(`${process.env.URL}/rest/v1/tasks`, {headers: {'a': 'b'}, method: `DELETE`})"),
    ("node -e", f"axios({{method: 'patch', url: '{API}/rest/v1/tasks'}})"),
    ("node -e", f"axios.delete('{API}/auth/v1/admin/users/1')"),
    ("python3 -c", f"import requests; requests.delete('{API}/rest/v1/tasks?id=gt.0')"),
    ("python3 -c", f"import httpx; httpx.request('DELETE', '{API}/rest/v1/tasks')"),
    ("python3 -c", "import requests; requests.post(f'https://api.supabase.com/v1/projects/{ref}/pause')"),
]
HARMLESS = [
    ("node -e", f"fetch('{API}/rest/v1/tasks?id=gt.0')"),
    ("node -e", f"fetch('{API}/rest/v1/tasks?id=eq.7', {{method: 'DELETE'}})"),
    ("node -e", f"fetch('{API}/functions/v1/hello', {{method: 'POST'}})"),
    ("node -e", "fetch('https://api.example.com/v1/orders/7', {method: 'DELETE'})"),
    ("python3 -c", f"import requests; requests.get('{API}/rest/v1/tasks')"),
    ("python3 -c", f"print('DELETE all rows at {API}/rest/v1/tasks')"),
    ("python3 -c", f"import requests  # requests.delete('{API}/rest/v1/tasks')"),
]


@pytest.mark.parametrize(("start", "code"), WIPES)
def test_a_person_is_asked_about_code_that_sends_what_the_policy_stops(start: str, code: str) -> None:
    """In any language, with the method before or after the URL, as an argument or as a function's name."""
    assert judge(f"{start} {shlex.quote(code)}").verdict is Verdict.CONFIRM


@pytest.mark.parametrize(("start", "code"), HARMLESS)
def test_other_requests_pass(start: str, code: str) -> None:
    """Reads, single rows, functions, other APIs, texts and comments."""
    assert judge(f"{start} {shlex.quote(code)}").verdict is Verdict.ALLOW


def test_a_script_that_sends_such_a_request_is_read_as_well() -> None:
    """The file was written in the same line."""
    code = f"fetch('{API}/rest/v1/tasks', {{method: 'DELETE'}})"
    assert judge(f"cat > wipe.mjs <<'EOF'\n{code}\nEOF\nnode wipe.mjs").verdict is Verdict.CONFIRM
