"""Requests that the bot's HTTP endpoint must refuse, or answer politely, and survive.

`test_bad_requests.py` sends them over real sockets to one running bot. Each module has the cases of one theme:

- `signatures`: unsigned, wrong secret, stale, malformed signature headers, `ssl_check`
- `bodies`: signed, but unreadable: no form, no JSON, encodings, sizes
- `commands`, `interactions`, `events`: a field that Slack does not send, or a text without a session
- `unknown_requests`: well-formed, but unknown commands, buttons and types
- `ssrf`: a `response_url` that would make the bot call another host
- `broken_http`: no HTTP, HTTP with broken framing, bodies that take too long

To add a case, add a line to the table of its theme. `MARK` in a body must never show up in a log; valid requests have
it. `RESPONSE_URL` and `TRAP` in a body stand for addresses that are known when the bot runs.
"""
