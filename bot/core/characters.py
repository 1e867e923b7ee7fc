"""Characters that stand for others in a session id: typographic ones for ASCII, marks and invisible ones for nothing.

This is Unicode's compatibility form (NFKC, https://www.unicode.org/reports/tr15/) of single characters. No whole text
is normalized: CPython orders the marks of a character in quadratic time, and one character can become eighteen.
"""

import re
import unicodedata
from collections.abc import Iterator

_BLOCKS = (
    *((0x0000, 0x036F), (0x0580, 0x061F), (0x06DD, 0x06DD), (0x070F, 0x070F), (0x0890, 0x0891), (0x08E2, 0x08E2)),
    *((0x1400, 0x1400), (0x1800, 0x180F), (0x1AB0, 0x1AFF), (0x1D2C, 0x1DFF), (0x1E9A, 0x1E9B), (0x2000, 0x27FF)),
    *((0x2A74, 0x2A76), (0x2C7C, 0x2C7D), (0x2E17, 0x2E5D), (0x3000, 0x33FF)),
    *((0xA7F2, 0xA7F9), (0xFB00, 0xFB29), (0xFE00, 0xFFFF)),
    *((0x10780, 0x107BF), (0x10D6E, 0x10D6E), (0x10EAD, 0x10EAD), (0x110BD, 0x110CD), (0x13430, 0x1343F)),
    *((0x1BCA0, 0x1BCA3), (0x1CCD6, 0x1CCFA), (0x1D165, 0x1D182), (0x1D400, 0x1D7FF), (0x1F100, 0x1F190)),
    *((0x1FBF0, 0x1FBF9), (0xE0000, 0xE01FF)),
)
"""The blocks with characters that stand for ASCII ones or for nothing, but for the marks of single scripts."""

_NOTHING = {"Cc", "Cf", "Mn", "Mc", "Me"}  # categories: control, format, marks
_BETWEEN = "\ue000"  # for private use, so it is in no block
_IN_AN_ID = re.compile(r"[0-9A-Za-z_=:/-]")


def _forms() -> Iterator[tuple[int, str]]:
    characters = [chr(code) for first, last in _BLOCKS for code in range(first, last + 1)]
    forms = unicodedata.normalize("NFKC", _BETWEEN.join(characters)).split(_BETWEEN)
    for character, form in zip(characters, forms, strict=True):
        category = unicodedata.category(character)
        if category in _NOTHING:
            yield ord(character), ""
        elif "Pd" in (category, unicodedata.category(form[0])) or form == "\N{MINUS SIGN}":
            yield ord(character), "-"
        elif form != character and _IN_AN_ID.search(form):
            yield ord(character), form


FORMS = dict(_forms())
"""For `str.translate`: characters and what they stand for."""

LONGEST_FORM = max(map(len, FORMS.values()))
