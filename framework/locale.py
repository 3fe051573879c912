"""Localization: translated text, and dates, numbers and lists as a language writes them.

Catalogues are CSV files (`load_translations`) or compiled gettext files (`load_gettext_translations`);
`get` finds the closest locale among those that have one.
"""

from __future__ import annotations

import codecs
import datetime
import io
import os
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from framework._locale_data import LOCALE_NAMES
from framework.log import gen_log

if TYPE_CHECKING:
    # Both are imported where catalogues are read: most programs have none.
    import gettext

__all__ = [
    "CONTEXT_SEPARATOR",
    "LOCALE_NAMES",
    "CSVLocale",
    "GettextLocale",
    "Locale",
    "get",
    "get_supported_locales",
    "load_gettext_translations",
    "load_translations",
    "set_default_locale",
]

CONTEXT_SEPARATOR = "\x04"
"""What stands between context and message in a compiled gettext catalogue."""

# The translations of one CSV file: plural, singular or unknown, then by message.
_Catalogue = dict[str, dict[str, str]]

_UTC = datetime.UTC
_is_locale_code = re.compile(r"[a-z]+(_[A-Z]+)?").fullmatch
_RIGHT_TO_LEFT = frozenset(("ar", "fa", "he", "ur"))
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_COUNT_NEEDED = "count is needed to choose between a message and its plural_message"

_default_locale = "en_US"
_translations: dict[str, _Catalogue] | dict[str, gettext.NullTranslations] = {}
_supported_locales = frozenset([_default_locale])


def get(*locale_codes: str) -> Locale:
    """The closest match for the codes given, in the order of preference.

    A code matches exactly (``es_GT``) or by its language alone (``es``); if none does, this is the
    default locale. ``-`` counts as ``_`` and case does not matter.
    """
    return Locale.get_closest(*locale_codes)


def set_default_locale(code: str) -> None:
    """Sets the locale of the untranslated text in the program, which needs no catalogue."""
    global _default_locale
    _default_locale = code
    _renew_supported()


def get_supported_locales() -> Iterable[str]:
    """The codes of the default locale and of all that have a catalogue."""
    return _supported_locales


def load_translations(directory: str, encoding: str | None = None) -> None:
    """Loads the CSV catalogues in ``directory``, named like ``es_LA.csv``, in place of those loaded before.

    A line has two or three columns: the message, its translation, and ``singular`` or ``plural`` where it
    has two forms. Without an ``encoding`` files are read as UTF-8 or, if they begin with its byte order
    mark, UTF-16. A file whose name is no locale code and a line that can't be used are named in a log
    warning and skipped. Raises ``OSError`` if the directory can't be read.
    """
    found: dict[str, _Catalogue] = {}
    for file_name in sorted(os.listdir(directory)):
        code, extension = os.path.splitext(file_name)
        if extension != ".csv":
            continue
        path = os.path.join(directory, file_name)
        if not _is_locale_code(code):
            gen_log.warning("Unrecognized locale %r (path: %s)", code, path)
            continue
        found[code] = _read_csv(path, file_name, encoding)
    _install(found)


def load_gettext_translations(directory: str, domain: str) -> None:
    """Loads the catalogues ``{directory}/{locale}/LC_MESSAGES/{domain}.mo`` in place of those loaded before.

    A broken file is named in a log warning and skipped, and so is a directory that does not exist: a program
    may run before its catalogues are compiled. Raises ``OSError`` if the directory can't be read.
    """
    import gettext

    found: dict[str, gettext.NullTranslations] = {}
    codes: list[str] = []
    try:
        codes = sorted(os.listdir(directory))
    except FileNotFoundError:
        gen_log.warning("Cannot load translations: there is no directory %s", directory)
    for code in codes:
        if code.startswith("."):
            continue
        # A catalogue of the language alone, where there is one, fills what the region's lacks.
        for folder in dict.fromkeys((code, code.partition("_")[0])):
            path = os.path.join(directory, folder, "LC_MESSAGES", f"{domain}.mo")
            if not os.path.isfile(path):
                continue
            try:
                with open(path, "rb") as file:
                    catalogue = gettext.GNUTranslations(file)
            # Broken files make gettext raise nearly anything: struct.error, ValueError, KeyError, OSError.
            except Exception as error:
                gen_log.warning("Cannot load translation for %r: %s (path: %s)", code, error, path)
                continue
            if code in found:
                found[code].add_fallback(catalogue)
            else:
                found[code] = catalogue
    _install(found)


