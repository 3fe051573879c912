"""HTTP's data: headers, cookies, messages, forms, dates, ranges and URLs. No I/O."""

from __future__ import annotations

from framework.httputil.cookies import parse_cookie
from framework.httputil.dates import format_timestamp
from framework.httputil.errors import HTTPInputError, HTTPOutputError
from framework.httputil.forms import (
    HTTPFile,
    ParseBodyConfig,
    ParseMultipartConfig,
    ParseUrlEncodedConfig,
    parse_body_arguments,
    parse_multipart_form_data,
    set_parse_body_config,
)
from framework.httputil.headers import HTTPHeaders
from framework.httputil.messages import (
    HTTPConnection,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    RequestStartLine,
    ResponseStartLine,
    parse_request_start_line,
    parse_response_start_line,
    responses,
)
from framework.httputil.request import HTTPServerRequest
from framework.httputil.urls import qs_to_qsl, split_host_and_port, url_concat

__all__ = [
    "HTTPConnection",
    "HTTPFile",
    "HTTPHeaders",
    "HTTPInputError",
    "HTTPMessageDelegate",
    "HTTPOutputError",
    "HTTPServerConnectionDelegate",
    "HTTPServerRequest",
    "ParseBodyConfig",
    "ParseMultipartConfig",
    "ParseUrlEncodedConfig",
    "RequestStartLine",
    "ResponseStartLine",
    "format_timestamp",
    "parse_body_arguments",
    "parse_cookie",
    "parse_multipart_form_data",
    "parse_request_start_line",
    "parse_response_start_line",
    "qs_to_qsl",
    "responses",
    "set_parse_body_config",
    "split_host_and_port",
    "url_concat",
]
