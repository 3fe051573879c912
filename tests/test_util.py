from __future__ import annotations

import asyncio
import datetime
import functools
import gzip
import operator
import re
import sys
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from framework.util import (
    ArgReplacer,
    Configurable,
    GzipDecompressor,
    ObjectDict,
    TimeoutError,  # noqa: A004 - the public name
    errno_from_exception,
    exec_in,
    import_object,
    raise_exc_info,
    re_unescape,
    timedelta_to_seconds,
)

# --- ObjectDict ---


def test_object_dict_reads_and_writes_keys_as_attributes() -> None:
    value = ObjectDict(a=1)
    value.b = 2
    value["c"] = 3
    assert value == {"a": 1, "b": 2, "c": 3}
    assert (value.a, value["b"], value.c) == (1, 2, 3)
    assert isinstance(value, dict)


def test_object_dict_has_no_attribute_for_a_missing_key() -> None:
    with pytest.raises(AttributeError, match=r"^missing$"):
        _ = ObjectDict().missing
    assert getattr(ObjectDict(), "missing", "default") == "default"


# --- GzipDecompressor ---

TEXT = b"".join(b"line %d\n" % number for number in range(5000))


def drain(decompressor: GzipDecompressor, data: bytes, max_length: int) -> list[bytes]:
    pieces = []
    while data:
        pieces.append(decompressor.decompress(data, max_length))
        data = decompressor.unconsumed_tail
    return pieces


def test_gzip_of_one_piece() -> None:
    decompressor = GzipDecompressor()
    assert decompressor.decompress(gzip.compress(TEXT)) == TEXT
    assert decompressor.unconsumed_tail == b""
    assert decompressor.flush() == b""


@pytest.mark.parametrize("size", [1, 7, 4096, 5000])
def test_gzip_in_pieces_of_any_size(size: int) -> None:
    data = gzip.compress(TEXT)
    decompressor = GzipDecompressor()
    pieces = [decompressor.decompress(data[i : i + size], 0) for i in range(0, len(data), size)]
    assert b"".join(pieces) + decompressor.flush() == TEXT


@pytest.mark.parametrize("limit", [1000, 4096, len(TEXT) - 1, len(TEXT), len(TEXT) + 1])
def test_gzip_output_is_bounded_and_the_rest_comes_with_the_tail(limit: int) -> None:
    decompressor = GzipDecompressor()
    pieces = drain(decompressor, gzip.compress(TEXT), limit)
    assert max(map(len, pieces)) <= limit
    assert b"".join(pieces) == TEXT
    assert decompressor.flush() == b""


def test_gzip_bomb_gives_no_more_than_asked() -> None:
    decompressor = GzipDecompressor()
    assert len(decompressor.decompress(gzip.compress(bytes(10_000_000)), 1000)) == 1000
    assert decompressor.unconsumed_tail


def test_gzip_members_are_read_as_one_stream() -> None:
    data = gzip.compress(b"one") + gzip.compress(b"two") + gzip.compress(b"") + gzip.compress(TEXT)
    assert GzipDecompressor().decompress(data) == b"onetwo" + TEXT
    decompressor = GzipDecompressor()
    assert b"".join(drain(decompressor, data, 2)) == b"onetwo" + TEXT
    assert decompressor.flush() == b""


def test_gzip_limit_may_fall_between_two_members() -> None:
    second = gzip.compress(b"two")
    decompressor = GzipDecompressor()
    assert decompressor.decompress(gzip.compress(b"one") + second, 3) == b"one"
    tail = decompressor.unconsumed_tail
    assert tail.endswith(second)
    assert decompressor.decompress(tail, 100) == b"two"


def test_gzip_padding_after_a_member_is_skipped() -> None:
    decompressor = GzipDecompressor()
    data = gzip.compress(b"one") + bytes(10_000) + gzip.compress(b"two") + bytes(3)
    assert decompressor.decompress(data) == b"onetwo"
    assert decompressor.flush() == b""


def test_gzip_of_many_tiny_members_does_not_copy_the_rest_for_each() -> None:
    # 20 bytes each: with a copy of the rest per member, this would move 10 GB.
    data = gzip.compress(b"") * 20_000
    decompressor = GzipDecompressor()
    assert decompressor.decompress(data + gzip.compress(b"end"), 1000) == b"end"
    assert decompressor.flush() == b""


@pytest.mark.parametrize(
    "data",
    [
        b"not gzip at all",
        zlib.compress(b"zlib's own format"),
        gzip.compress(b"x") + b"junk",
        gzip.compress(b"x" * 100)[:-8] + bytes(8),
    ],
    ids=["junk", "zlib", "junk behind", "wrong checksum"],
)
def test_gzip_damaged_data_is_an_error(data: bytes) -> None:
    with pytest.raises(zlib.error):
        GzipDecompressor().decompress(data)


def test_gzip_flush_finds_a_truncated_stream() -> None:
    decompressor = GzipDecompressor()
    decompressor.decompress(gzip.compress(TEXT)[:-1])
    with pytest.raises(zlib.error, match="truncated"):
        decompressor.flush()


