"""A small HTTP client for tests: one connection, one cookie jar, an address of its own."""

from __future__ import annotations

import http.client
import json
import random
import time
from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

__all__ = ["PASSWORD", "Answer", "Client", "Person", "eventually"]

PASSWORD = "correct horse battery"


class Answer:
    """Status, headers and body of one answer, and how long it took in seconds."""

    __slots__ = ("body", "headers", "seconds", "status")

    def __init__(self, response: http.client.HTTPResponse, started: float) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()
        self.seconds = time.monotonic() - started

    @property
    def json(self) -> dict[str, Any]:
        """The body as an object."""
        data = json.loads(self.body)
        if not isinstance(data, dict):
            raise TypeError(f"expected an object, got {self.body!r}")
        return data

    def __repr__(self) -> str:
        return f"<{self.status} {dict(self.headers)} {self.body[:500]!r}>"


class Client:
    """Requests over one kept connection; cookies are kept and sent, as a browser or `curl -b -c` does.

    Args:
        base_url: such as `http://127.0.0.1:8080`.
        address: the local address to connect from, such as 127.3.2.1; None lets the system choose.
    """

    def __init__(self, base_url: str, address: str | None = None) -> None:
        parts = urlsplit(base_url)
        source = None if address is None else (address, 0)
        self.base_url = base_url
        self.address = address
        self.cookies: dict[str, str] = {}
        self._connection = http.client.HTTPConnection(
            parts.hostname or "", parts.port, timeout=30, source_address=source
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def request(
        self,
        method: str,
        path: str,
        form: Mapping[str, str] | None = None,
        *,
        json_body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request and return the answer. A connection that was closed while idle is opened again."""
        all_headers = {"User-Agent": "test/1.0", **(headers or {})}
        body: bytes | None = None
        if form is not None:
            body = urlencode(form).encode()
            all_headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
        elif json_body is not None:
            body = json.dumps(json_body).encode()
            all_headers.setdefault("Content-Type", "application/json")
        if self.cookies:
            cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            all_headers.setdefault("Cookie", cookies)
        started = time.monotonic()
        try:
            self._connection.request(method, path, body, all_headers)
            answer = Answer(self._connection.getresponse(), started)
        except OSError:
            self._connection.close()
            raise
        for line in answer.headers.get_all("Set-Cookie", []):
            pair, _, attributes = line.partition(";")
            name, _, value = pair.partition("=")
            if value and "max-age=0" not in attributes.lower():
                self.cookies[name.strip()] = value
            else:
                self.cookies.pop(name.strip(), None)
        return answer

    def get(self, path: str, **headers: str) -> Answer:
        """GET; keyword arguments are headers, with `_` for `-`."""
        return self.request("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})

    def post(self, path: str, form: Mapping[str, str] | None = None, **headers: str) -> Answer:
        """POST a form; keyword arguments are headers, with `_` for `-`."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.request("POST", path, form or {}, headers=names)


class Person:
    """A person with a name of her own and a client."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.name = f"ada{random.getrandbits(48):012x}"
        self.email = f"{self.name}@example.org"
        self.password = PASSWORD

    def register(self, **headers: str) -> Answer:
        """Make the account."""
        form = {"username": self.name, "email": self.email, "password": self.password}
        return self.client.post("/register", form, **headers)

    def login(self, password: str | None = None, **headers: str) -> Answer:
        """Log in."""
        form = {"username": self.name, "password": self.password if password is None else password}
        return self.client.post("/login", form, **headers)

    def logged_in(self) -> bool:
        """Ask /isLogined."""
        answer = self.client.get("/isLogined")
        if answer.status != 200:
            raise AssertionError(f"/isLogined answered {answer!r}")
        return bool(answer.json["logined"])

    def events(self) -> list[dict[str, Any]]:
        """Ask /account/info for the events, newest first."""
        answer = self.client.get("/account/info")
        if answer.status != 200:
            raise AssertionError(f"/account/info answered {answer!r}")
        events = answer.json["events"]
        if not isinstance(events, list):
            raise TypeError(f"expected a list, got {events!r}")
        return events


def eventually(check: Any, seconds: float = 20.0) -> Any:
    """Call `check` until it returns something true, and return that.

    AssertionError, OSError and http.client's errors count as not yet; the last one is raised when time is
    over.
    """
    deadline = time.monotonic() + seconds
    while True:
        late = time.monotonic() > deadline
        try:
            result = check()
        except (AssertionError, OSError, http.client.HTTPException, KeyError):
            if late:
                raise
        else:
            if result:
                return result
            if late:
                raise AssertionError(f"{check!r} was still {result!r} after {seconds} s")
        time.sleep(0.05)
