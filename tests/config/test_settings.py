"""The settings: read, refused, kept from being shown, and questioned at the start."""

from collections.abc import Callable, Iterator, Mapping
from operator import attrgetter
from pathlib import Path

import pytest

from bot.config.environment import OF_OPERATORS, Settings, SettingsError, find_warnings, read_environment, summarize
from bot.config.settings import SETTINGS
from bot.core.alert_tokens import AlertToken
from bot.core.fields import digest
from bot.core.workspace import AnchorKey, AutoPause, Workspace
from harness.product import Secret
from scripts.settings_page import EXAMPLE

KEY_OF_44 = "Zm9yLXRlc3RzLW9ubHktMzItYnl0ZXMtbG9uZy1rZXk="
LONG = "s3cret-of-the-alerts"
OTHER_OF_44 = "b3RoZXItZm9yLXRlc3RzLW9ubHktMzItYnl0ZXMtbG8="

REQUIRED = {"SLACK_BOT_TOKEN": "xoxb-1-2-abc", "SLACK_SIGNING_SECRET": "0123abcd", "ANCHOR_API_KEY": "sk-0123"}
DEFAULTS = Settings(
    workspace=Workspace(
        "", Secret("xoxb-1-2-abc"), AnchorKey(Secret("sk-0123")), key_version=int(digest("sk-0123")[:7], 16)
    ),
    slack_client_id=Secret(""),
    slack_client_secret=Secret(""),
    allowed_workspaces=frozenset(),
    database_url=Secret("sqlite:///anchor-bot.db"),
    encryption_keys=(),
    base_url=None,
    slack_app_token=None,
    slack_signing_secrets=(Secret("0123abcd"),),
    slack_api_url="https://slack.com/api/",
    anchor_api_url="https://api.anchorbrowser.io",
    anchor_timeout=10.0,
    anchor_deadline=20.0,
    proxy=None,
    journal_days=90,
    auto_pause_limit=20,
    remind_before=300.0,
    host="127.0.0.1",
    port=3000,
    metrics_port=None,
    metrics_token=None,
    log_level="INFO",
    log_format="text",
)
MANY = {
    "SLACK_CLIENT_ID": "123.456",
    "SLACK_CLIENT_SECRET": "s3cret-of-the-client",
    "BASE_URL": "https://bot.example.com/",
    "ENCRYPTION_KEYS": f"{KEY_OF_44}, {OTHER_OF_44},",
    "SLACK_SIGNING_SECRET": "0123abcd",
}
A_AND_B = AlertToken("a", digest(f"{LONG}==")), AlertToken("1-b_c", digest(f"-{LONG}<>z"))
POLICY = ("END_USERS", "PAUSE_USERS", "PAUSE_SEVERAL_USERS", "RESUME_USERS", "ALLOWED_CHANNELS")