def test_gzip_flush_without_data_is_empty() -> None:
    decompressor = GzipDecompressor()
    assert decompressor.decompress(b"", 10) == b""
    assert decompressor.flush() == b""


def test_gzip_flush_with_a_tail_left_is_an_error() -> None:
    decompressor = GzipDecompressor()
    decompressor.decompress(gzip.compress(TEXT), 10)
    with pytest.raises(ValueError, match="unconsumed_tail"):
        decompressor.flush()


def test_gzip_negative_limit_is_an_error() -> None:
    with pytest.raises(ValueError, match="max_length must be 0"):
        GzipDecompressor().decompress(b"", -1)


# --- import_object ---


def test_import_object_imports_modules_and_their_members() -> None:
    assert import_object("re") is re
    assert import_object("framework.util") is sys.modules["framework.util"]
    assert import_object("framework.util.ObjectDict") is ObjectDict
    assert import_object("wsgiref.simple_server").__name__ == "wsgiref.simple_server"


@pytest.mark.parametrize(
    "name", ["no_such_module", "os.no_such_name", "no_such_module.name", "os.path.join.x"]
)
def test_import_object_of_what_is_not_there_is_an_import_error(name: str) -> None:
    with pytest.raises(ImportError, match="No module named"):
        import_object(name)


def test_import_object_passes_on_an_error_inside_the_module(tmp_path: Any, monkeypatch: Any) -> None:
    package = tmp_path / "h1_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "broken.py").write_text("import no_such_dependency")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_dependency"):
        import_object("h1_package.broken")


# --- exec_in, raise_exc_info, errno_from_exception ---


def test_exec_in_runs_text_and_code_objects() -> None:
    names: dict[str, Any] = {}
    exec_in("x = 1", names)
    exec_in(b"y = x + 1", names)
    exec_in(compile("z = y + 1", "<test>", "exec"), names)
    assert (names["x"], names["y"], names["z"]) == (1, 2, 3)
    local: dict[str, Any] = {}
    exec_in("w = z + 1", names, local)
    assert local == {"w": 4}


def test_exec_in_does_not_inherit_future_imports() -> None:
    # This test's module has the annotations import, and so has framework.util.
    names: dict[str, Any] = {}
    exec_in("def f(x: int): pass", names)
    assert names["f"].__annotations__ == {"x": int}


def test_raise_exc_info_keeps_exception_and_traceback() -> None:
    try:
        operator.truediv(1, 0)
    except ZeroDivisionError:
        info = sys.exc_info()
    with pytest.raises(ZeroDivisionError) as caught:
        raise_exc_info(info)
    assert caught.value is info[1]
    frames = [entry.name for entry in caught.traceback]
    assert frames[-1] == "test_raise_exc_info_keeps_exception_and_traceback"


def test_raise_exc_info_without_exception_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="no exception"):
        raise_exc_info((None, None, None))


def test_errno_from_exception() -> None:
    assert errno_from_exception(OSError(3, "text")) == 3
    assert errno_from_exception(OSError()) is None
    assert errno_from_exception(Exception(7)) == 7
    assert errno_from_exception(Exception()) is None


# --- re_unescape, timedelta_to_seconds, TimeoutError ---


@pytest.mark.parametrize("text", ["", "plain", "/a.b*c", "a\\b", " \t\n", "é-_~", "\0"])
def test_re_unescape_undoes_re_escape(text: str) -> None:
    assert re_unescape(re.escape(text)) == text


@pytest.mark.parametrize("text", [r"\d", r"\n", r"\1", r"a\Z"])
def test_re_unescape_refuses_what_re_escape_does_not_make(text: str) -> None:
    with pytest.raises(ValueError, match="cannot unescape"):
        re_unescape(text)


def test_timedelta_to_seconds() -> None:
    assert timedelta_to_seconds(datetime.timedelta(days=1, microseconds=500_000)) == 86400.5


def test_timeout_error_is_that_of_asyncio() -> None:
    assert TimeoutError is asyncio.TimeoutError


# --- ArgReplacer ---


def function(x: int, y: int, callback: Any = None, z: Any = None) -> None:
    pass


def keyword_only(x: int, *args: int, callback: Any = None, **kwargs: int) -> None:
    pass


def test_arg_replacer_replaces_a_positional_argument() -> None:
    replacer = ArgReplacer(function, "callback")
    assert (replacer.name, replacer.arg_pos) == ("callback", 2)
    arguments = (1, 2, "old", 4)
    assert replacer.get_old_value(arguments, {}) == "old"
    assert replacer.replace("new", arguments, {}) == ("old", [1, 2, "new", 4], {})
    assert arguments == (1, 2, "old", 4)


def test_arg_replacer_replaces_a_keyword_argument() -> None:
    replacer = ArgReplacer(function, "callback")
    kwargs: dict[str, Any] = {"y": 2, "callback": "old"}
    assert replacer.get_old_value((1,), kwargs) == "old"
    assert replacer.replace("new", (1,), kwargs) == ("old", (1,), {"y": 2, "callback": "new"})
    assert kwargs["callback"] == "new"


