"""The settings of signing in: off unless asked for, and never half."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo_app.config import ConfigError, SignInSettings, load

SECRET = "a-secret-of-ones-own-with-more-than-32-characters"
GOOD = {
    "SESSION_COOKIE_SECRET": SECRET,
    "OIDC_ISSUER": "https://accounts.example",
    "OIDC_CLIENT_ID": "demo",
    "OIDC_CLIENT_SECRET": "made by the provider",
    "OIDC_REDIRECT_URI": "https://demo.example/sign-in/back",
}


def problem(**environ: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(GOOD | environ)
    (found,) = caught.value.problems
    return found


def test_it_is_off_unless_there_is_a_provider() -> None:
    assert load({"SESSION_COOKIE_SECRET": SECRET}).sign_in is None
    assert load(GOOD | {"OIDC_ISSUER": ""}).sign_in is None


def test_all_of_it(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("a secret in a file\n")
    settings = load(
        GOOD
        | {
            "OIDC_CLIENT_SECRET": "",
            "OIDC_CLIENT_SECRET_FILE": str(file),
            "OIDC_NAME": "Example",
            "OIDC_BACKCHANNEL": "http://provider:9000",
        }
    )
    assert settings.sign_in == SignInSettings(
        name="Example",
        issuer="https://accounts.example",
        client_id="demo",
        client_secret="a secret in a file",
        redirect_uri="https://demo.example/sign-in/back",
        backchannel="http://provider:9000",
    )
    assert "a secret in a file" not in repr(settings)


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1", "[::1]:8080"])
def test_this_machine_needs_no_https(host: str) -> None:
    found = load(
        GOOD | {"OIDC_ISSUER": f"http://{host}/p", "OIDC_REDIRECT_URI": f"http://{host}/sign-in/back"}
    )
    assert found.sign_in is not None
    assert (found.sign_in.issuer, found.sign_in.backchannel) == (f"http://{host}/p", None)


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("OIDC_ISSUER", "http://accounts.example", "should be an https:// URL"),
        ("OIDC_ISSUER", "accounts.example", "should be an https:// URL"),
        ("OIDC_ISSUER", "https://user@accounts.example", "should be an https:// URL"),
        ("OIDC_ISSUER", "https://accounts.example?tenant=1", "should be an https:// URL"),
        ("OIDC_ISSUER", "https://[accounts", "should be an https:// URL"),
        ("OIDC_CLIENT_ID", "", "is not set, but OIDC_ISSUER is"),
        ("OIDC_CLIENT_SECRET", "", "is not set, but OIDC_ISSUER is"),
        ("OIDC_CLIENT_SECRET", "demo", "has 4 characters"),
        ("OIDC_CLIENT_SECRET_FILE", "/nonexistent", "both set"),
        ("OIDC_REDIRECT_URI", "", "is not set, but OIDC_ISSUER is"),
        ("OIDC_REDIRECT_URI", "http://demo.example/sign-in/back", "should be an https:// URL"),
        ("OIDC_REDIRECT_URI", "https://demo.example/elsewhere", "its path should be /sign-in/back"),
        ("OIDC_BACKCHANNEL", "provider:9000", "should be an http:// or https:// URL"),
    ],
)
def test_what_is_wrong_is_named(name: str, value: str, why: str) -> None:
    found = problem(**{name: value})
    assert found.startswith(name.removesuffix("_FILE"))
    assert why in found
