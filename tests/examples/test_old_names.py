"""What the documents use that the API no longer has.

The documents are of several ages. The names below are those of the older ones; the examples that need them
are run with what took their place, or where nothing did, not at all.
"""

from __future__ import annotations

import importlib

import pytest

# The old name: what an application uses now.
OLD = {
    "framework.web.asynchronous": "an `async def` method, or `@gen.coroutine`",
    "framework.web.RequestHandler.get_error_html": "`write_error`",
    "framework.wsgi.WSGIApplication": "`framework.web.Application`",
    "framework.auth.GoogleMixin": "`framework.auth.GoogleOAuth2Mixin`",
    "framework.template.TemplateLoader": "`framework.template.Loader`",
    # A slip of the pen in the introduction.
    "framework.option": "`framework.options`",
}

# The examples that are not run, and why.
NOT_RUN = {
    "overview, FriendFeed's entries": "`fetch(callback=...)` and `asynchronous` are gone; it asks a site that is, too",
    "overview, GoogleHandler": "OpenID at Google was switched off in 2015",
    "overview, CGIHandler": "`WSGIApplication` is gone",
    "overview, AsyncHTTPClient.configure": "one line, run as it is in tests/test_curl_httpclient.py",
    "tutorial, connect_to_db": "`with (await pool.cursor())` is gone from aiopg; the demo application has today's",
    "tutorial, MotorClient": "opens a connection and nothing else; the demo application has today's",
}


@pytest.mark.parametrize("name", OLD)
def test_an_old_name_is_not_there(name: str) -> None:
    module, _, rest = name.removeprefix("framework.").partition(".")
    try:
        found: object = importlib.import_module(f"framework.{module}")
    except ModuleNotFoundError:
        return
    for part in rest.split("."):
        found = getattr(found, part, None)
        if found is None:
            return
    pytest.fail(f"{name} is there; its examples can run as the documents have them")
