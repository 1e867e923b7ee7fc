"""Requests that Slack has not signed, or not now: 401 whatever is in them."""

from harness.texts import OTHER_SESSION, SESSION
from inbound.bad_requests.case import FORGED, SIGNED, UNSIGNED, Case, Signature, cases
from inbound.bad_requests.valid_requests import (
    FORM,
    JSON,
    LARGEST,
    MARK,
    NOW,
    OLDER_SECRET,
    SECRET,
    click,
    command,
    event,
)

_M = MARK.encode()

_TIMESTAMPS = {
    "301 seconds old": str(NOW - 301),
    "301 seconds ahead": str(NOW + 301),
    "empty": "",
    "negative": f"-{NOW}",
    "with underscores": "1_785_000_000",
    "of 5,000 digits": "1" * 5000,
    "with leading zeros, longer than any time": "0000" + str(NOW),
    "in Arabic digits": "".join(chr(0x660 + int(digit)) for digit in str(NOW)),
    "followed by Latin-1": f"{NOW}\udce9",
    "bytes that are not UTF-8": "\udcff\udcfe",
    "followed by a no-break space": f"{NOW}\u00a0",
    "twice in one header": f"{NOW}, {NOW}",
}

_HEADERS = {
    "signature with a digit too many": Signature(signatures=("v0={hex}0",)),
    "signature in capitals": Signature(signatures=("v0={HEX}",)),
    "signature of version 1": Signature(signatures=("v1={hex}",)),
    "signature in Latin-1": Signature(signatures=("v0={hex:.63}\udce9",)),
    "signature of bytes that are not UTF-8": Signature(signatures=("\udcff\udcfe\udcfd",)),
    "signature missing": Signature(signatures=()),
    "signature sent twice": Signature(signatures=("v0={hex}", "v0={hex}")),
    "signature sent twice, the first one wrong": Signature(signatures=("v0=00", "v0={hex}")),
    "signature sent twice, the second one wrong": Signature(signatures=("v0={hex}", "v0=00")),
    "timestamp missing": Signature(timestamps=()),
    "timestamp missing, and signed as empty": Signature(at="", timestamps=()),
    "timestamp sent twice": Signature(timestamps=("{at}", "{at}")),
    "timestamp sent twice, once stale": Signature(timestamps=(str(NOW - 900), "{at}")),
    "timestamp other than the signed one": Signature(timestamps=(str(NOW + 1),)),
    "timestamp refreshed on a stale request": Signature(at=str(NOW - 900), timestamps=(str(NOW),)),
    "signature by an unknown secret": FORGED,
    "signature by an empty secret": Signature(secret=""),
    "signature by both secrets at once": Signature(secret=f"{SECRET},{OLDER_SECRET}"),
}

_ALTERED = {
    "another session": command(text=OTHER_SESSION),
    "one more field": command() + b"&text=" + SESSION.encode(),
    "its end cut off": command()[:-1],
    "small hexadecimal digits": command().replace(b"%2F", b"%2f"),
}

_FORMS = {
    "a command that pauses": command(),
    "an empty body": b"",
    "bytes that are not text": b"\xff\xfe\x00" * 100 + _M,
    "10,000 form fields": b"&".join(b"a%d=%b" % (number, _M) for number in range(10_000)),
    "the largest body": b"a" * LARGEST,
    "ssl_check in a value": b"text=ssl_check=1",
    "ssl_check in another name": b"no_ssl_check=1",
}

_JSONS = {
    "an event": event(),
    "url_verification": b'{"type":"url_verification","challenge":"' + _M + b'"}',
    "JSON 100,000 levels deep": b"[" * 100_000,
    "ssl_check in JSON": b'{"ssl_check": "1"}',
}

_SSL_CHECKS = {
    "alone": b"ssl_check=1",
    "in front of a command that pauses": b"ssl_check=1&" + command(),
    "with a click": b"ssl_check=1&" + click(),
}

CASES = (
    *(Case(name=f"a timestamp {name}", signature=Signature(at=at), status=401) for name, at in _TIMESTAMPS.items()),
    *(Case(name=f"a {name}", signature=signature, status=401) for name, signature in _HEADERS.items()),
    *cases(401, "signed over another body:", _ALTERED, signature=Signature(over=command())),
    *cases(401, "unsigned,", _FORMS, signature=UNSIGNED),
    *cases(401, "unsigned,", _JSONS, signature=UNSIGNED, content_type=JSON),
    Case(name="unsigned, a body without a type", status=401, signature=UNSIGNED, content_type=None),
    Case(name="unsigned, a broken type", status=401, signature=UNSIGNED, content_type=f"{FORM}; charset=\udcff"),
    *cases(200, "an unsigned ssl_check", _SSL_CHECKS, signature=UNSIGNED),
    *cases(200, "a signed ssl_check", _SSL_CHECKS, signature=SIGNED),
)
