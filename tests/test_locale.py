"""Catalogues, the closest locale, and dates, lists and numbers in words."""

from __future__ import annotations

import datetime
import gettext
import logging
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from framework import locale
from framework.locale import CSVLocale, GettextLocale, Locale
from tests.cost import growth

UTC = datetime.UTC
# A Friday.
NOW = datetime.datetime(2024, 3, 15, 12, 30, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _forget_catalogues(tmp_path: Path) -> Iterator[None]:
    yield
    empty = tmp_path / "no catalogues"
    empty.mkdir()
    locale.load_translations(str(empty))
    locale.set_default_locale("en_US")


@pytest.fixture
def warnings_logged(caplog: pytest.LogCaptureFixture) -> Any:
    def messages() -> list[str]:
        return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]

    return messages


def load(directory: Path, encoding: str | None = None, **catalogues: str | bytes) -> None:
    for code, content in catalogues.items():
        data = content if isinstance(content, bytes) else content.encode()
        (directory / f"{code}.csv").write_bytes(data)
    locale.load_translations(str(directory), encoding)


# CSV catalogues


def test_without_catalogues_there_is_the_default_locale_only() -> None:
    assert set(locale.get_supported_locales()) == {"en_US"}
    found = locale.get("fr", "de_DE")
    assert (found.code, found.name, found.rtl) == ("en_US", "English (US)", False)
    assert found.translate("text") == "text"


def test_default_locale_can_be_another() -> None:
    locale.set_default_locale("fr_FR")
    assert set(locale.get_supported_locales()) == {"fr_FR"}
    assert locale.get("xx").code == "fr_FR"


def test_csv_catalogue_translates_with_plural_and_singular(tmp_path: Path) -> None:
    load(
        tmp_path,
        es_LA='"I love you","Te amo"\n'
        '"%(name)s liked this","A %(name)s les gustó esto","plural"\n'
        '"%(name)s liked this","A %(name)s le gustó esto","singular"\n',
    )
    es = locale.get("es_LA")
    liked = "%(name)s liked this"
    assert isinstance(es, CSVLocale)
    assert es.name == "Español"
    assert es.translate("I love you") == "Te amo"
    assert es.translate(liked, liked, 1) == "A %(name)s le gustó esto"
    assert es.translate(liked, liked, 2) == es.translate(liked, liked, 0) == "A %(name)s les gustó esto"
    assert es.translate(liked, "other", 2) == "other"
    assert es.translate("I love you", "x", 1) == "I love you"
    assert es.translate("nope", "nopes", 1) == "nope"
    assert es.translate("nope", "nopes", 2) == "nopes"
    assert es.translate("nope", None, 2) == "nope"


@pytest.mark.parametrize("translations", [{}, {"unknown": {"a": "b"}}])
def test_plural_without_count_is_refused(translations: dict[str, dict[str, str]]) -> None:
    with pytest.raises(ValueError, match="count is needed"):
        CSVLocale("fr", translations).translate("nope", "nopes")


def test_csv_catalogue_has_the_liberties_of_csv(tmp_path: Path, warnings_logged: Any) -> None:
    load(
        tmp_path,
        fr='a,b\r\n\r\n"multi\nline","m\n2"\n "sp" , "sq" \nk,\n"","e"\nq,"1 ""2"""\nl,\u20282\nx,y,,more\n',
    )
    fr = locale.get("fr")
    assert warnings_logged() == []
    translated = [fr.translate(text) for text in ("a", "multi\nline", '"sp"', "k", "", "q", "l", "x")]
    assert translated == ["b", "m\n2", '"sq"', "", "e", '1 "2"', "2", "y"]


