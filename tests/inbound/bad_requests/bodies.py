"""Signed, yet nothing that could be read: 400; encoded or too large: 415 and 413 whether signed or not."""

import gzip
import json
import zlib

from inbound.bad_requests.case import SIGNED, UNSIGNED, Case
from inbound.bad_requests.ingredients import FORM, JSON, LARGEST, MARK, click, command, event, in_form

_M = MARK.encode()
_EITHER = frozenset({200, 400})

_FORMS = {
    "empty": b"",
    "of spaces": b"   ",
    "of separators": b"&&&&==&&",
    "of NUL bytes": b"\0" * 100,
    "that is no form": b"hello " + _M,
    "that is XML": b'<?xml version="1.0"?><a>' + _M + b"</a>",
    "of raw bytes that are no UTF-8": command() + b"&x=\xff\xfe" + _M,
    "of raw UTF-8, which a form has encoded": command() + b"&x=\xc3\xa9" + _M,
    "in UTF-16": command().decode().encode("utf-16"),
    "of encoded bytes that are no UTF-8": command() + b"&x=%FF%FE" + _M,
    "of overlong UTF-8": command() + b"&x=%C0%AF" + _M,
    "of a character beyond Unicode": command() + b"&x=%F4%90%80%80" + _M,
    "of cut-off UTF-8": command() + b"&x=%E2%82" + _M,
    "with a lone high surrogate": command() + b"&x=%ED%A0%80" + _M,
    "with a lone low surrogate": command() + b"&x=%ED%B0%80" + _M,
    "with a surrogate pair in CESU-8": command() + b"&x=%ED%A0%BD%ED%B8%80" + _M,
    "with a name that is no UTF-8": command() + b"&%FF=" + _M,
    "of 101 fields": command() + b"".join(b"&x%d=%b" % (number, _M) for number in range(88)),
    "of 10,000 fields": command() + b"".join(b"&x%d=%b" % (number, _M) for number in range(10_000)),
    "of 100,000 separators": command() + b"&" * 100_000,
    "of the largest size": b"text=" + b"a" * (LARGEST - 5),
    "that is JSON": event(),
    "with an empty payload": b"payload=",
    "with a payload that is a space": b"payload=+",
    "with a payload that is no JSON": b"payload=" + _M,
    "with a payload that is cut off": in_form('{"type":"block_actions","token":"' + MARK),
    "with a payload that is a list": in_form([MARK]),
    "with a payload that is a text": in_form(json.dumps(MARK)),
    "with a payload that is a number": in_form(5),
    "with a payload that is null": in_form(None),
    "with a payload that is true": in_form("true"),
    "with a payload that is an empty object": in_form({}),
    "with a payload in a payload": in_form({"payload": {"type": "block_actions"}, "token": MARK}),
    "with a payload that has single quotes": in_form(str({"type": "block_actions", "token": MARK})),
    "with a payload and something behind it": in_form('{"type":"x"} {"token":"' + MARK + '"}'),
    "with a payload that is a form": in_form(command().decode()),
    "with a payload encoded twice": in_form(click().decode().removeprefix("payload=")),
    "with a payload of which no byte is UTF-8": b"payload=%FF%FE",
    "with a payload with a lone surrogate": b'payload={"type":"\\ud800","user":{"id":"U0ALICE0001"}}',
    "with a payload 100,000 lists deep": b"payload=" + b"[" * 100_000,
    "with a payload of NaN": b'payload={"type":"x","user":{"id":"U0ALICE0001"},"n":NaN}',
    "with a payload of a number of 5,000 digits": b'payload={"type":"x","n":' + b"1" * 5000 + b"}",
    "with two payloads, the last one empty": click() + b"&payload=",
    "with a payload of a nameless object": in_form({"": MARK}),
}

