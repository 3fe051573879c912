"""A test program: `unittest.main` with this framework's options."""

from __future__ import annotations

import signal
import sys
import unittest
from typing import Any

from framework.options import define, options, parse_command_line

__all__ = ["main"]


def main(**kwargs: Any) -> None:
    """Runs tests as `unittest.main` does, with the command line of `framework.options` and its logging.

    ``python -m framework.testing package.module`` runs the tests of a module. A test program of one's own
    calls this at its end; without names on the command line it runs the suite that its function ``all``
    returns, or all its tests if it has none.

    :arg kwargs: those of `unittest.main`.
    """
    _define_options()
    names = parse_command_line(sys.argv)
    if not options.exception_on_interrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    if options.verbose or options.quiet:
        kwargs["verbosity"] = 2 if options.verbose else 0
    for option, argument in (("failfast", "failfast"), ("catch", "catchbreak"), ("buffer", "buffer")):
        if options[option]:
            kwargs[argument] = True
    if names:
        # Full names: of modules, classes or tests.
        kwargs["module"] = None
    elif hasattr(sys.modules["__main__"], "all"):
        kwargs.setdefault("defaultTest", "all")
    unittest.main(argv=[sys.argv[0], *names], **kwargs)


def _define_options() -> None:
    if "exception_on_interrupt" in options:
        return
    define(
        "exception_on_interrupt",
        type=bool,
        default=True,
        help="if true, ctrl-c raises KeyboardInterrupt, which shows where the test was; "
        "if false, it kills the process whatever that does",
    )
    define("verbose", type=bool, default=False, help="name each test")
    define("quiet", type=bool, default=False, help="show errors and the summary only")
    define("failfast", type=bool, default=False, help="end with the first failure")
    define("catch", type=bool, default=False, help="on ctrl-c finish the test and report")
    define("buffer", type=bool, default=False, help="show what tests print only if they fail")