@pytest.mark.parametrize(
    ("broken", "warning"),
    [
        ('"y","z","w"', "Unrecognized plural indicator 'w' in fr.csv line 2"),
        ("alone", "Missing translation of 'alone' in fr.csv line 2"),
        ('"open,quote', "Malformed CSV in fr.csv line 2: "),
        ('"open","quote', "Malformed CSV in fr.csv line 2: "),
        ('"x"y,z', "Malformed CSV in fr.csv line 2: "),
        ("q,caf\xe9", "Text is not utf-8-sig in fr.csv line 2"),
        ("q," + "long" * 40000, "Malformed CSV in fr.csv line 2: "),
    ],
)
def test_broken_line_is_named_and_skipped(
    tmp_path: Path, warnings_logged: Any, broken: str, warning: str
) -> None:
    load(tmp_path, fr=f'a,b\n{broken}\nc,d\n"e","f"\n'.encode("latin-1"))
    fr = locale.get("fr")
    assert [fr.translate(text) for text in "ace"] == ["b", "d", "f"]
    messages = warnings_logged()
    assert len(messages) == 1
    assert messages[0].startswith(warning)


def test_broken_last_line_is_named_and_skipped(tmp_path: Path, warnings_logged: Any) -> None:
    load(tmp_path, fr='a,b\n"open,quote')
    assert locale.get("fr").translate("a") == "b"
    assert warnings_logged()[0].startswith("Malformed CSV in fr.csv line 2: ")


