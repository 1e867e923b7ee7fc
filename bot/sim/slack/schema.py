"""Building blocks to describe what JSON must look like; complaints are worded and addressed as Slack's are."""

import re
from collections.abc import Callable, Iterator, Mapping

Check = Callable[[object, str], Iterator[str]]
"""Yields complaints about a value, given its JSON pointer."""


def complaint(what: str, pointer: str) -> str:
    """Word a complaint like those in `response_metadata.messages`."""
    return f"[ERROR] {what} [json-pointer:{pointer}]"


def width(text: str) -> int:
    """Return the number of characters as JavaScript counts them: an emoji is often two."""
    return len(text.encode("utf-16-le", errors="surrogatepass")) // 2


def string(most: int, least: int = 1) -> Check:
    """Check for a string of `least` to `most` characters."""

    def check(value: object, pointer: str) -> Iterator[str]:
        if not isinstance(value, str):
            yield complaint("must be a string", pointer)
        elif width(value) < least:
            yield complaint(f"must be more than {least - 1} characters", pointer)
        elif width(value) > most:
            yield complaint(f"must be less than {most + 1} characters", pointer)

    return check


def url(pattern: str) -> Check:
    """Check for a URL of at most 3000 characters that the pattern matches."""
    return one_matching(pattern, "must be a valid URL")


def one_matching(pattern: str, otherwise: str) -> Check:
    """Check for a string of at most 3000 characters that the pattern matches."""
    limited = string(3000)

    def check(value: object, pointer: str) -> Iterator[str]:
        found = list(limited(value, pointer))
        yield from found
        if not found and not re.fullmatch(pattern, str(value)):
            yield complaint(otherwise, pointer)

    return check


def one_of(*allowed: str) -> Check:
    """Check for one of these strings."""

    def check(value: object, pointer: str) -> Iterator[str]:
        if value not in allowed:
            yield complaint(f"must be one of: {', '.join(allowed)}", pointer)

    return check


def boolean(value: object, pointer: str) -> Iterator[str]:
    """Check for true or false."""
    if not isinstance(value, bool):
        yield complaint("must be a boolean", pointer)


def integer(value: object, pointer: str) -> Iterator[str]:
    """Check for an integer."""
    if not isinstance(value, int) or isinstance(value, bool):
        yield complaint("must be an integer", pointer)


def anything(_value: object, _pointer: str) -> Iterator[str]:
    """Accept what this simulator has no opinion about."""
    yield from ()


def listing(item: Check, most: int, least: int = 1) -> Check:
    """Check for a list of `least` to `most` items."""

    def check(value: object, pointer: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield complaint("must be an array", pointer)
            return
        if len(value) < least:
            yield complaint(f"no fewer than {least} items allowed", pointer)
        if len(value) > most:
            yield complaint(f"no more than {most} items allowed", pointer)
        for position, one in enumerate(value):
            yield from item(one, f"{pointer}/{position}")

    return check


def shape(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """Check for an object with these properties and no others; `type` is checked elsewhere."""
    known = {"type": anything} | dict(required) | dict(optional or {})

    def check(value: object, pointer: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield complaint("must be an object", pointer)
            return
        for name in required:
            if name not in value:
                yield complaint(f"missing required field: {name}", pointer)
        for name, part in value.items():
            if name in known:
                yield from known[name](part, f"{pointer}/{name}")
            else:
                yield complaint(f"invalid additional property: {name}", pointer)

    return check


def by_type(checks: Mapping[str, Check]) -> Check:
    """Check an object as its `type` demands."""

    def check(value: object, pointer: str) -> Iterator[str]:
        kind = value.get("type") if isinstance(value, dict) else None
        if not isinstance(kind, str):
            yield complaint("missing required field: type", pointer)
        elif kind not in checks:
            yield complaint(f"unsupported type: {kind}", f"{pointer}/type")
        else:
            yield from checks[kind](value, pointer)

    return check
