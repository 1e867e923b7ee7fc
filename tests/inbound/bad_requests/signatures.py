"""Requests that Slack has not signed, or not now: 401, whatever is in them."""

from inbound.bad_requests.case import FORGED, SIGNED, UNSIGNED, Case, Signature
from inbound.bad_requests.ingredients import (
    FORM,
    JSON,
    LARGEST,
    MARK,
    NOW,
    OLDER_SECRET,
    SECRET,
    SESSION,
    click,
    command,
    event,
)

_TIMESTAMPS = {
    "301 seconds old": str(NOW - 301),
    "301 seconds ahead": str(NOW + 301),
    "a day old": str(NOW - 86_400),
    "a year ahead": str(NOW + 31_536_000),
    "zero": "0",
    "in milliseconds": str(NOW * 1000),
    "empty": "",
    "nan": "nan",
    "NaN": "NaN",
    "inf": "inf",
    "-inf": "-inf",
    "Infinity": "Infinity",
    "negative": f"-{NOW}",
    "with a plus sign": f"+{NOW}",
    "with underscores": "1_785_000_000",
    "with commas": "1,785,000,000",
    "a fraction": f"{NOW}.0",
    "in exponent form": "1.785e9",
    "hexadecimal": hex(NOW),
    "of 5,000 digits": "1" * 5000,
    "of 5,000 zeros and the time": "0" * 5000 + str(NOW),
    "with leading zeros, longer than any time": "0000" + str(NOW),
    "in Arabic digits": "".join(chr(0x660 + int(digit)) for digit in str(NOW)),
    "in wide digits": "".join(chr(0xFF10 + int(digit)) for digit in str(NOW)),
    "in superscript": "\u00b9\u2077\u2078\u2075",
    "followed by Latin-1": f"{NOW}\udce9",
    "followed by UTF-8": f"{NOW}\u00e9",
    "bytes that are no UTF-8": "\udcff\udcfe",
    "followed by a no-break space": f"{NOW}\u00a0",
    "two times in one header": f"{NOW}, {NOW}",
    "with a tab in it": f"{NOW}\t0",
    "with a space in it": f"{str(NOW)[:5]} {str(NOW)[5:]}",
    "a date": "Sat, 25 Jul 2026 17:20:00 GMT",
    "an ISO date": "2026-07-25T17:20:00Z",
    "null": "null",
    "None": "None",
    "True": "True",
    "a format string": "%s%s%n",
}

_HEADERS = {
    "signature with half of the digest": Signature(signatures=("v0={hex:.32}",)),
    "signature that lacks its last digit": Signature(signatures=("v0={hex:.63}",)),
    "signature with a digit too many": Signature(signatures=("v0={hex}0",)),
    "signature in capitals": Signature(signatures=("v0={HEX}",)),
    "signature with a capital prefix": Signature(signatures=("V0={hex}",)),
    "signature of version 1": Signature(signatures=("v1={hex}",)),
    "signature of no version": Signature(signatures=("{hex}",)),
    "signature of an empty version": Signature(signatures=("={hex}",)),
    "signature that is the prefix alone": Signature(signatures=("v0=",)),
    "signature that is empty": Signature(signatures=("",)),
    "signature with a space inside": Signature(signatures=("v0= {hex}",)),
    "signature in quotes": Signature(signatures=('"v0={hex}"',)),
    "signature with a good and a bad one, by comma": Signature(signatures=("v0={hex}, v0=00",)),
    "signature of 8,000 characters": Signature(signatures=("v0=" + "0" * 8000,)),
    "signature of zeros": Signature(signatures=("v0=" + "0" * 64,)),
    "signature of no hexadecimal digits": Signature(signatures=("v0=" + "z" * 64,)),
    "signature in Latin-1": Signature(signatures=("v0={hex:.63}\udce9",)),
    "signature in UTF-8": Signature(signatures=("v0={hex:.63}\u00e9",)),
    "signature in wide digits": Signature(signatures=("v0=" + "\uff10" * 64,)),
    "signature of bytes that are no UTF-8": Signature(signatures=("\udcff\udcfe\udcfd",)),
    "signature followed by UTF-8": Signature(signatures=("v0={hex}\u2028",)),
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
}