def test_line_of_a_row_is_the_one_on_which_it_begins(tmp_path: Path, warnings_logged: Any) -> None:
    load(tmp_path, fr='a,"b\n\n"\n\n"x\ny",z,w\n')
    assert warnings_logged() == ["Unrecognized plural indicator 'w' in fr.csv line 5"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encoding_of_a_catalogue_is_found_out(tmp_path: Path, encoding: str) -> None:
    load(tmp_path, fr="school,école\n".encode(encoding))
    assert locale.get("fr").translate("school") == "école"


def test_encoding_of_catalogues_can_be_given(tmp_path: Path) -> None:
    load(tmp_path, "latin-1", fr="school,école\n".encode("latin-1"))
    assert locale.get("fr").translate("school") == "école"


def test_file_that_can_not_be_decoded_is_named_and_its_locale_has_no_translations(
    tmp_path: Path, warnings_logged: Any
) -> None:
    load(tmp_path, fr=b"\xff\xfea\x00,\x00\x00\xd8", de="a,b\n")
    assert "Cannot read fr.csv as utf-16" in warnings_logged()[0]
    assert locale.get("fr").translate("a") == "a"
    assert locale.get("de").translate("a") == "b"


def test_only_files_named_like_a_locale_are_loaded(tmp_path: Path, warnings_logged: Any) -> None:
    for name in (
        "it_IT_x.csv",
        "zh-CN.csv",
        "EN.csv",
        "en_us.csv",
        "sr_RS.latin.csv",
        ".csv",
        "readme.txt",
        "ja.csv.bak",
    ):
        (tmp_path / name).write_text("a,b\n")
    load(tmp_path, fr="a,b\n")
    assert set(locale.get_supported_locales()) == {"en_US", "fr"}
    named = {message.partition(" (")[0].removeprefix("Unrecognized locale ") for message in warnings_logged()}
    assert named == {"'it_IT_x'", "'zh-CN'", "'EN'", "'en_us'", "'sr_RS.latin'"}


def test_csv_directory_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        locale.load_translations(str(tmp_path / "nowhere"))


def test_gettext_directory_that_is_not_there_is_named_and_holds_nothing(
    tmp_path: Path, warnings_logged: Any
) -> None:
    load(tmp_path, fr="a,b\n")
    locale.load_gettext_translations(str(tmp_path / "nowhere"), "app")
    assert warnings_logged() == [f"Cannot load translations: there is no directory {tmp_path / 'nowhere'}"]
    assert set(locale.get_supported_locales()) == {"en_US"}


def test_loading_again_replaces_what_was_loaded(tmp_path: Path) -> None:
    load(tmp_path, fr="a,b\n", de="a,c\n")
    assert locale.get("fr").translate("a") == "b"
    (tmp_path / "de.csv").unlink()
    load(tmp_path, fr="a,x\n")
    assert locale.get("fr").translate("a") == "x"
    assert locale.get("de").code == "en_US"


def test_pgettext_of_a_csv_catalogue_translates_without_context_and_says_so(
    tmp_path: Path, warnings_logged: Any
) -> None:
    load(tmp_path, fr="right,droit\n")
    assert locale.get("fr").pgettext("law", "right") == "droit"
    assert warnings_logged() == ["pgettext is not supported by CSVLocale"]
    assert locale.get("en_US").pgettext("law", "right", "rights", 2) == "rights"
    assert len(warnings_logged()) == 1


def test_reading_a_catalogue_takes_time_in_proportion_to_it(tmp_path: Path) -> None:
    def catalogue(size: int) -> Path:
        directory = tmp_path / str(size)
        directory.mkdir()
        (directory / "fr.csv").write_text("".join(f'"message {n}","translation {n}"\n' for n in range(size)))
        return directory

    assert growth(lambda directory: locale.load_translations(str(directory)), catalogue, 1000) <= 13


# The closest locale


@pytest.mark.parametrize(
    ("codes", "closest"),
    [
        (["fr"], "fr"),
        (["FR"], "fr"),
        (["fr_CA"], "fr"),
        (["fr-ca"], "fr"),
        (["fr_"], "fr"),
        (["es_LA"], "es_LA"),
        (["es-la"], "es_LA"),
        (["ES_la"], "es_LA"),
        (["es"], "en_US"),
        (["es_MX"], "en_US"),
        (["xx", "fr"], "fr"),
        (["es-LA", "fr"], "es_LA"),
        (["zh_Hans_CN"], "en_US"),
        (["", "fr"], "fr"),
        (["-"], "en_US"),
        ([], "en_US"),
    ],
)
def test_closest_locale_is_found_in_the_order_of_preference(
    tmp_path: Path, codes: list[str], closest: str
) -> None:
    load(tmp_path, fr="a,b\n", es_LA="a,b\n")
    assert locale.get(*codes).code == closest
    assert Locale.get_closest(*codes) is locale.get(*codes)


def test_exact_locale_is_the_same_object_each_time_or_refused(tmp_path: Path) -> None:
    load(tmp_path, fr="a,b\n")
    assert Locale.get("fr") is Locale.get("fr")
    with pytest.raises(ValueError, match=r"Unsupported locale 'zz': it is none of \['en_US', 'fr'\]"):
        Locale.get("zz")


@pytest.mark.parametrize(
    ("code", "name", "rtl"),
    [
        ("en_US", "English (US)", False),
        ("fa_IR", "فارسی", True),
        ("ar_AR", "العربية", True),
        ("he_IL", "עברית", True),
        ("he", "Unknown", True),
        ("zh_CN", "中文(简体)", False),
        ("pt_BR", "Português (Brasil)", False),
        ("fr", "Unknown", False),
    ],
)
def test_locale_knows_its_name_and_direction(code: str, name: str, rtl: bool) -> None:
    found = CSVLocale(code, {})
    assert (found.code, found.name, found.rtl) == (code, name, rtl)


def test_every_named_locale_has_a_well_formed_code_and_both_names() -> None:
    for code, names in locale.LOCALE_NAMES.items():
        language, _, region = code.partition("_")
        assert language.islower()
        assert region.isupper()
        assert set(names) == {"name", "name_en"}
        assert all(names.values())


def test_locale_without_translations_of_its_own_says_what_is_missing() -> None:
    with pytest.raises(NotImplementedError, match=r"translate\(\)"):
        Locale("fr")
    with pytest.raises(NotImplementedError, match=r"pgettext\(\)"):
        Locale.pgettext(CSVLocale("fr", {}), "context", "message")


# Gettext catalogues


def test_reading_a_gettext_catalogue_takes_time_in_proportion_to_it(tmp_path: Path) -> None:
    def directory(size: int) -> Path:
        install(tmp_path / str(size), "fr", compiled({f"message {n}": f"text {n}" for n in range(size)}))
        return tmp_path / str(size)

    assert growth(lambda path: locale.load_gettext_translations(str(path), "app"), directory, 200) <= 13


def compiled(messages: dict[str, str]) -> bytes:
    """A compiled gettext catalogue with French plural forms."""
    header = "Content-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals=2; plural=(n > 1);\n"
    entries = sorted((key.encode(), value.encode()) for key, value in {"": header, **messages}.items())
    ids = texts = b""
    id_table: list[int] = []
    text_table: list[int] = []
    begin = 28 + 16 * len(entries)
    for key, _ in entries:
        id_table += [len(key), begin + len(ids)]
        ids += key + b"\0"
    for _, text in entries:
        text_table += [len(text), begin + len(ids) + len(texts)]
        texts += text + b"\0"
    start = struct.pack("<7I", 0x950412DE, 0, len(entries), 28, 28 + 8 * len(entries), 0, 0)
    return start + struct.pack(f"<{4 * len(entries)}I", *id_table, *text_table) + ids + texts


def install(directory: Path, code: str, catalogue: bytes, domain: str = "app") -> None:
    folder = directory / code / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / f"{domain}.mo").write_bytes(catalogue)


