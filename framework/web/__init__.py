"""The web framework: `Application` and `RequestHandler`, and what handlers are made of."""

from __future__ import annotations

from framework.routing import (
    AnyMatches,
    DefaultHostMatches,
    HostMatches,
    ReversibleRouter,
    ReversibleRuleRouter,
    Rule,
    URLSpec,
)
from framework.web.application import Application
from framework.web.decorators import addslash, authenticated, removeslash, stream_request_body
from framework.web.errors import Finish, HTTPError, MissingArgumentError
from framework.web.handler import RequestHandler
from framework.web.signing import (
    DEFAULT_SIGNED_VALUE_MIN_VERSION,
    DEFAULT_SIGNED_VALUE_VERSION,
    MAX_SUPPORTED_SIGNED_VALUE_VERSION,
    MIN_SUPPORTED_SIGNED_VALUE_VERSION,
    create_signed_value,
    decode_signed_value,
    get_signature_key_version,
)
from framework.web.standard import ErrorHandler, FallbackHandler, RedirectHandler
from framework.web.static import StaticFileHandler, is_absolute
from framework.web.transforms import GZipContentEncoding, OutputTransform
from framework.web.uimodules import TemplateModule, UIModule

# The name by which route tables call a `URLSpec`.
url = URLSpec

__all__ = [
    "DEFAULT_SIGNED_VALUE_MIN_VERSION",
    "DEFAULT_SIGNED_VALUE_VERSION",
    "MAX_SUPPORTED_SIGNED_VALUE_VERSION",
    "MIN_SUPPORTED_SIGNED_VALUE_VERSION",
    "AnyMatches",
    "Application",
    "DefaultHostMatches",
    "ErrorHandler",
    "FallbackHandler",
    "Finish",
    "GZipContentEncoding",
    "HTTPError",
    "HostMatches",
    "MissingArgumentError",
    "OutputTransform",
    "RedirectHandler",
    "RequestHandler",
    "ReversibleRouter",
    "ReversibleRuleRouter",
    "Rule",
    "StaticFileHandler",
    "TemplateModule",
    "UIModule",
    "URLSpec",
    "addslash",
    "authenticated",
    "create_signed_value",
    "decode_signed_value",
    "get_signature_key_version",
    "is_absolute",
    "removeslash",
    "stream_request_body",
    "url",
]
