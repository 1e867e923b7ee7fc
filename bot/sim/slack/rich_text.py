"""The elements of a rich_text block. Their texts are shown as they are: nothing in them is escaped or formatted.

https://docs.slack.dev/reference/block-kit/blocks/rich-text-block
"""

from bot.sim.slack.schema import Check, boolean, by_type, integer, listing, one_of, shape, string

_MOST = 3000  # documented nowhere; far more than anybody needs
_STYLE = shape({}, dict.fromkeys(("bold", "italic", "strike", "code", "underline"), boolean))
_STYLED: dict[str, Check] = {"style": _STYLE}
_ID = string(255)
_TEXT = shape({"text": string(_MOST)}, _STYLED)
_LINK = shape({"url": string(_MOST)}, _STYLED | {"text": string(_MOST), "unsafe": boolean})

_PART = by_type(
    {
        "text": _TEXT,
        "link": _LINK,
        "emoji": shape({"name": _ID}, {"unicode": _ID, "skin_tone": integer}),
        "user": shape({"user_id": _ID}, _STYLED),
        "usergroup": shape({"usergroup_id": _ID}, _STYLED),
        "channel": shape({"channel_id": _ID}, _STYLED),
        "broadcast": shape({"range": one_of("here", "channel", "everyone")}),
        "date": shape({"timestamp": integer, "format": _ID}, {"url": string(_MOST), "fallback": string(_MOST)}),
        "color": shape({"value": _ID}),
    }
)
_BORDER: dict[str, Check] = {"border": integer}
_SECTION = shape({"elements": listing(_PART, _MOST)})

MOST_RICH_TEXT = _MOST
RICH_TEXT = by_type(
    {
        "rich_text_section": _SECTION,
        "rich_text_quote": shape({"elements": listing(_PART, _MOST)}, _BORDER),
        "rich_text_preformatted": shape({"elements": listing(by_type({"text": _TEXT, "link": _LINK}), _MOST)}, _BORDER),
        "rich_text_list": shape(
            {
                "style": one_of("bullet", "ordered"),
                "elements": listing(by_type({"rich_text_section": _SECTION}), _MOST),
            },
            _BORDER | {"indent": integer, "offset": integer},
        ),
    }
)
