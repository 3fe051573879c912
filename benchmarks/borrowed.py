"""What peers are given that have none of their own: the signed cookies of itsdangerous, templates of Jinja2."""

from __future__ import annotations

import os
from collections.abc import Mapping

from itsdangerous import BadSignature, TimestampSigner
from jinja2 import Environment, FileSystemLoader, select_autoescape

from benchmarks.samples import ROWS, SECRET

__all__ = ["TEMPLATES", "VISITOR_SECONDS", "render_table", "sign", "unsign", "visitor"]

#: How long a browser keeps the cookie.
VISITOR_SECONDS = 30 * 86400
_READ_SECONDS = 31 * 86400
TEMPLATES = os.path.join(os.path.dirname(__file__), "peers", "templates", "jinja2")

_signer = TimestampSigner(SECRET)
_templates = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=select_autoescape())


def visitor(cookies: Mapping[str, str]) -> str:
    """Return the value of the cookie `visitor`; a name where it is missing or was not signed here."""
    try:
        return unsign(cookies["visitor"])
    except (KeyError, BadSignature):
        return "ada"


def sign(value: str) -> str:
    """Return a value for a cookie, signed."""
    signed: bytes = _signer.sign(value)
    return signed.decode()


def unsign(signed: str) -> str:
    """Return the value that was signed.

    Raises:
        BadSignature: it was not signed here, or too long ago.
    """
    value: bytes = _signer.unsign(signed, max_age=_READ_SECONDS)
    return value.decode()


def render_table() -> str:
    """Return the page of the workload `template`."""
    page: str = _templates.get_template("table.html").render(rows=ROWS)
    return page
