"""Every difference between the sign-ins that is meant, with its reason."""

from __future__ import annotations

from tests.differential.differences import Difference

__all__ = ["DIFFERENCES"]

DIFFERENCES = [
    Difference(
        "the secret of a request token is nothing for scripts",
        (
            *("oauth_begin", "oauth_begin_callback", "oauth_begin_callback_elsewhere"),
            *("oauth_begin_callback_relative", "oauth_begin_callback_empty", "oauth_begin_out_of_band"),
            *("oauth_begin_odd_token", "oauth_begin_old", "oauth_begin_old_callback"),
            *("oauth_begin_old_out_of_band", "oauth_begin_without_callbacks"),
            *("twitter_begin", "twitter_authenticate", "twitter_authenticate_callback"),
        ),
        ("cookies",),
    ),
    Difference(
        "what the provider refuses is an AuthError as well, and says what was refused",
        (
            *("oauth_begin_refused", "oauth_user_refused", "openid_user_refused", "oauth2_request_refused"),
            *("google_user_refused", "facebook_user_refused", "twitter_request_refused"),
        ),
        ("raised",),
    ),
    Difference(
        "an answer that makes no sense is an AuthError, not whatever reading it runs into",
        (
            *("oauth_begin_html", "oauth_user_html", "oauth2_request_html", "google_user_html"),
            "facebook_user_no_token",
        ),
        ("raised",),
    ),
    Difference(
        "an error is one also with status 200",
        ("google_user_error",),
        ("status", "body", "result", "raised", "logged"),
    ),
    Difference(
        "an error with a name of its own",
        ("oauth_begin_without_callbacks_refused",),
        ("raised",),
    ),
    Difference("says what would be right", ("openid_begin_unknown",), ("raised",)),
    Difference(
        "what says that nobody is signed in need not be checked",
        ("openid_user_cancelled",),
        ("asked", "raised"),
    ),
    Difference("one question mark", ("oauth2_request_query",), ("asked",)),
    Difference("arguments are not dropped without a token", ("oauth2_request_without_token",), ("asked",)),
    Difference(
        "names are encoded in what is signed (RFC 5849 section 3.4.1.3.2)",
        ("twitter_request_odd_name",),
        ("asked",),
    ),
]
