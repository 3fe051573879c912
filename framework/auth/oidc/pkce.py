"""Proof Key for Code Exchange (RFC 7636): whoever exchanges the code is who asked for it."""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64encode

__all__ = ["challenge_of", "new_verifier"]


def new_verifier() -> str:
    """A new secret of 256 bits, to be sent with the code (section 4.1)."""
    return secrets.token_urlsafe(32)


def challenge_of(verifier: str) -> str:
    """What is sent ahead of a verifier: its digest, method S256 (section 4.2)."""
    return urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).rstrip(b"=").decode("ascii")