FRENCH = {
    "school": "école",
    "one\0many": "un\0beaucoup",
    "right": "RIGHT",
    "law\4right": "droit",
    "good\4right": "bien",
    "club\0clubs": "massue\0massues",
    "organization\4club\0clubs": "club\0les clubs",
}


def test_gettext_catalogue_translates_with_its_plural_forms(tmp_path: Path) -> None:
    install(tmp_path, "fr_FR", compiled(FRENCH))
    locale.load_gettext_translations(str(tmp_path), "app")
    fr = locale.get("fr_FR")
    assert isinstance(fr, GettextLocale)
    assert fr.name == "Français"
    assert fr.translate("school") == "école"
    assert fr.translate("nope") == "nope"
    assert [fr.translate("one", "many", count) for count in (0, 1, 2)] == ["un", "un", "beaucoup"]
    assert fr.translate("nope", "nopes", 2) == "nopes"
    with pytest.raises(ValueError, match="count is needed"):
        fr.translate("one", "many")


def test_gettext_catalogue_tells_contexts_apart(tmp_path: Path) -> None:
    install(tmp_path, "fr_FR", compiled(FRENCH))
    locale.load_gettext_translations(str(tmp_path), "app")
    fr = locale.get("fr_FR")
    assert fr.pgettext("law", "right") == "droit"
    assert fr.pgettext("good", "right") == "bien"
    assert fr.pgettext("elsewhere", "right") == "right"
    assert fr.pgettext("organization", "club", "clubs", 1) == "club"
    assert fr.pgettext("organization", "club", "clubs", 2) == "les clubs"
    assert fr.pgettext("elsewhere", "club", "clubs", 2) == "massues"
    with pytest.raises(ValueError, match="count is needed"):
        fr.pgettext("organization", "club", "clubs")


def test_only_folders_with_the_domain_count(tmp_path: Path, warnings_logged: Any) -> None:
    install(tmp_path, "fr_FR", compiled({}))
    install(tmp_path, "de", compiled({}), domain="other")
    install(tmp_path, ".git", compiled({}))
    (tmp_path / "es" / "LC_MESSAGES").mkdir(parents=True)
    (tmp_path / "README").touch()
    locale.load_gettext_translations(str(tmp_path), "app")
    assert set(locale.get_supported_locales()) == {"en_US", "fr_FR"}
    assert isinstance(locale.get("en_US"), CSVLocale)
    assert warnings_logged() == []


def test_catalogue_of_the_language_fills_what_that_of_the_region_lacks(tmp_path: Path) -> None:
    install(tmp_path, "fr", compiled({"only": "seul", "school": "bahut"}))
    install(tmp_path, "fr_FR", compiled(FRENCH))
    locale.load_gettext_translations(str(tmp_path), "app")
    assert [locale.get("fr_FR").translate(text) for text in ("only", "school")] == ["seul", "école"]
    assert locale.get("fr_CA").translate("school") == "bahut"


@pytest.mark.parametrize("broken", [b"", b"junk", compiled(FRENCH)[:40], compiled(FRENCH)[:-20]])
def test_broken_gettext_file_is_named_and_skipped(
    tmp_path: Path, warnings_logged: Any, broken: bytes
) -> None:
    install(tmp_path, "it", broken)
    install(tmp_path, "fr", compiled(FRENCH))
    locale.load_gettext_translations(str(tmp_path), "app")
    assert set(locale.get_supported_locales()) == {"en_US", "fr"}
    (message,) = warnings_logged()
    assert message.startswith("Cannot load translation for 'it': ")
    assert str(tmp_path / "it" / "LC_MESSAGES" / "app.mo") in message