def _now() -> datetime.datetime:
    return datetime.datetime.now(_UTC)


def _install(translations: dict[str, _Catalogue] | dict[str, gettext.NullTranslations]) -> None:
    global _translations
    _translations = translations
    _renew_supported()
    gen_log.debug("Supported locales: %s", sorted(_supported_locales))


def _renew_supported() -> None:
    global _supported_locales
    _supported_locales = frozenset([*_translations, _default_locale])
    Locale._cache.clear()


def _read_csv(path: str, file_name: str, encoding: str | None) -> _Catalogue:
    with open(path, "rb") as file:
        data = file.read()
    if encoding is None:
        utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        encoding = "utf-16" if utf16 else "utf-8-sig"
    catalogue: _Catalogue = {}
    try:
        # Bytes that are no text become surrogates, to be met again in their lines.
        text = data.decode(encoding, "surrogateescape")
    except UnicodeError as error:
        gen_log.warning("Cannot read %s as %s: %s", file_name, encoding, error)
        return catalogue
    for line, row in _csv_rows(text, file_name):
        columns = [column.strip() for column in row]
        if any("\udc80" <= char <= "\udcff" for column in columns for char in column):
            gen_log.warning("Text is not %s in %s line %d", encoding, file_name, line)
        elif len(columns) < 2:
            gen_log.warning("Missing translation of %r in %s line %d", columns[0], file_name, line)
        else:
            plural = (columns[2] if len(columns) > 2 else "") or "unknown"
            if plural in ("plural", "singular", "unknown"):
                catalogue.setdefault(plural, {})[columns[0]] = columns[1]
            else:
                gen_log.warning("Unrecognized plural indicator %r in %s line %d", plural, file_name, line)
    return catalogue


