"""General-purpose helpers that the other modules and applications share."""

from __future__ import annotations

import datetime
import importlib
import inspect
import re
import zlib
from builtins import TimeoutError  # noqa: A004 - the public name, once a class of its own
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, ClassVar, NoReturn

__all__ = [
    "ArgReplacer",
    "Configurable",
    "GzipDecompressor",
    "ObjectDict",
    "TimeoutError",
    "errno_from_exception",
    "exec_in",
    "import_object",
    "raise_exc_info",
    "re_unescape",
    "timedelta_to_seconds",
]


class ObjectDict(dict[str, Any]):
    """A dictionary whose keys can also be read and written as attributes.

    A missing key is an :exc:`AttributeError` when read as an attribute.
    """

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value


class GzipDecompressor:
    """Decompresses a gzip stream piece by piece, with a bound on each piece's output.

    A stream of several members (RFC 1952 section 2.2) is read as one, and NUL padding after a
    member is skipped. Damaged input is a :exc:`zlib.error`.
    """

    # A finished member's zlib object hands back a copy of all that follows it. Feeding it windows
    # of this many bytes keeps that copy short, so that a body made of thousands of tiny members
    # costs time in proportion to its length.
    _WINDOW = 4096

    __slots__ = ("_fed", "_member", "_tail")

    def __init__(self) -> None:
        self._member = zlib.decompressobj(16 + zlib.MAX_WBITS)
        self._fed = False
        self._tail = b""

    def decompress(self, value: bytes, max_length: int = 0) -> bytes:
        """Returns what the next piece of the stream decompresses to.

        ``value`` is the next bytes of the stream, after the ``unconsumed_tail`` of the last call.
        At most ``max_length`` bytes are returned; 0 is no limit. What could not be used because of
        the limit is in :attr:`unconsumed_tail`, and must come again in the next call.
        """
        if max_length < 0:
            raise ValueError(f"max_length must be 0 (no limit) or more, not {max_length}")
        pieces: list[bytes] = []
        produced = 0
        position = 0
        view = memoryview(value)
        while position < len(view) and (not max_length or produced < max_length):
            window = view[position : position + self._WINDOW]
            if self._member.eof:
                padding = len(window) - len(bytes(window).lstrip(b"\0"))
                if padding:
                    position += padding
                    continue
                self._member = zlib.decompressobj(16 + zlib.MAX_WBITS)
            self._fed = True
            piece = self._member.decompress(window, max_length and max_length - produced)
            left = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
            position += len(window) - len(left)
            pieces.append(piece)
            produced += len(piece)
        self._tail = bytes(view[position:])
        return b"".join(pieces)

    @property
    def unconsumed_tail(self) -> bytes:
        """The input of the last call that ``max_length`` left no room for."""
        return self._tail

    def flush(self) -> bytes:
        """Ends the stream and returns what is left of its output.

        A stream that stops inside a member is a :exc:`zlib.error`; calling this while
        :attr:`unconsumed_tail` holds data is a :exc:`ValueError`.
        """
        if self._tail:
            raise ValueError("unconsumed_tail must be passed to decompress() before flush()")
        rest = self._member.flush()
        if self._fed and not self._member.eof:
            raise zlib.error("incomplete or truncated gzip stream")
        return rest


def import_object(name: str) -> Any:
    """Imports a module, or an attribute of one, by its dotted name.

    ``import_object("a.b.c")`` is ``from a.b import c``. Raises :exc:`ImportError` if there is no
    such module or no such name in it.
    """
    module_name, dot, attribute = name.rpartition(".")
    if not dot:
        return importlib.import_module(name)
    module = importlib.import_module(module_name)
    try:
        return getattr(module, attribute)
    except AttributeError:
        pass
    # A submodule that its package has not loaded, or nothing: then the error says so.
    return importlib.import_module(name)


def exec_in(code: Any, glob: dict[str, Any], loc: Mapping[str, Any] | None = None) -> None:
    """Executes ``code`` (source text or a code object) with the given globals and locals.

    The code does not inherit the ``__future__`` imports of this module.
    """
    if isinstance(code, str | bytes):
        code = compile(code, "<string>", "exec", dont_inherit=True)
    exec(code, glob, loc)  # noqa: S102 - it is what this function is for


def raise_exc_info(
    exc_info: tuple[type | None, BaseException | None, TracebackType | None],
) -> NoReturn:
    """Raises the exception of a ``sys.exc_info()`` triple again, with its traceback."""
    _, error, traceback = exc_info
    if error is None:
        raise TypeError("raise_exc_info called with no exception")
    try:
        raise error.with_traceback(traceback)
    finally:
        # The frame is in the traceback of the exception it names: without this, a cycle.
        del exc_info, error, traceback


def errno_from_exception(e: BaseException) -> int | None:
    """Returns the error number of an exception: its ``errno``, or else its first argument."""
    if hasattr(e, "errno"):
        number: int | None = e.errno
        return number
    return e.args[0] if e.args else None


_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def _unescaped(match: re.Match[str]) -> str:
    char = match[1]
    if char.isascii() and char.isalnum():
        raise ValueError(f"cannot unescape {match[0]!r}: it stands for a class of characters, not for one")
    return char


def re_unescape(s: str) -> str:
    r"""Undoes :func:`re.escape`.

    A backslash before an ASCII letter or digit (``\d``) is a :exc:`ValueError`, as ``re.escape``
    makes none of these.
    """
    return _ESCAPED.sub(_unescaped, s)


