"""A chart of horizontal bars, as SVG written by hand."""

from __future__ import annotations

from html import escape

__all__ = ["bars"]

_WIDTH, _ROW, _LEFT, _RIGHT, _TOP = 800, 34, 190, 110, 64
_STYLE = """\
text { font: 14px system-ui, sans-serif; fill: #222 }
.title { font-size: 17px; font-weight: 600 }
.note { font-size: 12px; fill: #666 }
.bar { fill: #9db4c8 }
.first { fill: #2a6fb0 }
.spread { stroke: #222; stroke-width: 1.5 }
@media (prefers-color-scheme: dark) {
  text { fill: #ddd } .note { fill: #999 } .spread { stroke: #ddd } .bar { fill: #4d6172 }
  .first { fill: #4a94d8 }
}"""


def bars(title: str, note: str, rows: list[tuple[str, float, float, float]]) -> str:
    """Draw one bar per row.

    Args:
        title: above it.
        note: below the title.
        rows: name, value, least and greatest; the first is marked.
    """
    height = _TOP + _ROW * len(rows) + 12
    scale = (_WIDTH - _LEFT - _RIGHT) / (max(greatest for *_, greatest in rows) or 1)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">',
        f"<style>{_STYLE}</style>",
        f'<text class="title" x="12" y="26">{escape(title)}</text>',
        f'<text class="note" x="12" y="46">{escape(note)}</text>',
    ]
    for number, (name, value, least, greatest) in enumerate(rows):
        top = _TOP + _ROW * number
        middle = top + _ROW / 2 - 4
        style = "first" if number == 0 else "bar"
        shown = f"{value:,.{_digits(value)}f}"
        parts += [
            f'<text x="{_LEFT - 10}" y="{middle + 5}" text-anchor="end">{escape(name)}</text>',
            f'<rect class="{style}" x="{_LEFT}" y="{top}" width="{value * scale:.1f}" height="{_ROW - 8}"/>',
            f'<line class="spread" x1="{_LEFT + least * scale:.1f}" x2="{_LEFT + greatest * scale:.1f}"'
            f' y1="{middle}" y2="{middle}"/>',
            f'<text x="{_LEFT + greatest * scale + 8:.1f}" y="{middle + 5}">{shown}</text>',
        ]
    return "\n".join([*parts, "</svg>", ""])


def _digits(value: float) -> int:
    return 0 if value >= 100 else 1 if value >= 10 else 2