def test_csv_catalogues_can_follow_gettext_ones(tmp_path: Path) -> None:
    install(tmp_path, "fr", compiled(FRENCH))
    locale.load_gettext_translations(str(tmp_path), "app")
    assert isinstance(locale.get("fr"), GettextLocale)
    load(tmp_path, fr="school,bahut\n")
    assert locale.get("fr").translate("school") == "bahut"


def test_gettext_locale_takes_any_translations_object() -> None:
    assert GettextLocale("fr", gettext.NullTranslations()).translate("a", "b", 2) == "b"


# Dates


@pytest.fixture
def _fixed_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locale, "_now", lambda: NOW)


def ago(**delta: float) -> datetime.datetime:
    return NOW - datetime.timedelta(**delta)


@pytest.mark.usefixtures("_fixed_clock")
@pytest.mark.parametrize(
    ("date", "arguments", "expected"),
    [
        (ago(), {}, "0 seconds ago"),
        (ago(seconds=1), {}, "1 second ago"),
        (ago(seconds=49), {}, "49 seconds ago"),
        (ago(seconds=50), {}, "1 minute ago"),
        (ago(seconds=90), {}, "2 minutes ago"),
        (ago(seconds=150), {}, "2 minutes ago"),
        (ago(seconds=2999), {}, "50 minutes ago"),
        (ago(seconds=3000), {}, "1 hour ago"),
        (ago(hours=2), {}, "2 hours ago"),
        (ago(hours=2), {"shorter": True}, "2 hours ago"),
        (ago(hours=23.9), {}, "24 hours ago"),
        (ago(hours=2), {"relative": False}, "10:30 am"),
        (ago(hours=24), {}, "yesterday at 12:30 pm"),
        (ago(hours=24), {"shorter": True}, "yesterday"),
        (ago(hours=24), {"relative": False}, "Thursday at 12:30 pm"),
        (ago(hours=24), {"gmt_offset": 60}, "yesterday at 11:30 am"),
        (ago(hours=37), {}, "Wednesday at 11:30 pm"),
        (ago(days=4), {}, "Monday at 12:30 pm"),
        (ago(days=4), {"shorter": True}, "Monday"),
        (ago(days=5), {}, "March 10 at 12:30 pm"),
        (ago(days=5), {"shorter": True}, "March 10"),
        (ago(days=333), {}, "April 17 at 12:30 pm"),
        (ago(days=334), {}, "April 16, 2023 at 12:30 pm"),
        (ago(days=334), {"shorter": True}, "April 16, 2023"),
        (ago(hours=2), {"full_format": True}, "March 15, 2024 at 10:30 am"),
        (ago(hours=2), {"full_format": True, "shorter": True}, "March 15, 2024"),
        (ago(hours=2), {"full_format": True, "gmt_offset": -480}, "March 15, 2024 at 6:30 pm"),
        (ago(seconds=-59), {}, "0 seconds ago"),
        (ago(seconds=-59), {"relative": False}, "March 15, 2024 at 12:30 pm"),
        (ago(seconds=-60), {}, "March 15, 2024 at 12:31 pm"),
        (ago(days=-1, seconds=1), {}, "March 16, 2024 at 12:29 pm"),
        (ago(hours=2).replace(tzinfo=None), {}, "2 hours ago"),
        (ago(hours=2).timestamp(), {}, "2 hours ago"),
        (int(ago(hours=2).timestamp()), {}, "2 hours ago"),
        (ago(hours=2).astimezone(datetime.timezone(datetime.timedelta(hours=5))), {}, "2 hours ago"),
        (0, {}, "January 1, 1970 at 12:00 am"),
    ],
)
def test_date_is_told_as_people_do(date: Any, arguments: dict[str, Any], expected: str) -> None:
    assert locale.get("en_US").format_date(date, **arguments) == expected


