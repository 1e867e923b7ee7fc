"""Signed, but unreadable: 400. Encoded or too large: 415 and 413, signed or not."""

import gzip
import json
import zlib

from inbound.bad_requests.case import SIGNED, UNSIGNED, Case, cases
from inbound.bad_requests.valid_requests import FORM, JSON, LARGEST, MARK, click, command, event, in_form

_M = MARK.encode()


def _event_with(text: bytes) -> bytes:
    """An event in which a name is replaced."""
    return event().replace(b"no_such_event", text)


_FORMS = {
    "empty": b"",
    "that is no form": b"hello " + _M,
    "of raw bytes that are not UTF-8": command() + b"&x=\xff\xfe" + _M,
    "of raw UTF-8, which a form has encoded": command() + b"&x=\xc3\xa9" + _M,
    "of encoded bytes that are not UTF-8": command() + b"&x=%FF%FE" + _M,
    "with a lone surrogate": command() + b"&x=%ED%A0%80" + _M,
    "of 101 fields": command() + b"".join(b"&x%d=%b" % (number, _M) for number in range(88)),
    "of 100,000 separators": command() + b"&" * 100_000,
    "of the largest size": b"text=" + b"a" * (LARGEST - 5),
    "that is JSON": event(),
    "with an empty payload": b"payload=",
    "with a payload that is no JSON": b"payload=" + _M,
    "with a payload that is a list": in_form([MARK]),
    "with a payload that is an empty object": in_form({}),
    "with a payload and something behind it": in_form('{"type":"x"} {"token":"' + MARK + '"}'),
    "with a payload with a lone surrogate": in_form('{"type":"\\ud800","user":{"id":"U0ALICE0001"}}'),
    "with a payload 100,000 lists deep": b"payload=" + b"[" * 100_000,
    "with two payloads, the last one empty": click() + b"&payload=",
}

_JSONS = {
    "empty": b"",
    "a list of objects": b'[{"token": "' + _M + b'"}]',
    "null": b"null",
    "an empty object": b"{}",
    "followed by something": event() + b" and " + _M,
    "with a NUL in it": _event_with(b"no_such\0event"),
    "with a lone surrogate": _event_with(b"no_such_\\udfff"),
    "with a lone surrogate in a name": b'{"\\ud800": 1, ' + event()[1:],
    "with NaN in an unused field": b'{"n": NaN, ' + event()[1:],
    "with a number too large to hold": b'{"n": 1e999, ' + event()[1:],
    "with a number of 5,000 digits": b'{"n": ' + b"1" * 5000 + b", " + event()[1:],
    "100,000 lists deep": b"[" * 100_000 + b"]" * 100_000,
    "an event 100,000 objects deep": b'{"n": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b", " + event()[1:],
    "a command's fields": json.dumps({"command": "/anchor-pause", "text": MARK, "team_id": "T0HOME00001"}).encode(),
    "of the largest size": b'{"a":"' + b"a" * (LARGEST - 8) + b'"}',
}

_READABLE = {
    "with each field twice": b'{"type": [], "event": 5, ' + event()[1:],
    "in UTF-16": event().decode().encode("utf-16"),
    "400 lists deep": event(event={"type": "x", "a": json.loads("[" * 400 + "]" * 400)}),
}

_TYPES = {
    "no content type": None,
    "multipart/form-data without boundary": "multipart/form-data",
    "text/json": "text/json",
    "a content type of bytes that are not UTF-8": "\udcff/\udcfe",
    "two content types in one": f"{FORM}, {JSON}",
}

_ENCODED = {
    "gzip": gzip.compress(command(), mtime=0),
    "deflate": zlib.compress(command()),
    "identity": command(),
    "": command(),
}

_MISTAKEN = {"gzip": b"not gzip " + _M, "deflate": b"not deflate " + _M, "Gzip": gzip.compress(b"a" * 50 * LARGEST)}

CASES = (
    *cases(400, "a form", _FORMS),
    *cases(400, "JSON that is", _JSONS, content_type=JSON),
    *cases(200, "JSON that is", _READABLE, content_type=JSON),
    *(Case(name=f"a command as {name}", content_type=it, status=400) for name, it in _TYPES.items()),
    Case(name="an event as text/json", body=event(), content_type="text/json", status=400),
    *(
        Case(name=f"{name} as content encoding", body=body, headers=(("Content-Encoding", name),), status=415)
        for name, body in _ENCODED.items()
    ),
    *(
        Case(
            name=f"unsigned, {name} as content encoding of something else",
            body=body,
            headers=(("Content-Encoding", name),),
            signature=UNSIGNED,
            status=415,
        )
        for name, body in _MISTAKEN.items()
    ),
    *(
        Case(
            name=f"a body that is too large, {signed}{', in chunks' * chunked}",
            body=_M + b"a" * (LARGEST + 1 - len(_M)),
            signature=signature,
            chunked=chunked,
            status=413,
        )
        for signed, signature in (("signed", SIGNED), ("unsigned", UNSIGNED))
        for chunked in (False, True)
    ),
)