class Configurable:
    """Base of interfaces whose constructor makes an object of a configurable implementation.

    A class that says it is a ``configurable_base()`` acts as a factory: calling it makes an
    object of the class given to :meth:`configure`, or of ``configurable_default()``. The
    implementations are its subclasses; calling one of these directly makes that one. An
    implementation may itself be a configurable base with implementations of its own.

    Implementations define ``initialize`` instead of ``__init__``.
    """

    __impl_class: ClassVar[type[Configurable] | None] = None
    __impl_kwargs: ClassVar[dict[str, Any] | None] = None

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        base = cls.configurable_base()
        if cls is base:
            implementation = cls.configured_class()
            kwargs = {**(base.__impl_kwargs or {}), **kwargs}
            if implementation.configurable_base() is not base:
                # The implementation is a factory itself.
                return implementation(*args, **kwargs)
        else:
            implementation = cls
        instance = super().__new__(implementation)
        instance.initialize(*args, **kwargs)
        return instance

    @classmethod
    def configurable_base(cls) -> type[Configurable]:
        """Returns the class that is configured; usually the class that defines this method."""
        raise NotImplementedError(f"{cls.__name__} must define configurable_base()")

    @classmethod
    def configurable_default(cls) -> type[Configurable]:
        """Returns the implementation to use when none is configured."""
        raise NotImplementedError(f"{cls.__name__} must define configurable_default()")

    def _initialize(self) -> None:
        """Takes the constructor's arguments, in place of ``__init__``."""

    # Every implementation takes arguments of its own here.
    initialize: Callable[..., None] = _initialize

    @classmethod
    def configure(cls, impl: str | type[Configurable] | None, **kwargs: Any) -> None:
        """Sets the class to make when the base is called, and arguments for it.

        ``impl`` is a subclass of this class, its dotted name, or None for the default. The
        keyword arguments are passed to ``initialize`` of each object, below the call's own.
        Raises :exc:`ValueError` for a class that is no subclass, :exc:`TypeError` for what is
        no class, :exc:`ImportError` for a name that cannot be imported.
        """
        base = cls.configurable_base()
        if isinstance(impl, str):
            impl = import_object(impl)
        if impl is not None:
            if not isinstance(impl, type):
                raise TypeError(f"the implementation of {cls.__name__} must be a class, not {impl!r}")
            if not issubclass(impl, cls):
                raise ValueError(f"Invalid subclass of {cls}: {impl}")
        base.__impl_class = impl
        base.__impl_kwargs = kwargs

    @classmethod
    def configured_class(cls) -> type[Configurable]:
        """Returns the configured implementation, or the default."""
        base = cls.configurable_base()
        # Of this base alone: a base further up has a configuration of its own.
        configured: type[Configurable] | None = base.__dict__.get("_Configurable__impl_class")
        if configured is None:
            configured = base.__impl_class = cls.configurable_default()
        return configured

    # Tests of applications put a configuration aside with these two.
    @classmethod
    def _save_configuration(cls) -> tuple[type[Configurable] | None, dict[str, Any] | None]:
        base = cls.configurable_base()
        return base.__impl_class, base.__impl_kwargs

    @classmethod
    def _restore_configuration(cls, saved: tuple[type[Configurable] | None, dict[str, Any] | None]) -> None:
        base = cls.configurable_base()
        base.__impl_class, base.__impl_kwargs = saved


_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class ArgReplacer:
    """Reads and replaces one named argument of a function, however it was passed.

    For decorators that need an argument of the function they wrap, positional or keyword.
    """

    def __init__(self, func: Callable[..., Any], name: str) -> None:
        self.name = name
        #: Place of the argument among the positional ones, or None if it has none.
        self.arg_pos: int | None = None
        try:
            parameters = inspect.signature(func).parameters.values()
        except (TypeError, ValueError):
            # Some functions written in C do not tell their parameters.
            return
        for position, parameter in enumerate(parameters):
            if parameter.name == name and parameter.kind in _POSITIONAL:
                self.arg_pos = position

    def get_old_value(self, args: Sequence[Any], kwargs: dict[str, Any], default: Any = None) -> Any:
        """Returns the argument's value in a call with ``args`` and ``kwargs``, or ``default``."""
        if self.arg_pos is not None and len(args) > self.arg_pos:
            return args[self.arg_pos]
        return kwargs.get(self.name, default)

    def replace(
        self, new_value: Any, args: Sequence[Any], kwargs: dict[str, Any]
    ) -> tuple[Any, Sequence[Any], dict[str, Any]]:
        """Puts ``new_value`` in the argument's place.

        Returns ``(old_value, args, kwargs)``. ``args`` is copied before it is changed, ``kwargs``
        is changed in place. The old value is None if the argument was not passed; the new one is
        then passed by keyword.
        """
        if self.arg_pos is not None and len(args) > self.arg_pos:
            old_value = args[self.arg_pos]
            args = list(args)
            args[self.arg_pos] = new_value
        else:
            old_value = kwargs.get(self.name)
            kwargs[self.name] = new_value
        return old_value, args, kwargs


def timedelta_to_seconds(td: datetime.timedelta) -> float:
    """Returns the length of ``td`` in seconds."""
    return td.total_seconds()
