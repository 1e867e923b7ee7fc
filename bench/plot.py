"""Draw the time to the message and the processor time per command of each application, as bars with ranges, in SVG."""

from html import escape
from statistics import median

from bench.applications import Application
from bench.results import Results

_PANELS = (
    ("message_p50_at_25", "25 commands a second: to the message, ms"),
    ("cpu_at_25", "processor time per command, ms"),
)
_WIDTH, _LABELS, _BARS, _GAP = 1080, 390, 260, 40
_ROW, _TOP, _BAR = 26, 40, 16
_OURS, _PEERS, _INK = "#2f6fde", "#8a94a6", "#222222"


def plot(results: Results) -> str:
    """Return the SVG."""
    height = _TOP + _ROW * len(results.applications) + 12
    parts = [_label(0, row, application.full_title) for row, application in enumerate(results.applications)]
    for column, (name, title) in enumerate(_PANELS):
        left = _LABELS + column * (_BARS + _GAP + 40)
        parts.append(f'<text x="{left}" y="24" font-weight="bold">{escape(title)}</text>')
        parts += _bars(results, name, left)
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'font-family="sans-serif" font-size="13" fill="{_INK}">\n<title>Time to the message and processor time'
        f'</title>\n<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>\n{body}\n</svg>\n'
    )


def _bars(results: Results, name: str, left: int) -> list[str]:
    values = [results.values(application, name) for application in results.applications]
    scale = (_BARS - 50) / max((max(some) for some in values if some), default=1.0)
    parts = []
    for row, (application, some) in enumerate(zip(results.applications, values, strict=True)):
        if some:
            parts.append(_bar(application, some, left, row, scale))
    return parts


def _bar(application: Application, values: list[float], left: int, row: int, scale: float) -> str:
    y, middle = _TOP + row * _ROW, median(values)
    color = _PEERS if application.revision is None else _OURS
    low, high, center = left + min(values) * scale, left + max(values) * scale, y + _BAR / 2
    return (
        f'<rect x="{left}" y="{y}" width="{middle * scale:.1f}" height="{_BAR}" fill="{color}"/>'
        f'<path d="M{low:.1f} {center}H{high:.1f}" stroke="{_INK}" stroke-width="2"/>'
        f'<text x="{high + 6:.1f}" y="{y + 13}">{middle:,.1f}</text>'
    )


def _label(left: int, row: int, text: str) -> str:
    return f'<text x="{left + 8}" y="{_TOP + row * _ROW + 13}">{escape(text)}</text>'
