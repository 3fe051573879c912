"""Entity tags, redirects, cookies, users, locales, URLs."""

from __future__ import annotations

import datetime
from typing import Any

from framework import web
from tests.differential.site.common import action, tell


@action
def etag_own(self: Any) -> None:
    self.set_header("Etag", '"mine"')
    self.write("x")


@action
def etag_none(self: Any) -> None:
    self.write("x")
    self.compute_etag = lambda: None


@action
def etag_weak(self: Any) -> None:
    self.write("x")
    self.compute_etag = lambda: 'W/"weak"'


@action
def redirects(self: Any) -> None:
    self.redirect(self.get_argument("to"), permanent=bool(self.get_argument("permanent", "")))


@action
def redirect_status(self: Any) -> None:
    self.redirect("/x", status=int(self.get_argument("status")))


@action
def redirect_flushed(self: Any) -> None:
    self.write("x")
    self.flush()
    self.redirect("/x")


@action
def cookies_set(self: Any) -> None:
    self.set_cookie("plain", "value")
    self.set_cookie("spaced", 'a b;c,d"e\\f')
    self.set_cookie("bytes", b"x")
    self.set_cookie(
        "all", "v", domain="example.com", path="/p", max_age=5, httponly=True, secure=True, samesite="Lax"
    )
    self.set_cookie("expires", "v", expires=datetime.datetime(2030, 1, 2, tzinfo=datetime.UTC))
    self.set_cookie("expires_float", "v", expires=2000000000.5)
    self.set_cookie("expires_tuple", "v", expires=(2030, 1, 2, 3, 4, 5, 0, 2, 0))
    self.set_cookie("days", "v", expires_days=3)
    self.set_cookie("nopath", "v", path="")
    self.set_cookie("twice", "1", path="/a")
    self.set_cookie("twice", "2", path="/b")
    self.set_cookie("empty", "")
    self.set_cookie("flags", "v", httponly=False, secure=False, samesite=None, domain=None)
    self.clear_cookie("gone")
    self.clear_cookie("gone_there", path="/p", domain="example.com")


@action
def cookies_refused(self: Any) -> None:
    for arguments in (
        {"name": "a b", "value": "x"},
        {"name": "a", "value": "x\n"},
        {"name": "a", "value": "\x01"},
        {"name": "", "value": "x"},
        {"name": "a;", "value": "x"},
        {"name": "a", "value": "x", "path": "/;x"},
        {"name": "a", "value": "x", "domain": "a;b"},
        {"name": "a", "value": "x", "samesite": "a;b"},
        {"name": "a", "value": "x", "unknown": 1},
    ):
        tell(self, self.set_cookie, **arguments)
    tell(self, self.clear_cookie, "a", expires=5)
    tell(self, self.clear_cookie, "a", max_age=5)


@action
def cookies_read(self: Any) -> None:
    for name in ("a", "b", "c", "A", "none"):
        self.write(f"{name}={self.get_cookie(name)!r} {self.get_cookie(name, 'default')!r}\n")
    self.write(repr(sorted(self.cookies)))


@action
def cookies_clear_all(self: Any) -> None:
    self.clear_all_cookies(path="/x")


@action
def cookie_case_kwargs(self: Any) -> None:
    self.set_cookie("a", "b", HttpOnly=True, Max_Age=3)


@action
def signed(self: Any) -> None:
    self.set_signed_cookie("two", "value é")
    self.set_secure_cookie("one", b"value", version=1, expires_days=None)
    self.set_signed_cookie("long", "v", expires_days=2, httponly=True)


@action
def signed_read(self: Any) -> None:
    for name in ("s", "t"):
        for arguments in ({}, {"max_age_days": 100000}, {"max_age_days": 100000, "min_version": 2}):
            tell(self, self.get_signed_cookie, name, **arguments)
            tell(self, self.get_secure_cookie, name, **arguments)
        tell(self, self.get_signed_cookie_key_version, name)
    tell(self, self.get_signed_cookie, "s", value="x")


@action
def signed_made(self: Any) -> None:
    def clock() -> float:
        return 1600000000.0

    for secret, version, key in (("s", 1, None), ("s", 2, None), ({3: "k"}, 2, 3)):
        made = web.create_signed_value(secret, "n", "välue", version=version, clock=clock, key_version=key)
        self.write(made + b"\n")
        tell(self, web.decode_signed_value, secret, "n", made, clock=clock)
        tell(self, web.get_signature_key_version, made)


@action
def user_assigned(self: Any) -> None:
    self.write(repr(self.current_user))
    self.current_user = "someone"
    self.write(repr(self.current_user))


@action
def locale_of(self: Any) -> None:
    self.write(f"{self.locale.code} {self.locale.name} {self.locale.translate('hello')}")
    self.write(f" {self.get_browser_locale('fr_FR').code} {self.get_user_locale()}")


@action
def urls(self: Any) -> None:
    tell(self, self.reverse_url, "home")
    tell(self, self.reverse_url, "configured", "a b/ü", 5)
    tell(self, self.reverse_url, "configured", "a")
    tell(self, self.reverse_url, "nowhere")
    tell(self, self.reverse_url, "regular")
    tell(self, self.application.reverse_url, "nested", 7)
    tell(self, self.static_url, "file.txt")
    tell(self, self.static_url, "file.txt", include_host=True)
    tell(self, self.static_url, "file.txt", include_version=False)
    tell(self, self.static_url, "none.txt")
    tell(self, self.require_setting, "nothing")