class Overheard(Mapping[str, str]):
    """An environment that notes which variables were read."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return self._variables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)


def problems(
    environ: Mapping[str, str], read: Callable[[Mapping[str, str]], object] = Settings.from_env
) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        read(environ)
    assert str(caught.value).splitlines() == list(caught.value.problems)
    return caught.value.problems


def blamed(*sentences: str) -> list[str]:
    """The variables that the sentences are about: each sentence begins with its own."""
    return [sentence.split()[0] for sentence in sentences]


@pytest.mark.parametrize(
    ("name", "value", "attribute", "expected"),
    [
        ("SLACK_APP_TOKEN", " xapp-1-A0-1-abc ", "slack_app_token", Secret("xapp-1-A0-1-abc")),
        ("SLACK_SIGNING_SECRET", " new , old,", "slack_signing_secrets", (Secret("new"), Secret("old"))),
        ("ANCHOR_API_URL", "http://localhost:1", "anchor_api_url", "http://localhost:1"),
        ("ANCHOR_API_URL", "http://[::1]:1", "anchor_api_url", "http://[::1]:1"),
        ("ANCHOR_API_URL", "https://gateway.example/anchor", "anchor_api_url", "https://gateway.example/anchor"),
        ("ANCHOR_DEADLINE", "600", "anchor_deadline", 600.0),
        ("PORT", "65535", "port", 65535),
        ("LOG_LEVEL", "debug", "log_level", "DEBUG"),
        ("DATABASE_URL", "postgres://me@db/bot", "database_url", Secret("postgres://me@db/bot")),
        ("LOG_FORMAT", "JSON", "log_format", "json"),
        ("ALERTS_TOKEN", f" {LONG} ", "workspace.alert_tokens", (AlertToken("default", digest(LONG)),)),
        ("ALERTS_TOKEN", f"a={LONG}==, 1-b_c=-{LONG}<>z,", "workspace.alert_tokens", A_AND_B),
        ("ALERTS_CHANNEL", "C0123456789", "workspace.alerts_channel", "C0123456789"),
        ("ALERTS_GROUP", " C01 = S01 , S02", "workspace.alerts_groups", "C01 = S01 , S02"),
        ("AUTO_PAUSE", "Observe", "workspace.auto_pause", AutoPause.OBSERVE),
        ("AUTO_PAUSE_LIMIT", "1000", "auto_pause_limit", 1_000),
        ("REMIND_BEFORE", "0", "remind_before", 0.0),
        ("REMIND_BEFORE", "60", "remind_before", 3_600.0),
    ],
)
def test_a_good_value_is_taken(name: str, value: str, attribute: str, expected: object) -> None:
    assert attrgetter(attribute)(Settings.from_env(REQUIRED | {name: value})) == expected


URLS = ("SLACK_API_URL", "ANCHOR_API_URL")
TIMES = ("ANCHOR_TIMEOUT", "ANCHOR_DEADLINE")
SECRETS = (
    *("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "ANCHOR_API_KEY", "ALERTS_TOKEN"),
    "METRICS_TOKEN",
)
BAD: list[tuple[tuple[str, ...], list[str]]] = [
    (SECRETS, ["two words", "clé", "xoxb-\x00", "xoxb-1\u200b", "line\nbreak", "geh\udce9im"]),
    (("SLACK_BOT_TOKEN",), ["", "xoxe.xoxb-1", "xoxp-1"]),
    (("SLACK_SIGNING_SECRET",), ["", " , ,"]),
    (("SLACK_APP_TOKEN",), ["xoxb-1"]),
    (("ANCHOR_API_KEY",), [""]),
    (URLS, ["api.example", "http://api.example", "ftp://api.example", "https://", "https://[::1", "https://h:port"]),
    (URLS, ["https://h:99999", "https://me:secret@h", "https://h/?key=1", "https://h/#part", "https://bücher.example"]),
    (("HTTPS_PROXY",), ["https://proxy:3128", "socks5://proxy:1080", "http://", "http://proxy:port", "http://ü:1"]),
    (TIMES, ["0", "-1", "601", "nan", "inf", "1e3", "ten", "1,5", "10s"]),
    (("JOURNAL_DAYS",), ["0", "3651", "-1", "1.5", "90d", "٩٠", "00000090"]),
    (("AUTO_PAUSE_LIMIT",), ["0", "1001", "-1", "1.5", "١", "9" * 60_000]),
    (("REMIND_BEFORE",), ["-1", "61"]),
    (("BASE_URL",), ["http://bot.example.com"]),
    (("PORT", "METRICS_PORT"), ["-1", "65536", "1e3", "http", "3000.0", "٣٠٠٠", "000000080", "80 80"]),
    (("LOG_LEVEL",), ["TRACE", "10"]),
    (("LOG_FORMAT",), ["xml"]),
    (("ALERTS_CHANNEL",), ["#alerts", "alerts", "U0ALICE0001", "c0123456789", "C0123456789,C1"]),
    (
        ("DATABASE_URL",),
        [
            *("anchor-bot.db", "/anchor-bot.db", "mysql://me:s3cret@db/anchor", "postgresql+psycopg://db/anchor"),
            *("postgresql:anchor", "sqlite:///", "sqlite:///:memory:", "sqlite:///bot.db?mode=ro"),
            "postgresql://db/two words",
        ],
    ),
    (("ENCRYPTION_KEYS",), ["s3cret", f"{KEY_OF_44}x", f"{KEY_OF_44};{KEY_OF_44}", f"{KEY_OF_44},x", "é" * 44]),
    (
        ("ALERTS_GROUP",),
        ["@on-call", "U0ALICE0001", "s0123456789", "<!subteam^S0123456789>", "S01,S02", "C01=", "=S01"],
    ),
    (
        ("ALERTS_GROUP",),
        ["C01=S01=S02", "general=S01", "C01=S01,C01=S02", ",".join(f"C0{n:02}=S01" for n in range(21))],
    ),
]


@pytest.mark.parametrize(("names", "values"), BAD, ids=[f"{names[0]}={values[0]!r}" for names, values in BAD])
def test_a_bad_value_is_named(names: tuple[str, ...], values: list[str]) -> None:
    for name in names:
        for value in values:
            (sentence,) = problems(REQUIRED | {name: value})
            assert (blamed(sentence), "s3cret" in sentence) == ([name], False), value


def one_of(environ: Mapping[str, str]) -> Workspace:
    one = Settings.from_env(environ).workspace
    assert one
    return one


@pytest.mark.parametrize("name", POLICY)
def test_what_is_no_id_is_counted_and_not_repeated(name: str) -> None:
    for value in ("@alice", "alice@example.com", "u0alice0001", "<@U0ALICE0001>", "#alerts", "T0HOME00001"):
        (sentence,) = problems(REQUIRED | {name: value})
        assert (blamed(sentence), value in sentence) == ([name], False)
    for value in ("U0ALICE0001 U0BOB000001", "U0ALICE0001;U0BOB000001", ",", " , ,"):
        assert blamed(*problems(REQUIRED | {name: value})) == [name]
    (sentence,) = problems(REQUIRED | {name: "C0ALERTS001,U0ALICE0001,xoxb-s3cret,U0BOB"})
    assert ("2, 3, 4" if name == "ALLOWED_CHANNELS" else "1, 3") in sentence
    assert "s3cret" not in sentence


def test_the_database_is_where_systemd_keeps_state_unless_it_is_here_already(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def default(**environ: str) -> str:
        return Settings.from_env(REQUIRED | environ).database_url.reveal()

    monkeypatch.chdir(tmp_path)
    state = {"STATE_DIRECTORY": "/var/lib/anchor-bot:/var/lib/other"}
    assert default() == "sqlite:///anchor-bot.db"
    assert default(**state) == "sqlite:////var/lib/anchor-bot/anchor-bot.db"
    assert default(**state, DATABASE_URL="sqlite:///own.db") == "sqlite:///own.db"
    Path("anchor-bot.db").touch()
    assert default(**state) == "sqlite:///anchor-bot.db"


TOKENS_OF_20 = ",".join(f"monitor-{number}={number:020}" for number in range(20))


@pytest.mark.parametrize(
    "tokens",
    [
        *("s3cret", "=s3cret", "a=", "a=s3cret=b", "a=b=s3cret", "a,b=s3cret", "A=s3cret", "-a=s3cret", "a b=s3cret"),
        *("dеfault=s3cret", "a\u200b=s3cret", f"{'a' * 31}=s3cret", "a=clé", "a=s3cret\nb", f"{'a' * 60_000}=s3cret"),
        *("a=s3cret", f"a={LONG},a={LONG}2", f"a={LONG},b={LONG}", f"default={LONG}2", f"a={LONG}", f"{TOKENS_OF_20}"),
    ],
)
def test_tokens_have_names_and_each_name_and_token_is_there_once(tokens: str) -> None:
    """At most 20, with one that has no name."""
    (sentence,) = problems(REQUIRED | {"ALERTS_TOKEN": f"{LONG},{tokens}"})
    assert (blamed(sentence), "s3cret" in sentence) == (["ALERTS_TOKEN"], False)
    found = one_of(REQUIRED | {"ALERTS_TOKEN": TOKENS_OF_20, "ALERTS_CHANNELS": "C0123456789, G01,"}).alert_tokens
    assert [one.channels for one in found] == [{"C0123456789", "G01"}] * 20


def test_tokens_that_can_ask_for_a_pause_are_named() -> None:
    tokens = REQUIRED | {"ALERTS_TOKEN": f"{LONG},spend-monitor={LONG}2,grafana={LONG}3"}
    workspace = one_of(tokens | {"AUTO_PAUSE": "on", "AUTO_PAUSE_TOKENS": "default, spend-monitor,"})
    can_pause = {token.name: token.may_pause for token in workspace.alert_tokens}
    assert can_pause == {"default": True, "spend-monitor": True, "grafana": False}
    assert workspace.auto_pause is AutoPause.ON


@pytest.mark.parametrize("names", ["s3cret", "a,default", "a b", "spend-monitor=s3cret-2", "A", "a" * 60_000])
def test_a_name_that_no_token_has_is_an_error(names: str) -> None:
    """It can be a token, by mistake, so it is not repeated."""
    (sentence,) = problems(REQUIRED | {"ALERTS_TOKEN": f"a={LONG}", "AUTO_PAUSE_TOKENS": names})
    assert (blamed(sentence), "s3cret" in sentence) == (["AUTO_PAUSE_TOKENS"], False)


SAID_OF_ONE: dict[str, dict[str, str]] = {
    "nothing is set": dict.fromkeys(REQUIRED, ""),
    "misspelled": dict.fromkeys(REQUIRED, "") | {"SLACK_BOT_TOKN": "xoxb-1", "SLACK_AP_TOKEN": "x"},
    "odd characters": dict.fromkeys(SECRETS, "two words"),
    "other kinds": {"SLACK_BOT_TOKEN": "xoxp-1", "SLACK_APP_TOKEN": "xoxb-1"},
    "bad values": dict.fromkeys(
        (*URLS, *TIMES, "JOURNAL_DAYS", "PORT", "LOG_LEVEL", "LOG_FORMAT", "ALERTS_CHANNEL", "ALERTS_GROUP"), "odd"
    ),
    "bad pauses by alerts": dict.fromkeys(("AUTO_PAUSE", "AUTO_PAUSE_TOKENS", "AUTO_PAUSE_LIMIT"), "odd"),
    "a bad reminder": {"REMIND_BEFORE": "61"},
    "the same port": {"METRICS_PORT": "3000"},
    "a bad proxy": {"HTTPS_PROXY": "socks5://bot:s3cret@proxy:1080"},
    "bad values of the store": {"DATABASE_URL": "odd", "ENCRYPTION_KEYS": "odd"},
    "tokens with wrong names": {"ALERTS_TOKEN": "Spend=s3cret"},
    "a name twice": {"ALERTS_TOKEN": f"spend-monitor={LONG},spend-monitor={LONG}2"},
    "too many tokens": {"ALERTS_TOKEN": f"{TOKENS_OF_20},spend-monitor={LONG}"},
    "short tokens": {"ALERTS_TOKEN": "x" * 19},
    "no ids": {"PAUSE_USERS": "@alice", "RESUME_USERS": ",", "ALLOWED_CHANNELS": "C0ALERTS001,#a,#b"},
    "a bad end": {"END_SESSION": "yes", "END_USERS": "@alice"},
}
SAID_OF_MANY: dict[str, dict[str, str]] = {
    "nothing is set of many": dict.fromkeys(MANY, "") | {"SLACK_CLIENT_ID": "123.456"},
    "bad ids of many": {"ALLOWED_WORKSPACES": "T0123456789,acme"},
    "the app is missing": {"SLACK_CLIENT_ID": "", "SLACK_CLIENT_SECRET": ""},
    "bad values of many": {"BASE_URL": "odd", "DATABASE_URL": "odd", "ENCRYPTION_KEYS": "odd"},
    "mixed up": {"ANCHOR_API_KEY": "sk-1", "ALERTS_TOKEN": "s3cret", "AUTO_PAUSE": "on"},
}


def test_wording(wording: Callable[[str, str], None]) -> None:
    for required, said in ((REQUIRED, SAID_OF_ONE), (MANY, SAID_OF_MANY)):
        for name, changes in said.items():
            wording(name, "\n".join(problems(required | changes)))


def test_the_example_file_has_every_setting_with_its_default() -> None:
    example = read_environment({}, EXAMPLE)
    one, many = Overheard(example | REQUIRED), Overheard(example | MANY)
    assert Settings.from_env(one) == DEFAULTS
    assert Settings.from_env(many) == Settings.from_env(MANY)
    operator = Settings.from_env(example | {"ENCRYPTION_KEYS": KEY_OF_44}, OF_OPERATORS)
    assert operator.database_url == DEFAULTS.database_url
    asked = one.asked | many.asked
    files = {setting.file_variable for setting in SETTINGS.values() if setting.is_secret}
    assert asked == {*example, *files, "STATE_DIRECTORY", "https_proxy"}
    optional = {"DATABASE_URL", "ALERTS_TOKEN", "ALERTS_CHANNEL", "SLACK_APP_TOKEN", *POLICY}
    optional |= {"ALERTS_CHANNELS", "AUTO_PAUSE_TOKENS"}
    optional |= {"ALERTS_GROUP", "HTTPS_PROXY", "METRICS_PORT", "METRICS_TOKEN", "ALLOWED_WORKSPACES"}
    assert {name for name, value in example.items() if not value} == {*REQUIRED, *MANY} | optional


# --- secrets in files: each has a variable NAME_FILE ---

IN_FILES = [setting.name for setting in SETTINGS.values() if setting.is_secret]


def in_files(values: Mapping[str, str], directory: Path) -> dict[str, str]:
    """The same variables, with those that are secrets in files."""
    environ = {}
    for name, value in values.items():
        if name in IN_FILES:
            (directory / name).write_text(f"{value}\n")
            environ[f"{name}_FILE"] = str(directory / name)
        else:
            environ[name] = value
    return environ


FILLED = REQUIRED | {"ALERTS_TOKEN": f"{LONG},a={LONG}2", "DATABASE_URL": "postgresql://bot:s3cret@db/anchor"}


@pytest.mark.parametrize("values", [FILLED, MANY | {"SLACK_SIGNING_SECRET": "", "SLACK_APP_TOKEN": "xapp-1"}])
def test_every_secret_can_be_in_a_file(values: dict[str, str], tmp_path: Path) -> None:
    filled = {name: value for name, value in values.items() if value}
    environ = in_files(filled, tmp_path)
    assert not set(IN_FILES) & environ.keys()
    assert Settings.from_env(environ) == Settings.from_env(values)


def test_a_file_is_named_once_and_its_content_never(tmp_path: Path, wording: Callable[[str, str], None]) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "long").write_text("x" * 70_000)
    (tmp_path / "bytes").write_bytes(b"xoxb-\xff")
    (tmp_path / "other").write_text("xoxp-s3cret")
    names = ("nothing", "empty", "long", "bytes", "other", ".")
    tokens = [{"SLACK_BOT_TOKEN_FILE": str(tmp_path / name)} for name in names]
    tokens += [{"SLACK_BOT_TOKEN_FILE": "xoxb-s3cret\0"}]
    tokens += [{"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_BOT_TOKEN_FILE": "/run/secrets/token"}]
    rest = {name: value for name, value in REQUIRED.items() if name != "SLACK_BOT_TOKEN"}
    sentences = [sentence for token in tokens for sentence in problems(rest | token)]
    assert len(sentences) == len(tokens)
    assert [sentence for sentence in sentences if "s3cret" in sentence] == []
    wording("files", "\n".join(sentences))


# --- a .env file: read from the working directory, and outweighed by the environment ---


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def test_the_environment_wins_over_the_file_even_if_it_is_blank_and_no_file_is_needed(file: Path) -> None:
    assert read_environment({"A": "environment"}, file) == {"A": "environment"}
    file.write_bytes(b"\xef\xbb\xbfC=file\r\n# ours\nexport A=file\nB='file' # quoted\nD=${A}\nE\nF=\n")
    read = read_environment({"A": "environment", "B": "", "X": "environment"}, file)
    assert read == {"A": "environment", "B": "", "C": "file", "D": "${A}", "F": "", "X": "environment"}


GOOD = REQUIRED | {"SLACK_SIGNING_SECRET": "0123456789abcdef" * 2}
NOWHERE = Path("/nowhere/.env")
QUESTIONABLE = {
    "SLACK_BOT_TOKN": "x",
    "log_level": "DEBUG",
    "SLACK_SIGNING_SECRET": f"{GOOD['SLACK_SIGNING_SECRET']},0123abcd",
    "DATABASE_URL": "postgresql://bot@db.example.com/anchor",
    "HOST": "0.0.0.0",  # noqa: S104 - no server listens
    "METRICS_PORT": "9464",
    "AUTO_PAUSE": "on",
}


def found(environ: dict[str, str], env_file: Path = NOWHERE) -> list[str]:
    return list(find_warnings(environ, Settings.from_env(environ), env_file))


def test_each_questionable_setting_is_named(tmp_path: Path, wording: Callable[[str, str], None]) -> None:
    env_file = tmp_path / ".env"
    env_file.touch(0o644)
    sentences = found(GOOD | QUESTIONABLE, env_file)
    wording("warnings", "\n".join(sentences).replace(str(env_file), ".env"))
    env_file.chmod(0o640)
    assert len(found(GOOD | QUESTIONABLE, env_file)) == len(sentences) - 1
    (tmp_path / "token").write_text(GOOD["SLACK_BOT_TOKEN"])
    (tmp_path / "token").chmod(0o644)
    (why,) = found(GOOD | {"SLACK_BOT_TOKEN": "", "SLACK_BOT_TOKEN_FILE": str(tmp_path / "token")})
    assert "SLACK_BOT_TOKEN_FILE" in why


@pytest.mark.parametrize(("mode", "is_named"), [("off", False), ("observe", True), ("on", True)])
def test_it_is_questionable_that_no_token_can_pause(mode: str, is_named: bool) -> None:
    sentences = found(GOOD | {"ALERTS_TOKEN": f"a={LONG}", "AUTO_PAUSE": mode})
    assert [f"AUTO_PAUSE is {mode}, but" in why for why in sentences] == [True] * is_named
    assert found(GOOD | {"ALERTS_TOKEN": f"a={LONG}", "AUTO_PAUSE": mode, "AUTO_PAUSE_TOKENS": "a"}) == []


@pytest.mark.parametrize(
    ("url", "is_named"),
    [
        ("postgresql://bot:p@db.example.com:5432/anchor", True),
        ("postgres://bot@127.0.0.1,db.example.com/anchor", True),
        ("postgresql://bot@[2001:db8::1]/anchor", True),
        ("postgresql://bot@db.example.com/anchor?sslmode=disable", False),
        ("postgresql://bot@db.example.com/anchor?connect_timeout=5&sslmode=verify-full", False),
        ("postgresql:///anchor", False),
        ("postgresql://bot@localhost/anchor", False),
        ("postgresql://bot@%2Frun%2Fpostgresql/anchor", False),
        ("postgresql:///anchor?host=/run/postgresql", False),
        ("postgresql://bot@[::1/anchor", False),
    ],
)
def test_a_database_on_another_machine_needs_a_word_about_tls(url: str, *, is_named: bool) -> None:
    assert ["sslmode" in why for why in found(GOOD | {"DATABASE_URL": url})] == [True] * is_named
    assert found(GOOD | {"DATABASE_URL": url, "PGSSLMODE": "require"}) == []


@pytest.mark.parametrize(
    ("environ", "summary"),
    [
        (GOOD | {"RESUME_USERS": "U0ALICE0001"}, ("HTTP", "one workspace", "restricted", "off")),
        (GOOD | {"AUTO_PAUSE": "ON"}, ("HTTP", "one workspace", "everybody", "on")),
        (MANY | {"SLACK_APP_TOKEN": "xapp-1"}, ("Socket Mode", "many workspaces", "set by admins", "set by admins")),
    ],
)
def test_the_summary(environ: dict[str, str], summary: tuple[str, ...]) -> None:
    *first, anchor, _, _ = summarize(Settings.from_env(environ)).values()
    assert (tuple(first), anchor) == (summary, "https://api.anchorbrowser.io")


def test_what_is_no_secret_has_no_file_and_a_blank_name_counts_as_not_set(tmp_path: Path) -> None:
    (tmp_path / "port").write_text("1")
    blank = {"SLACK_BOT_TOKEN_FILE": " ", "ALERTS_TOKEN_FILE": ""}
    assert Settings.from_env(REQUIRED | {"PORT_FILE": str(tmp_path / "port")} | blank) == Settings.from_env(REQUIRED)