def test_date_of_another_type_is_refused() -> None:
    with pytest.raises(TypeError, match="a number or a datetime"):
        locale.get("en_US").format_date("today")  # type: ignore[arg-type]  # the error is wanted


def test_date_is_measured_from_now() -> None:
    assert locale.get("en_US").format_date(datetime.datetime.now(UTC)) == "0 seconds ago"


@pytest.mark.parametrize(
    ("code", "times"),
    [
        ("en", ["12:05 am", "9:05 am", "12:05 pm", "11:05 pm"]),
        ("en_US", ["12:05 am", "9:05 am", "12:05 pm", "11:05 pm"]),
        ("en_GB", ["0:05", "9:05", "12:05", "23:05"]),
        ("fr", ["0:05", "9:05", "12:05", "23:05"]),
        ("zh_CN", ["上午12:05", "上午9:05", "下午12:05", "下午11:05"]),
    ],
)
def test_time_of_day_is_written_as_the_locale_does(code: str, times: list[str]) -> None:
    dates = [datetime.datetime(2013, 4, 28, hour, 5, tzinfo=UTC) for hour in (0, 9, 12, 23)]
    found = CSVLocale(code, {})
    assert [found.format_date(date).removeprefix("April 28, 2013 at ") for date in dates] == times


@pytest.mark.usefixtures("_fixed_clock")
def test_dates_are_translated() -> None:
    fr = CSVLocale(
        "fr",
        {
            "unknown": {
                "April": "avril",
                "Sunday": "dimanche",
                "yesterday at %(time)s": "hier à %(time)s",
                "%(month_name)s %(day)s, %(year)s at %(time)s": "%(day)s %(month_name)s %(year)s à %(time)s",
                "%(weekday)s, %(month_name)s %(day)s": "%(weekday)s %(day)s %(month_name)s",
                "%(commas)s and %(last)s": "%(commas)s et %(last)s",
            },
            "singular": {"1 hour ago": "il y a une heure"},
            "plural": {"%(minutes)d minutes ago": "il y a %(minutes)d minutes"},
        },
    )
    sunday = datetime.datetime(2013, 4, 28, 18, 35, tzinfo=UTC)
    assert fr.format_date(ago(hours=1)) == "il y a une heure"
    assert fr.format_date(ago(minutes=5)) == "il y a 5 minutes"
    assert fr.format_date(ago(hours=24)) == "hier à 12:30"
    assert fr.format_date(sunday) == "28 avril 2013 à 18:35"
    assert fr.format_day(sunday) == "dimanche 28 avril"
    assert fr.list(["a", "b", "c"]) == "a, b et c"


def test_day_is_told_with_or_without_its_weekday() -> None:
    day = datetime.datetime(2013, 4, 28, 18, 35, tzinfo=UTC)
    en = locale.get("en_US")
    assert en.format_day(day) == "Sunday, April 28"
    assert en.format_day(day, dow=False) == "April 28"
    assert en.format_day(day, gmt_offset=-480) == "Monday, April 29"
    assert en.format_day(day, 1200, False) == "April 27"


# Lists and numbers


@pytest.mark.parametrize(
    ("parts", "words"),
    [([], ""), (["A"], "A"), (["A", "B"], "A and B"), (("A", "B", "C"), "A, B and C")],
)
def test_list_is_told_in_words(parts: Any, words: str) -> None:
    assert locale.get("en_US").list(parts) == words


def test_list_in_persian_has_its_own_comma() -> None:
    assert CSVLocale("fa_IR", {}).list(["A", "B", "C"]) == "A و B and C"


@pytest.mark.parametrize(
    ("code", "number", "text"),
    [
        ("en_US", 0, "0"),
        ("en_US", 123, "123"),
        ("en_US", 1234567, "1,234,567"),
        ("en", -1234, "-1,234"),
        ("en_US", -123, "-123"),
        ("en_GB", 1234, "1234"),
        ("fr", 1234567, "1234567"),
    ],
)
def test_number_has_commas_in_english(code: str, number: int, text: str) -> None:
    assert CSVLocale(code, {}).friendly_number(number) == text