def _csv_rows(text: str, file_name: str) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not empty, with the numbers of the lines on which they begin."""
    import csv

    lines = list(io.StringIO(text, newline=""))
    begin = 0
    while begin < len(lines):
        # Strict, so that a forgotten quote does not swallow the lines below: only its own is lost.
        reader = csv.reader((lines[number] for number in range(begin, len(lines))), strict=True)
        row_begin = begin
        try:
            for row in reader:
                if row:
                    yield row_begin + 1, row
                row_begin = begin + reader.line_num
            return
        except csv.Error as error:
            gen_log.warning("Malformed CSV in %s line %d: %s", file_name, row_begin + 1, error)
            begin = row_begin + 1


class Locale:
    """A language and region: text, dates, numbers and lists as they are written there.

    Made by `get`. ``code`` is like ``es_LA``, ``name`` what its speakers call it, and ``rtl`` whether it is
    written from right to left. A subclass has `translate` and `pgettext`.
    """

    _cache: ClassVar[dict[str, Locale]] = {}

    @classmethod
    def get_closest(cls, *locale_codes: str) -> Locale:
        """The closest match for the codes given; see `framework.locale.get`."""
        for code in locale_codes:
            if not code:
                continue
            parts = code.replace("-", "_").split("_")
            language = parts[0].lower()
            if len(parts) > 2:
                continue
            exact = f"{language}_{parts[1].upper()}" if len(parts) == 2 else code
            if exact in _supported_locales:
                return cls.get(exact)
            if language in _supported_locales:
                return cls.get(language)
        return cls.get(_default_locale)

    @classmethod
    def get(cls, code: str) -> Locale:
        """The locale with exactly this code. Raises ``ValueError`` if it is not among the supported ones."""
        known = Locale._cache.get(code)
        if known is not None:
            return known
        if code not in _supported_locales:
            raise ValueError(f"Unsupported locale {code!r}: it is none of {sorted(_supported_locales)}")
        translations = _translations.get(code)
        locale: Locale
        if translations is None or isinstance(translations, dict):
            locale = CSVLocale(code, translations or {})
        else:
            locale = GettextLocale(code, translations)
        Locale._cache[code] = locale
        return locale

    def __init__(self, code: str) -> None:
        self.code = code
        self.name = LOCALE_NAMES.get(code, {}).get("name", "Unknown")
        self.rtl = code.partition("_")[0] in _RIGHT_TO_LEFT
        self._months = [self.translate(month) for month in _MONTHS]
        self._weekdays = [self.translate(day) for day in _WEEKDAYS]

    def translate(self, message: str, plural_message: str | None = None, count: int | None = None) -> str:
        """The translation of ``message``, or it itself if there is none.

        With ``plural_message``, ``count`` is needed and decides which of the two is translated.
        """
        raise NotImplementedError(f"{type(self).__name__} has no translate()")

    def pgettext(
        self, context: str, message: str, plural_message: str | None = None, count: int | None = None
    ) -> str:
        """`translate` for a message that has other translations in other contexts."""
        raise NotImplementedError(f"{type(self).__name__} has no pgettext()")

    def format_date(
        self,
        date: int | float | datetime.datetime,
        gmt_offset: int = 0,
        relative: bool = True,
        shorter: bool = False,
        full_format: bool = False,
    ) -> str:
        """A date and time as people write it: ``2 minutes ago``, ``yesterday at 9:30 am``.

        ``date`` is in seconds since 1970, or a datetime, which is in UTC if it is naive. ``gmt_offset`` is
        the reader's, in minutes west of UTC. ``relative=False`` gives no times ago, ``shorter`` leaves out
        the time of day, ``full_format`` always gives date and year.
        """
        if isinstance(date, (int, float)):
            date = datetime.datetime.fromtimestamp(date, _UTC)
        elif not isinstance(date, datetime.datetime):
            raise TypeError(f"date should be a number or a datetime, not {type(date)}")
        elif date.tzinfo is None:
            date = date.replace(tzinfo=_UTC)
        now = _now()
        if date > now:
            if relative and (date - now).total_seconds() < 60:
                # Clocks differ a little: what is not long ahead is now.
                date = now
            else:
                full_format = True
        offset = datetime.timedelta(minutes=gmt_offset)
        local_date = date - offset
        local_yesterday = now - offset - datetime.timedelta(hours=24)
        ago = now - date
        format = None
        if not full_format:
            if relative and ago.days == 0:
                return self._time_ago(ago.seconds)
            if ago.days == 0:
                format = self.translate("%(time)s")
            elif ago.days == 1 and local_date.day == local_yesterday.day and relative:
                format = self.translate("yesterday" if shorter else "yesterday at %(time)s")
            elif ago.days < 5:
                format = self.translate("%(weekday)s" if shorter else "%(weekday)s at %(time)s")
            # Eleven months, so that the year is told before the same month comes again.
            elif ago.days < 334:
                format = self.translate(
                    "%(month_name)s %(day)s" if shorter else "%(month_name)s %(day)s at %(time)s"
                )
        if format is None:
            format = self.translate(
                "%(month_name)s %(day)s, %(year)s"
                if shorter
                else "%(month_name)s %(day)s, %(year)s at %(time)s"
            )
        return format % {
            "month_name": self._months[local_date.month - 1],
            "weekday": self._weekdays[local_date.weekday()],
            "day": str(local_date.day),
            "year": str(local_date.year),
            "time": self._time_of_day(local_date),
        }

    def _time_ago(self, seconds: int) -> str:
        if seconds < 50:
            message = self.translate("1 second ago", "%(seconds)d seconds ago", seconds)
            return message % {"seconds": seconds}
        if seconds < 50 * 60:
            minutes = round(seconds / 60)
            return self.translate("1 minute ago", "%(minutes)d minutes ago", minutes) % {"minutes": minutes}
        hours = round(seconds / 3600)
        return self.translate("1 hour ago", "%(hours)d hours ago", hours) % {"hours": hours}

    def _time_of_day(self, moment: datetime.datetime) -> str:
        hour = moment.hour % 12 or 12
        if self.code in ("en", "en_US"):
            return f"{hour}:{moment.minute:02} {'am' if moment.hour < 12 else 'pm'}"
        if self.code == "zh_CN":
            return f"{'上午' if moment.hour < 12 else '下午'}{hour}:{moment.minute:02}"
        return f"{moment.hour}:{moment.minute:02}"

    def format_day(self, date: datetime.datetime, gmt_offset: int = 0, dow: bool = True) -> str:
        """A date as a day: ``Monday, January 22``; without the weekday if ``dow`` is false.

        ``gmt_offset`` is the reader's, in minutes west of UTC.
        """
        local_date = date - datetime.timedelta(minutes=gmt_offset)
        format = self.translate("%(weekday)s, %(month_name)s %(day)s" if dow else "%(month_name)s %(day)s")
        return format % {
            "month_name": self._months[local_date.month - 1],
            "weekday": self._weekdays[local_date.weekday()],
            "day": str(local_date.day),
        }

    def list(self, parts: Any) -> str:
        """A list of strings in words: ``A, B and C``."""
        if len(parts) == 0:
            return ""
        if len(parts) == 1:
            return parts[0]  # type: ignore[no-any-return]
        comma = " و " if self.code.startswith("fa") else ", "
        return self.translate("%(commas)s and %(last)s") % {
            "commas": comma.join(parts[:-1]),
            "last": parts[-1],
        }

    def friendly_number(self, value: int) -> str:
        """A number with commas between thousands where English is spoken, else its digits."""
        return f"{value:,}" if self.code in ("en", "en_US") else str(value)


class CSVLocale(Locale):
    """A locale whose translations come from a CSV file, or that has none."""

    def __init__(self, code: str, translations: dict[str, dict[str, str]]) -> None:
        self.translations = translations
        super().__init__(code)

    def translate(self, message: str, plural_message: str | None = None, count: int | None = None) -> str:
        """The translation of ``message``, or of ``plural_message`` unless ``count`` is one."""
        if plural_message is None:
            form = "unknown"
        elif count is None:
            raise ValueError(_COUNT_NEEDED)
        elif count == 1:
            form = "singular"
        else:
            message, form = plural_message, "plural"
        return self.translations.get(form, {}).get(message, message)

    def pgettext(
        self, context: str, message: str, plural_message: str | None = None, count: int | None = None
    ) -> str:
        """`translate`: a CSV file knows no contexts, which a log warning says."""
        if self.translations:
            gen_log.warning("pgettext is not supported by CSVLocale")
        return self.translate(message, plural_message, count)


class GettextLocale(Locale):
    """A locale whose translations come from a compiled gettext catalogue."""

    def __init__(self, code: str, translations: gettext.NullTranslations) -> None:
        self.ngettext = translations.ngettext
        self.gettext = translations.gettext
        super().__init__(code)

    def translate(self, message: str, plural_message: str | None = None, count: int | None = None) -> str:
        """The translation of ``message``, in the plural form that the catalogue has for ``count``."""
        if plural_message is None:
            return self.gettext(message)
        if count is None:
            raise ValueError(_COUNT_NEEDED)
        return self.ngettext(message, plural_message, count)

    def pgettext(
        self, context: str, message: str, plural_message: str | None = None, count: int | None = None
    ) -> str:
        """The translation of ``message`` in this ``context``; without one, ``message`` as it is.

        Catalogues are made with ``xgettext --keyword=pgettext:1c,2 --keyword=pgettext:1c,2,3``.
        """
        in_context = f"{context}{CONTEXT_SEPARATOR}{message}"
        if plural_message is None:
            translated = self.gettext(in_context)
            return message if CONTEXT_SEPARATOR in translated else translated
        plural_in_context = f"{context}{CONTEXT_SEPARATOR}{plural_message}"
        translated = self.translate(in_context, plural_in_context, count)
        if CONTEXT_SEPARATOR in translated:
            return self.translate(message, plural_message, count)
        return translated