_JSONS = {
    "empty": b"",
    "blank": b" \n\t ",
    "a list": b"[]",
    "a list of objects": b'[{"token": "' + _M + b'"}]',
    "a text": b'"' + _M + b'"',
    "a number": b"5",
    "a fraction": b"1e5",
    "null": b"null",
    "true": b"true",
    "NaN": b"NaN",
    "-Infinity": b"-Infinity",
    "an empty object": b"{}",
    "cut off": event()[:-1],
    "cut off in a string": event()[:40],
    "followed by something": event() + b" and " + _M,
    "with a comma too many": event()[:-1] + b",}",
    "with single quotes": b"{'type': '" + _M + b"'}",
    "with a comment": b"/* " + _M + b" */" + event(),
    "with a NUL in it": event().replace(b"no_such_event", b"no_such\0event"),
    "with a bare line break in a text": event().replace(b"no_such_event", b"no_such\nevent"),
    "with bytes that are no UTF-8": event().replace(b"no_such_event", b"no_such_\xff\xfe"),
    "with encoded surrogate bytes": event().replace(b"no_such_event", b"no_such_\xed\xa0\x80"),
    "with a lone high surrogate": event().replace(b"no_such_event", b"no_such_\\ud800"),
    "with a lone low surrogate": event().replace(b"no_such_event", b"no_such_\\udfff"),
    "with surrogates the wrong way round": event().replace(b"no_such_event", b"\\ude00\\ud83d"),
    "with a lone surrogate in a name": b'{"\\ud800": 1, ' + event()[1:],
    "with NaN in a field nobody reads": b'{"n": NaN, ' + event()[1:],
    "with Infinity in a field nobody reads": b'{"n": Infinity, ' + event()[1:],
    "with a number too large to hold": b'{"n": 1e999, ' + event()[1:],
    "with a number of 5,000 digits": b'{"n": ' + b"1" * 5000 + b", " + event()[1:],
    "100,000 lists deep": b"[" * 100_000 + b"]" * 100_000,
    "100,000 objects deep": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "an event 100,000 lists deep": b'{"n": ' + b"[" * 100_000 + b"]" * 100_000 + b", " + event()[1:],
    "in fact a form": command(),
    "in fact a form with a payload": click(),
    "a command's fields": json.dumps({"command": "/anchor-pause", "text": MARK, "team_id": "T0HOME00001"}).encode(),
    "of the largest size": b'{"a":"' + b"a" * (LARGEST - 8) + b'"}',
}

_TYPES = {
    "no content type": None,
    "an empty content type": "",
    "text/plain": "text/plain",
    "application/octet-stream": "application/octet-stream",
    "multipart/form-data": "multipart/form-data; boundary=x",
    "multipart/form-data without boundary": "multipart/form-data",
    "text/json": "text/json",
    "application/xml": "application/xml",
    "a content type of bytes that are no UTF-8": "\udcff/\udcfe",
    "a content type that is only parameters": ";charset=utf-8",
    "a content type without slash": "form",
    "a content type of 8,000 characters": "application/" + "x" * 8000,
    "two content types in one": f"{FORM}, {JSON}",
}

_ENCODED = {
    "gzip": gzip.compress(command(), mtime=0),
    "deflate": zlib.compress(command()),
    "br": command(),
    "zstd": command(),
    "identity": command(),
    "compress": command(),
    "gzip, gzip": gzip.compress(gzip.compress(command(), mtime=0), mtime=0),
    "GZIP": gzip.compress(command(), mtime=0),
    "no-such-encoding": command(),
    "": command(),
}

_TOO_LARGE = {
    "one byte over": LARGEST + 1,
    "twice over": 2 * LARGEST,
}

CASES = (
    *(Case(name=f"a form {what}", body=body, status=400) for what, body in _FORMS.items()),
    *(Case(name=f"JSON that is {what}", body=body, content_type=JSON, status=400) for what, body in _JSONS.items()),
    *(
        Case(name=f"a command as {what}", content_type=content_type, status=400)
        for what, content_type in _TYPES.items()
    ),
    *(
        Case(name=f"an event as {what}", body=event(), content_type=content_type, status=400)
        for what, content_type in _TYPES.items()
    ),
    Case(
        name="JSON that says everything twice",
        body=b'{"type": [], "event": 5, ' + event()[1:],
        content_type=JSON,
        status=_EITHER,
    ),
    Case(name="JSON in UTF-16", body=event().decode().encode("utf-16"), content_type=JSON, status=_EITHER),
    Case(name="JSON with a byte order mark", body=b"\xef\xbb\xbf" + event(), content_type=JSON, status=_EITHER),
    Case(
        name="JSON 400 lists deep",
        body=event(event=json.loads('{"type":"x","a":' + "[" * 400 + "]" * 400 + "}")),
        content_type=JSON,
        status=_EITHER,
    ),
    *(
        Case(
            name=f"{how}, {coding or 'empty'} as content encoding",
            body=body,
            headers=(("Content-Encoding", coding),),
            signature=signature,
            status=415,
        )
        for how, signature in (("signed", SIGNED), ("unsigned", UNSIGNED))
        for coding, body in _ENCODED.items()
    ),
    *(
        Case(
            name=f"{how}, {coding} as content encoding of what is none",
            body=b"no " + coding.encode() + _M,
            headers=(("Content-Encoding", coding),),
            signature=signature,
            status=415,
        )
        for how, signature in (("signed", SIGNED), ("unsigned", UNSIGNED))
        for coding in ("gzip", "deflate")
    ),
    Case(
        name="a gzip bomb",
        body=gzip.compress(b"a" * 50 * LARGEST, mtime=0),
        headers=(("Content-Encoding", "gzip"),),
        status=415,
    ),
    *(
        Case(
            name=f"{how}, a body {what}, {'in chunks' if chunked else 'of known length'}",
            body=_M + b"a" * (size - len(_M)),
            signature=signature,
            chunked=chunked,
            status=413,
        )
        for how, signature in (("signed", SIGNED), ("unsigned", UNSIGNED))
        for what, size in _TOO_LARGE.items()
        for chunked in (False, True)
    ),
)
