"""The same sign-ins with this project's mixins and with Tornado's are the same, but for what is intended."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from authlib.oauth1.rfc5849.signature import construct_base_string, hmac_sha1_signature

from tests.differential.client import ROOT
from tests.differential.differences import by_case, check
from tests.differential.sign_in import CASES
from tests.differential.sign_in_differences import DIFFERENCES

Result = dict[str, Any]

INTENDED = by_case(DIFFERENCES)


def results(python: str, package: str) -> dict[str, Result]:
    """What came of every case."""
    done = subprocess.run(
        [python, os.path.join(ROOT, "tests", "differential", "sign_in.py"), package],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": ROOT if package == "framework" else ""},
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    address = said["provider"]
    found = json.dumps({name: _aspects(result, address) for name, result in said["results"].items()})
    found = found.replace(address, "PROVIDER").replace(address.replace(":", "%3A"), "PROVIDER")
    aspects: dict[str, Result] = json.loads(found)
    return aspects


def _aspects(result: Result, address: str) -> Result:
    head, _, body = result["response"].partition("\r\n\r\n")
    line, *lines = head.split("\r\n")
    fields = [field.split(": ", 1) for field in lines]
    return {
        "status": line,
        "location": [_url(value) for name, value in fields if name.lower() == "location"],
        "cookies": [
            re.sub("expires=[^;]*", "expires=THEN", v) for n, v in fields if n.lower() == "set-cookie"
        ],
        "body": body,
        "asked": [_request(request, address) for request in result["asked"]],
        "result": result["result"],
        "raised": result["raised"],
        "logged": [re.sub(r" [0-9.]+ms$", "", line) for line in result["logged"]],
    }


def _request(text: str, address: str) -> str:
    method, target, rest = text.split(" ", 2)
    form = parse_qsl(rest.split("urlencoded ")[-1]) if "urlencoded" in rest else []
    pairs = parse_qsl(target.partition("?")[2], keep_blank_values=True)
    if "oauth_signature" not in dict(pairs):
        return f"{method} {_url(target)} {rest}"
    signed = [(name, value) for name, value in pairs if name != "oauth_signature"]
    base = construct_base_string(method, f"http://{address}{target.partition('?')[0]}", [*signed, *form])
    secret = "tokensecret" if "oauth_token" in dict(pairs) else ""
    right = hmac_sha1_signature(base, "consumersecret", secret) == dict(pairs)["oauth_signature"]
    said = {
        "oauth_timestamp": "NOW",
        "oauth_nonce": "NONCE",
        "oauth_signature": "right" if right else "wrong",
    }
    # Not decoded, but for these.
    target = re.sub("(oauth_(?:timestamp|nonce|signature))=[^&]*", lambda m: f"{m[1]}={said[m[1]]}", target)
    return f"{method} {target} {rest}"


def _url(url: str) -> str:
    """An address; where neither package promises an order, and one has another with each run, in order."""
    if "openid.ax." not in url and "fields=" not in url:
        return url
    path, _, query = url.partition("?")
    pairs = [(name, ",".join(sorted(value.split(",")))) for name, value in parse_qsl(query)]
    return f"{path}?{urlencode(sorted(pairs))}"


@pytest.fixture(scope="module")
def both(tornado_python: str) -> tuple[dict[str, Result], dict[str, Result]]:
    """Ours and theirs."""
    return results(sys.executable, "framework"), results(tornado_python, "tornado")


def test_there_are_many_cases() -> None:
    assert len(CASES) >= 80


def test_each_difference_is_of_a_case_that_exists() -> None:
    assert set(INTENDED) <= set(CASES)


@pytest.mark.parametrize("case", list(CASES))
def test_same_but_for_what_is_intended(both: tuple[dict[str, Result], dict[str, Result]], case: str) -> None:
    ours, theirs = both[0][case], both[1][case]
    found = {aspect: (ours[aspect], theirs[aspect]) for aspect in ours if ours[aspect] != theirs[aspect]}
    check(found, INTENDED.get(case, set()), "sign_in_differences.py")
