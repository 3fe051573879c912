"""``python -m framework.testing NAME...`` runs the named tests; see `framework.testing.main`."""

from __future__ import annotations

from framework.testing import main

if __name__ == "__main__":
    main()
