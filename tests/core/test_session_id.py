"""A session id is found in whatever people paste."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.session_ids import Ambiguous, Broken, Found, SessionId, find_session_id
from harness.samples import sample

ID = SessionId("3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b")
OTHER = SessionId("9c0d7e11-2222-4333-8444-555566667777")

VARIANTS = sample("slash_command.text_variants")
WITHOUT_ID = {
    "empty (user typed only the command)": Broken(""),
    "help": Broken("help"),
    "two different ids -> ambiguous": Ambiguous((ID, OTHER)),
    "user mention, should_escape=true": Broken("@bob"),
    "user mention, should_escape=false": Broken("@bob"),
    "channel mention, should_escape=true": Broken("#alerts"),
    "hostile: broadcast attempt": Broken("!channel"),
    "hostile: typed entities": Broken("!channel *bold* `code`"),
}
WITH_REST = {
    "trailing words": "because of OOM",
    "emoji shortcode": ":pause_button:",
    "newline (shift-enter)": "second line",
}


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant["note"])
def test_every_form_that_slack_sends(variant: dict[str, str]) -> None:
    expected = WITHOUT_ID.get(variant["note"]) or Found(ID, WITH_REST.get(variant["note"], ""))
    assert find_session_id(variant["text"]) == expected


@pytest.mark.parametrize(
    "text",
    [
        f"*{ID}*",
        f"```{ID}```",
        f"session_id={ID}",
        f'{{"session_id":"{ID}"}}',
        f"セッション{ID}を",
        ID.translate({ord("-"): "\N{FULLWIDTH HYPHEN-MINUS}"}),
        ID.translate({ord(digit): 0xFF10 + int(digit) for digit in "0123456789"}),
        "\N{WORD JOINER}".join(ID),
        "\N{ZERO WIDTH NO-BREAK SPACE}" + ID,
        f"https://app.anchorbrowser.io/sessions/{ID}/live?tab=1#x",
        f"https://app.anchorbrowser.io/projects/{OTHER}/sessions/{ID}",
        f"https://app.anchorbrowser.io/open?to=%2Fsessions%2F{ID}",
        f"<https://app.anchorbrowser.io/projects/{OTHER}/sessions/{ID}|open it>",
        f"<https://example.com/|{ID}>",
        f"{ID} {ID.upper()}",
    ],
)
def test_other_forms_that_people_paste(text: str) -> None:
    assert find_session_id(text) == Found(ID, "")


@pytest.mark.parametrize(
    "text",
    [
        "3f2b8c1e",
        ID[:-1],
        "0-" + ID,
        ID + "0",
        "x" + ID,
        f"{ID}-{OTHER}",
        "3f2b8c1e7d4a-4f0b-9a56-0c1d2e3f4a5b",
        "gggggggg-7d4a-4f0b-9a56-0c1d2e3f4a5b",
        "<https://example.com/|here>",
    ],
)
def test_a_text_that_resembles_an_id_is_none(text: str) -> None:
    assert isinstance(find_session_id(text), Broken)


REASON = "cost &lt; 5 &gt; 3 says <@U0BOB000001|bob> in <#C0ALERTS001|alerts> <#C1|>"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"<https://x.example/{ID}|{OTHER}>", Ambiguous((ID, OTHER))),
        (f"{ID} {OTHER.replace('-', '')}", Ambiguous((ID, OTHER))),
        ("\u00a0 \u200b \ufeff ", Broken("")),
        (f"{ID} {REASON}", Found(ID, "cost < 5 > 3 says @bob in #alerts #C1")),
    ],
    ids=["another id in the label of a link", "an id without dashes", "invisible characters", "a reason"],
)
def test_two_ids_none_and_a_reason(text: str, found: object) -> None:
    assert find_session_id(text) == found


ids = st.uuids().map(str)
dashes = st.sampled_from("-\N{EN DASH}\N{EM DASH}\N{FIGURE DASH}\N{HYPHEN}\N{NON-BREAKING HYPHEN}")
wrappings = st.sampled_from(
    [
        *("{}", "“{}”", "‘{}’", '"{}"', "'{}'", "`{}`", "&lt;{}&gt;", "({})", "{{{}}}", "urn:uuid:{}"),
        *("{}.", "{},", "{}!", "{}\u200b"),
        *("<https://anchor.example.com/sessions/{}>", "<https://anchor.example.com/sessions/{}|label>"),
    ]
)
spaces = st.text(st.sampled_from(" \t\n\u00a0\u200b\ufeff\u2009"), max_size=3)


@given(ids, dashes, wrappings, spaces, spaces, st.booleans(), st.booleans())
def test_any_id_is_found_in_any_form(
    session_id: str, dash: str, wrapping: str, before: str, after: str, upper: bool, bare: bool
) -> None:
    written = session_id.replace("-", "" if bare else dash)
    text = before + wrapping.format(written.upper() if upper else written) + after
    assert find_session_id(text) == Found(SessionId(session_id), "")
