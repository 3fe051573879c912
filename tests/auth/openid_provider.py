"""A provider of OpenID 2 made with python3-openid; its transport is this project's server."""

from __future__ import annotations

import warnings
from typing import Any

from framework.web import RequestHandler

with warnings.catch_warnings():
    # It asks for the old name of a module of defusedxml, which nothing here uses.
    warnings.simplefilter("ignore", DeprecationWarning)
    from openid.extensions import ax
    from openid.server.server import ProtocolError, Server
    from openid.store.memstore import MemoryStore

__all__ = ["OpenIdProvider"]

ATTRIBUTES = {
    "http://axschema.org/contact/email": "alice@example.com",
    "http://axschema.org/namePerson": "Alice Ä",
    "http://axschema.org/namePerson/first": "Alice",
    "http://axschema.org/namePerson/last": "Ä",
    "http://axschema.org/pref/language": "DE",
    "http://axschema.org/namePerson/friendly": "al",
}


class OpenIdProvider:
    """A provider where "alice" is signed in and consents, unless ``consents`` is set to false.

    ``routes`` are the handlers to serve: ``/openid``. ``checks`` are the answers to check_authentication.
    """

    def __init__(self) -> None:
        self.consents = True
        self.checks: list[str] = []
        store, provider = MemoryStore(), self

        class Endpoint(RequestHandler):
            def get(self) -> None:
                # It uses what it has itself deprecated.
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", DeprecationWarning)
                    self.respond()

            def respond(self) -> None:
                here = f"{self.request.protocol}://{self.request.host}/openid"
                server = Server(store, here)
                query = {name: values[-1].decode() for name, values in self.request.arguments.items()}
                try:
                    request = server.decodeRequest(query)
                except ProtocolError as error:
                    self.set_status(400)
                    self.finish(error.encodeToKVForm())
                    return
                answer = (
                    provider.consent(request, here)
                    if request.mode == "checkid_setup"
                    else server.handleRequest(request)
                )
                response = server.encodeResponse(answer)
                if request.mode == "check_authentication":
                    provider.checks.append(response.body)
                self.set_status(response.code)
                for name, value in response.headers.items():
                    self.set_header(name, value)
                self.finish(response.body)

            post = get

        self.routes = [("/openid", Endpoint)]

    def consent(self, request: Any, here: str) -> Any:
        """What a user says to a request."""
        if not self.consents:
            return request.answer(False)
        user = here.replace("/openid", "/alice")
        answer = request.answer(True, identity=user, claimed_id=user)
        wanted = ax.FetchRequest.fromOpenIDRequest(request)
        if wanted is not None:
            said = ax.FetchResponse(wanted)
            for attribute in wanted.requested_attributes:
                said.addValue(attribute, ATTRIBUTES[attribute])
            answer.addExtension(said)
        return answer
