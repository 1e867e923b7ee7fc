"""docs/messages.md, the snapshot of every text that people read; `scripts/test --update` rewrites it.

Tables show the examples of scripts/message_examples.py. The other texts, which only a running program shows, are those
that tests compare by the fixture `wording`; each has a heading and a block of its own.
"""

import html
import re
from collections.abc import Iterator, Mapping
from typing import Any

from bot.messages.blocks import Message, View
from bot.messages.clicked import CardUpdate
from bot.messages.install import Page
from scripts.message_examples import SECTIONS, Example
from scripts.observed_texts import without_chance

_INTRODUCTION = """\
# Messages

This page is for looking up what the bot says, and when: it is a reference. `scripts/test --update` writes it.

In the examples, `@alice` is the person who sent the command or pressed the button. *Lock screen* is what a phone shows
of a message: its first 100 characters.
"""
_OUTSIDE = """\
## Texts outside of Slack

These texts are in a terminal, in the log, or in an HTTP response.
"""
_LOCK_SCREEN = 100  # characters
_PEOPLE = {
    "<@U0ALICE0001>": "@alice",
    "<@U0BOB000001>": "@bob",
    "<@U0SETTER001>": "@carol",
    "<#C0ALERTS001>": "#alerts",
}


def page(texts: Mapping[str, str]) -> str:
    """Return the page with these texts from outside of Slack, by their headings."""
    tables = ["\n".join(_table(title, examples)) for title, examples in SECTIONS.items()]
    blocks = [f"### {heading}\n\n```text\n{text}\n```\n" for heading, text in sorted(texts.items())]
    return "\n".join([_INTRODUCTION, *tables, _OUTSIDE, *blocks])


def lines_of(example: Example) -> list[str]:
    """Return the lines that people read, without buttons and menus."""
    match example:
        case str():
            return example.splitlines()
        case Message():
            return example.text.splitlines()
        case CardUpdate():
            return example.line.splitlines()
        case Page():
            return [f"{example.status} {example.title}", *example.lines]
    title = [f"*{example.title}*"] if example.title else []
    return [*title, *(line for block in example.blocks for line in _lines(block))]


def lock_screen(example: Example) -> str:
    """Return what a phone's lock screen shows of a message; "" of a view, which notifies nobody."""
    if not isinstance(example, Message):
        return ""
    text = re.sub(r"<!date\^[^|>]*\|[^>]*>", "(date)", example.text)
    text = re.sub(r"<[^|>]*\|([^>]*)>", r"\1", text)
    for mention, name in _PEOPLE.items():
        text = text.replace(mention, name)
    shown = html.unescape(re.sub(r"<([@#]\w+)>", r"\1", text))
    return " ".join(re.sub(r"[*`]", "", shown).split())[:_LOCK_SCREEN]


def controls_of(example: Example) -> list[str]:
    """Return the labels of buttons and menus, with their options and with what is chosen, and their questions."""
    if isinstance(example, str):
        return []
    if isinstance(example, Page):
        return ["(a link to start again)"] if example.again else []
    blocks = [example.button] if isinstance(example, CardUpdate) else list(example.blocks)
    labels = [_label(element) for element in elements(blocks)]
    if isinstance(example, View) and example.title:
        labels += [label for label in (example.submit, example.close) if label]
    return labels


def elements(part: object) -> Iterator[dict[str, Any]]:
    """Yield the buttons, menus and inputs in a part of a message or view."""
    if isinstance(part, list):
        for one in part:
            yield from elements(one)
    elif isinstance(part, dict) and "action_id" in part:
        yield part
    elif isinstance(part, dict):
        yield from elements(list(part.values()))


def _lines(block: dict[str, Any]) -> Iterator[str]:
    match block["type"]:
        case "section":
            yield from str(block["text"]["text"]).splitlines()
        case "context":
            yield from (str(element["text"]) for element in block["elements"])
        case "rich_text":
            yield from (f"`{part['text']}`" for element in block["elements"] for part in element["elements"])
        case "input":
            yield f"{block['label']['text']}{' (optional)' if block['optional'] else ''}:"
            yield from [str(block["hint"]["text"])] if "hint" in block else []
        case "divider":
            yield "---"


def _label(element: dict[str, Any]) -> str:
    found = [part for part in (element.get("text"), element.get("placeholder")) if part]
    found += [
        option[part] for option in element.get("options", []) for part in ("text", "description") if part in option
    ]
    label = ", ".join(part["text"] for part in found) or f"({element['type'].replace('_', ' ')})"
    chosen = [value for name, value in element.items() if name.startswith("initial_")]
    texts = [one["text"]["text"] if isinstance(one, dict) else one for part in chosen for one in _as_list(part)]
    asks = element.get("confirm")
    question = f" (asks: {asks['title']['text']} {asks['text']['text']} {asks['confirm']['text']})" if asks else ""
    more = f" (chosen: {', '.join(map(str, texts))})" if texts else ""
    return f"{label}{more}{question}"


def _as_list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _table(title: str, examples: Mapping[str, Example]) -> Iterator[str]:
    has_messages = any(isinstance(example, Message) for example in examples.values())
    names = ["When", *(["Lock screen"] if has_messages else []), "Text", "Buttons"]
    yield from (f"## {title}", "", f"| {' | '.join(names)} |", f"|{' --- |' * len(names)}")
    first: list[str] = []
    for name, example in examples.items():
        columns = (lines_of(example), controls_of(example))
        shown = [dict.fromkeys(line for line in column if line not in first) for column in columns]
        notified = [_escaped(lock_screen(example))] if has_messages else []
        yield f"| {' | '.join([_cell([name]), *notified, *map(_cell, shown)])} |"
        if isinstance(example, View):
            first = first or [*columns[0], *columns[1]]
    yield ""


def _escaped(text: str) -> str:
    return re.sub(r"([|<*_`])", r"\\\1", without_chance(text))


def _cell(lines: Mapping[str, None] | list[str]) -> str:
    """Return lines of Slack's mrkdwn as Markdown for a cell of a table."""
    text = without_chance("<br>".join(lines))
    for mention, name in _PEOPLE.items():
        text = text.replace(mention, name)
    text = re.sub(r"<(https?://[^|>]+)\|([^>]+)>", r"[\2](\1)", text)
    text = re.sub(r"<([@#]\w+)>", r"\1", text)
    text = re.sub(r"(?<![\w`])\*([^*\n]+?)\*", r"**\1**", text)
    return re.sub(r"<(?!br>)", "&lt;", text.replace("|", "\\|").replace("\n", "<br>"))