def test_arg_replacer_adds_an_argument_that_is_not_passed() -> None:
    replacer = ArgReplacer(function, "callback")
    assert replacer.get_old_value((1,), {"y": 2}) is None
    assert replacer.get_old_value((1,), {"y": 2}, "default") == "default"
    assert replacer.replace("new", (1,), {"y": 2}) == (None, (1,), {"y": 2, "callback": "new"})


@pytest.mark.parametrize("func", [keyword_only, len, functools.partial, print])
def test_arg_replacer_passes_by_keyword_what_has_no_place(func: Callable[..., Any]) -> None:
    replacer = ArgReplacer(func, "callback")
    assert replacer.arg_pos is None
    assert replacer.replace("new", (1, 2, 3), {}) == (None, (1, 2, 3), {"callback": "new"})


def test_arg_replacer_of_a_function_that_does_not_tell_its_parameters() -> None:
    class Opaque:
        __signature__ = "not a signature"

        def __call__(self) -> None: ...

    assert ArgReplacer(Opaque(), "x").arg_pos is None


# --- Configurable ---


class Base(Configurable):
    @classmethod
    def configurable_base(cls) -> type[Configurable]:
        return Base

    @classmethod
    def configurable_default(cls) -> type[Configurable]:
        return First

    def initialize(self, pos: Any = None, **kwargs: Any) -> None:
        self.pos = pos
        self.kwargs = kwargs


class First(Base):
    pass


class Second(Base):
    pass


class Inner(Base):
    """An implementation that is a base itself."""

    @classmethod
    def configurable_base(cls) -> type[Configurable]:
        return Inner

    @classmethod
    def configurable_default(cls) -> type[Configurable]:
        return InnerFirst


class InnerFirst(Inner):
    pass


class InnerSecond(Inner):
    pass


@pytest.fixture(autouse=True)
def configuration() -> Iterator[None]:
    saved = Base._save_configuration(), Inner._save_configuration()
    yield
    Base._restore_configuration(saved[0])
    Inner._restore_configuration(saved[1])


def test_configurable_makes_the_default() -> None:
    made = Base(1, a=2)
    assert type(made) is First
    assert (made.pos, made.kwargs) == (1, {"a": 2})
    assert Base.configured_class() is First


def test_configurable_makes_the_configured_class_with_the_saved_arguments() -> None:
    Base.configure(Second, a=1, b=1)
    made = Base(5, b=2)
    assert type(made) is Second
    assert (made.pos, made.kwargs) == (5, {"a": 1, "b": 2})
    assert First.configured_class() is Second


def test_configurable_by_dotted_name() -> None:
    Base.configure(f"{__name__}.Second")
    assert type(Base()) is Second


def test_configurable_implementation_called_directly_takes_no_saved_arguments() -> None:
    Base.configure(Second, a=1)
    assert type(First(3)) is First
    made = Second(b=2)
    assert type(made) is Second
    assert made.kwargs == {"b": 2}


def test_configurable_none_goes_back_to_the_default() -> None:
    Base.configure(Second)
    Base.configure(None, a=1)
    made = Base()
    assert type(made) is First
    assert made.kwargs == {"a": 1}


def test_configurable_inner_base_has_a_configuration_of_its_own() -> None:
    assert type(Inner()) is InnerFirst
    Inner.configure(InnerSecond, q=1)
    assert type(Inner()) is InnerSecond
    assert type(Base()) is First
    assert InnerFirst().kwargs == {}


def test_configurable_base_may_be_configured_with_an_inner_base() -> None:
    Inner.configure(InnerSecond, q=1)
    Base.configure(Inner, a=2)
    made = Base(7, c=3)
    assert type(made) is InnerSecond
    assert (made.pos, made.kwargs) == (7, {"q": 1, "a": 2, "c": 3})


def test_configurable_refuses_what_is_no_subclass() -> None:
    with pytest.raises(ValueError, match=r"Invalid subclass of <class '.*Base'>"):
        Base.configure(int)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="must be a class"):
        Base.configure("os.path")
    with pytest.raises(ImportError):
        Base.configure("os.no_such_name")
    assert type(Base()) is First


def test_configurable_configuration_can_be_saved_and_restored() -> None:
    Base.configure(Second, a=1)
    saved = Base._save_configuration()
    Base.configure(None)
    assert type(Base()) is First
    Base._restore_configuration(saved)
    assert type(Base()) is Second
    assert Base().kwargs == {"a": 1}


def test_configurable_must_be_subclassed() -> None:
    with pytest.raises(NotImplementedError, match="configurable_base"):
        Configurable()
    with pytest.raises(NotImplementedError, match="configurable_default"):
        Configurable.configurable_default()


def test_configurable_initialize_may_be_left_out() -> None:
    class Plain(Configurable):
        @classmethod
        def configurable_base(cls) -> type[Configurable]:
            return Plain

        @classmethod
        def configurable_default(cls) -> type[Configurable]:
            return Plain

    assert type(Plain()) is Plain
