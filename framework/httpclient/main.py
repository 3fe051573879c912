"""``python -m framework.httpclient URL...``: fetches and prints."""

from __future__ import annotations

import sys

from framework.escape import native_str
from framework.httpclient.client import HTTPClient
from framework.httpclient.errors import HTTPError
from framework.options import define, options, parse_command_line

__all__ = ["main"]


def main() -> None:
    """Fetches the URLs of the command line, one after the other, and prints what comes back."""
    define("print_headers", type=bool, default=False, help="print the response's headers")
    define("print_body", type=bool, default=True, help="print the response's body")
    define("follow_redirects", type=bool, default=True, help="go where redirects lead")
    define("validate_cert", type=bool, default=True, help="check the server's certificate")
    define("proxy_host", type=str, help="a proxy to use")
    define("proxy_port", type=int, help="the proxy's port")
    urls = parse_command_line()
    client = HTTPClient()
    try:
        for url in urls:
            try:
                response = client.fetch(
                    url,
                    follow_redirects=options.follow_redirects,
                    validate_cert=options.validate_cert,
                    proxy_host=options.proxy_host,
                    proxy_port=options.proxy_port,
                )
            except HTTPError as error:
                if error.response is None:
                    raise
                response = error.response
            if options.print_headers:
                sys.stdout.write(f"{response.headers}\n")
            if options.print_body:
                sys.stdout.write(native_str(response.body) + "\n")
    finally:
        client.close()