_SECRETS = {
    "an unknown secret": "ffffffffffffffffffffffffffffffff",
    "an empty secret": "",
    "the secret in capitals": SECRET.upper(),
    "the secret and a newline": f"{SECRET}\n",
    "both secrets at once": f"{SECRET},{OLDER_SECRET}",
    "the secret's beginning": SECRET[:-1],
    "the token in the body": MARK,
}

_ALTERED = {
    "body with another session": command(text="9c0d7e11-2222-4333-8444-555566667777"),
    "body with a field more": command() + b"&text=" + SESSION.encode(),
    "body with a newline more": command() + b"\r\n",
    "body with a NUL more": command() + b"\0",
    "body cut short": command()[:-1],
    "body gone": b"",
    "body with small hexadecimal digits in it": command().replace(b"%2F", b"%2f"),
}

_BODIES = {
    "an empty body": (FORM, b""),
    "an empty JSON body": (JSON, b""),
    "a click": (FORM, click()),
    "an event": (JSON, event()),
    "url_verification": (JSON, b'{"type":"url_verification","challenge":"' + MARK.encode() + b'"}'),
    "bytes that are no text": (FORM, b"\xff\xfe\x00" * 100 + MARK.encode()),
    "JSON 100,000 levels deep": (JSON, b"[" * 100_000),
    "10,000 form fields": (FORM, b"&".join(b"a%d=%b" % (number, MARK.encode()) for number in range(10_000))),
    "the largest body there may be": (FORM, b"a" * LARGEST),
    "JSON for a number of 5,000 digits": (JSON, b'{"a":' + b"1" * 5000 + b"}"),
    "an upload": ("multipart/form-data; boundary=x", b"--x\r\n\r\n" + MARK.encode() + b"\r\n--x--"),
    "a body of no type": (None, command()),
    "a body of a broken type": (";;;=\udcff", command()),
    "a body of a type without end": ('multipart/form-data; boundary="', command()),
    "a body of an unknown charset": (f"{FORM}; charset=no-such-charset", command()),
    "ssl_check that is 0": (FORM, b"ssl_check=0&token=" + MARK.encode()),
    "ssl_check that is empty": (FORM, b"ssl_check=&token=" + MARK.encode()),
    "ssl_check that is true": (FORM, b"ssl_check=true&token=" + MARK.encode()),
    "ssl_check that is 11": (FORM, b"ssl_check=11&token=" + MARK.encode()),
    "ssl_check in a value": (FORM, b"text=ssl_check=1"),
    "ssl_check in another name": (FORM, b"no_ssl_check=1"),
    "ssl_check in JSON": (JSON, b'{"ssl_check": "1"}'),
}

_SSL_CHECKS = {
    "alone": b"ssl_check=1",
    "with a token": b"ssl_check=1&token=" + MARK.encode(),
    "behind a command that pauses": command() + b"&ssl_check=1",
    "in front of a command that pauses": b"ssl_check=1&" + command(),
    "with a click": b"ssl_check=1&" + click(),
}

CASES = (
    *(Case(name=f"a timestamp {what}", signature=Signature(at=at), status=401) for what, at in _TIMESTAMPS.items()),
    *(Case(name=f"a {what}", signature=signature, status=401) for what, signature in _HEADERS.items()),
    *(Case(name=f"signed with {what}", signature=Signature(secret=it), status=401) for what, it in _SECRETS.items()),
    *(
        Case(name=f"a {what}", body=it, signature=Signature(over=command()), status=401)
        for what, it in _ALTERED.items()
    ),
    *(
        Case(name=f"{how}, {what}", body=body, content_type=content_type, signature=signature, status=401)
        for how, signature in (("unsigned", UNSIGNED), ("forged", FORGED))
        for what, (content_type, body) in _BODIES.items()
    ),
    Case(name="unsigned, a command that pauses", signature=UNSIGNED, status=401),
    Case(name="forged, a command that pauses", signature=FORGED, status=401),
    *(
        Case(name=f"{how} ssl_check {what}", body=body, signature=signature, status=200)
        for how, signature in (("an unsigned", UNSIGNED), ("a forged", FORGED), ("a signed", SIGNED))
        for what, body in _SSL_CHECKS.items()
    ),
)
