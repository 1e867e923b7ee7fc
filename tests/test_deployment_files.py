"""The files that operators copy: image, compose, systemd, Kubernetes, and the app manifest."""

import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jsonschema
import pytest
import yaml
from jsonschema import Draft7Validator

from bot.cli.main import main
from bot.cli.manifest import manifest
from bot.config.settings import SETTINGS
from bot.core.workspace import SCOPES
from bot.inbound.install import REDIRECT_PATH
from bot.inbound.slack.app import Router
from bot.inbound.slack.listeners import OrderListeners, ViewListeners
from bot.messages.buttons import PAUSE_FROM_MESSAGE, PAUSE_FROM_MESSAGE_NAME
from bot.sim.slack import Shortcut, SimSlack, SlashCommand
from harness.product import outcomes
from harness.samples import sample

ROOT = Path(__file__).parents[1]
DOCKERFILE, COMPOSE, SERVICE = ROOT / "Dockerfile", ROOT / "compose.yaml", ROOT / "deploy/anchor-bot.service"
HOME = "/var/lib/anchor-bot"
LONGEST_STOP = 10
"""Seconds, as docs/run.md promises."""
Stage = list[tuple[str, str]]


def read_stages(path: Path) -> list[Stage]:
    """The instructions of each stage, of which the first is its FROM, and their arguments."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    stages: list[Stage] = []
    for line in filter(None, re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines()):
        name, _, arguments = line.partition(" ")
        stages += [[]] if name == "FROM" else []
        stages[-1].append((name, arguments))
    return stages


def all_of(stage: Stage, name: str) -> list[str]:
    return [arguments for one, arguments in stage if one == name]


def environment_of(stage: Stage) -> dict[str, str]:
    return dict(word.split("=", 1) for arguments in all_of(stage, "ENV") for word in arguments.split())


BUILD, IMAGE = read_stages(DOCKERFILE)


@pytest.mark.skipif(not Path(sys.executable).with_name("hadolint").exists(), reason="hadolint is for Linux on x86-64")
def test_the_dockerfile_is_clean() -> None:
    hadolint = (Path(sys.executable).with_name("hadolint"), DOCKERFILE)
    subprocess.run(hadolint, check=True)  # noqa: S603 - ours


def test_the_image_runs_as_nobody_in_particular_and_keeps_its_state_in_one_volume() -> None:
    (user,), (directory,), (volume,) = (all_of(IMAGE, name) for name in ("USER", "WORKDIR", "VOLUME"))
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)
    assert (directory, volume) == (HOME, f'["{HOME}"]')
    assert set(environment_of(IMAGE)) <= {*SETTINGS, "PATH", "PYTHONDONTWRITEBYTECODE"}
    assert "slim" in IMAGE[0][1]


def test_what_is_copied_into_the_image_is_in_the_context() -> None:
    """`.dockerignore` excludes everything but this."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    included = {line.removeprefix("!") for line in lines if line.startswith("!")}
    copied = {word for one in all_of(BUILD, "COPY") for word in one.split()[:-1]}
    shared = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert lines[0] == "*"
    assert set(shared["shared-data"]) <= copied
    assert copied == included
    assert [name for name in copied if not (ROOT / name).exists()] == []


def compose() -> Mapping[str, Any]:
    loaded: Mapping[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return loaded


def test_compose_runs_the_bot_without_rights_and_lets_it_end() -> None:
    services = compose()["services"]
    bot_service = services["bot"]
    for one in services.values():
        assert (one["read_only"], one["cap_drop"], one["ulimits"]) == (True, ["ALL"], {"core": 0})
    assert services["postgres"]["user"] != "root"
    required = set(re.findall(r"\$\{(\w+):\?", COMPOSE.read_text()))
    in_socket_mode = {name for name, one in services.items() if "profiles" not in one}
    assert (required, in_socket_mode) == ({"POSTGRES_PASSWORD"}, {"bot", "postgres"})
    assert bot_service["volumes"] == [f"state:{HOME}"]
    assert int(bot_service["stop_grace_period"].removesuffix("s")) > LONGEST_STOP
    assert set(bot_service["environment"]) <= set(SETTINGS)
    assert [name for name, service in services.items() if "ports" in service] == ["caddy"]


def service() -> dict[str, str]:
    lines = SERVICE.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def test_the_service_gives_the_bot_a_directory_and_the_time_to_stop() -> None:
    found = service()
    assert (found["User"], found["StateDirectory"]) == ("anchor-bot", "anchor-bot")
    assert int(found["TimeoutStopSec"]) > LONGEST_STOP
    assert found["LimitCORE"] == "0"


KINDS = {
    "Deployment": "io.k8s.api.apps.v1.Deployment",
    "Service": "io.k8s.api.core.v1.Service",
    "PodDisruptionBudget": "io.k8s.api.policy.v1.PodDisruptionBudget",
    "NetworkPolicy": "io.k8s.api.networking.v1.NetworkPolicy",
}


def kubernetes() -> dict[str, Any]:
    return {one["kind"]: one for one in yaml.safe_load_all((ROOT / "deploy/kubernetes.yaml").read_text())}


@pytest.mark.parametrize("kind", KINDS)
def test_each_object_of_kubernetes_is_valid(kind: str) -> None:
    schema = sample("kubernetes.schema") | {"$ref": f"#/definitions/{KINDS[kind]}"}
    assert kubernetes().keys() == KINDS.keys()
    assert [one.message for one in Draft7Validator(schema).iter_errors(kubernetes()[kind])] == []


def test_kubernetes_runs_two_bots_without_rights_finds_them_and_lets_them_end() -> None:
    objects = kubernetes()
    deployment, policy = objects["Deployment"]["spec"], objects["NetworkPolicy"]["spec"]
    pod = deployment["template"]["spec"]
    (container,) = pod["containers"]
    selectors = [deployment["selector"]["matchLabels"], objects["Service"]["spec"]["selector"]]
    selectors += [
        objects["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        policy["podSelector"]["matchLabels"],
    ]
    assert selectors == [deployment["template"]["metadata"]["labels"]] * 4
    assert (deployment["replicas"], objects["PodDisruptionBudget"]["spec"]["minAvailable"]) == (2, 1)
    assert pod["terminationGracePeriodSeconds"] > LONGEST_STOP
    assert pod["securityContext"]["runAsNonRoot"]
    rights = container["securityContext"]
    assert (rights["readOnlyRootFilesystem"], rights["capabilities"]) == (True, {"drop": ["ALL"]})
    assert {one["name"] for one in container["env"]} <= set(SETTINGS)
    ports = {one["name"]: one["containerPort"] for one in container["ports"]}
    named = {one["name"]: one["value"] for one in container["env"]}
    assert ports == {"http": int(named["PORT"]), "metrics": int(named["METRICS_PORT"])}
    probes = {name: container[f"{name}Probe"]["httpGet"] for name in ("startup", "readiness", "liveness")}
    assert [one["path"] for one in probes.values()] == ["/healthz", "/readyz", "/healthz"]
    allowed = {port["port"] for rule in policy["ingress"] for port in rule["ports"]}
    assert {one["port"] for one in probes.values()} | {"metrics"} == allowed == set(ports)


def test_the_rule_about_pauses_knows_each_outcome_that_leaves_an_agent_running() -> None:
    (group,) = yaml.safe_load((ROOT / "deploy/prometheus-rules.yml").read_text())["groups"]
    (expression,) = (rule["expr"] for rule in group["rules"] if rule["alert"] == "AnchorBotPauseFailed")
    (known,) = re.findall(r'outcome=~"([^"]+)"', expression)
    runbooks = {rule["annotations"]["runbook_url"] for rule in group["rules"]}
    assert runbooks == {"PROJECT_URL/blob/HEAD/docs/emergency.md"}
    assert sorted(known.split("|")) == sorted(outcomes.CALL_SOMEBODY - {"NotFound"})  # mostly an id with a typo


SOURCES = [path.read_text() for path in (ROOT / "bot").rglob("*.py") if "sim" not in path.relative_to(ROOT).parts]

SCOPE_OF_METHOD = {
    "api_call": None,  # oauth.v2.access, which goes by the client's own secret
    "apps_connections_open": None,  # takes the app token, whose scope stands outside the manifest
    "auth_revoke": None,
    "auth_test": None,
    "chat_deleteScheduledMessage": "chat:write",
    "chat_getPermalink": None,  # https://docs.slack.dev/reference/methods/chat.getPermalink
    "chat_postMessage": "chat:write",
    "chat_scheduleMessage": "chat:write",
    "chat_update": "chat:write",
    "chat_delete": "chat:write",
    "users_info": "users:read",
    **dict.fromkeys(("views_open", "views_push", "views_update", "views_publish"), None),
}

HOST = "https://your-host.example"
AS_IT_IS = (ROOT / "manifest.yml").read_text()
VARIANTS = {"": AS_IT_IS, f"--http {HOST}": manifest(HOST), f"--http {HOST}/ --many": manifest(HOST, many=True)}
MANIFEST: dict[str, Any] = yaml.safe_load(AS_IT_IS)
DECLARED, SIMULATED = MANIFEST["features"]["shortcuts"], SimSlack().home.installation


class Names(Router):
    """The names of listeners, by kind."""

    def __init__(self) -> None:
        self.names = defaultdict[str, list[str]](list)

    def add(self, kind: str, *names: str, listener: object) -> None:
        assert callable(listener)
        self.names[kind].extend(names)


def listened_to() -> dict[str, list[str]]:
    nothing: Any = None  # no listener is called here
    router = Names()
    OrderListeners(nothing, nothing, nothing).add_to(router)
    ViewListeners(nothing, nothing, nothing, nothing, nothing).add_to(router, has_settings=False)
    return router.names


NAMES = listened_to()


@pytest.mark.parametrize("arguments", VARIANTS)
def test_each_form_is_valid_and_says_where_requests_go(arguments: str) -> None:
    form = yaml.safe_load(VARIANTS[arguments])
    jsonschema.Draft7Validator(sample("manifest.schema")).validate(form)
    urls = [command.get("url") for command in form["features"]["slash_commands"]]
    urls += [form["settings"][name].get("request_url") for name in ("interactivity", "event_subscriptions")]
    assert form["settings"]["interactivity"]["is_enabled"]
    assert form["settings"]["socket_mode_enabled"] is (not arguments)
    assert set(urls) == {f"{HOST}/slack/events" if arguments else None}
    redirects = [HOST + REDIRECT_PATH] if "--many" in arguments else None
    assert form["oauth_config"].get("redirect_urls") == redirects


@pytest.mark.parametrize("arguments", VARIANTS)
def test_the_command_prints_it_and_the_link_that_creates_the_app(
    arguments: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["manifest", *arguments.split()]) == 0
    written = capsys.readouterr()
    assert written.out == VARIANTS[arguments]
    page, _, query = written.err.split()[-1].partition("?")
    assert page == "https://api.slack.com/apps"
    fields = parse_qs(query, strict_parsing=True)
    (linked,) = fields.pop("manifest_yaml")
    assert fields == {"new_app": ["1"]}
    assert yaml.safe_load(linked) == yaml.safe_load(written.out)
    assert "# " not in linked
    assert len(written.err) < 4_000


def test_its_events_and_commands_are_those_that_the_bot_listens_to_and_that_the_simulated_workspace_has() -> None:
    events = set(MANIFEST["settings"]["event_subscriptions"]["bot_events"])
    assert events == set(NAMES["event"])
    declared = MANIFEST["features"]["slash_commands"]
    assert sorted(NAMES["command"]) == sorted(command["command"] for command in declared)
    assert list(SIMULATED.commands) == [
        SlashCommand(command["command"], command["description"], command["usage_hint"]) for command in declared
    ]


def test_its_shortcuts_are_those_that_the_bot_listens_to_and_that_the_simulated_workspace_has() -> None:
    of_messages, of_all = ([one for one in DECLARED if one["type"] == kind] for kind in ("message", "global"))
    assert [(one["name"], one["callback_id"]) for one in of_messages] == [(PAUSE_FROM_MESSAGE_NAME, PAUSE_FROM_MESSAGE)]
    assert NAMES["message_shortcut"] == [PAUSE_FROM_MESSAGE]
    assert NAMES["global_shortcut"] == [one["callback_id"] for one in of_all]
    for listed, simulated in ((of_messages, SIMULATED.shortcuts), (of_all, SIMULATED.global_shortcuts)):
        assert list(simulated) == [Shortcut(one["name"], one["callback_id"], one["description"]) for one in listed]


def test_its_scopes_are_those_that_the_called_methods_need() -> None:
    call = re.compile(r"\b_?web\.((?:api|apps|auth|chat|users|views)_\w+)\(")
    called = {method for source in SOURCES for method in call.findall(source)}
    needed = {SCOPE_OF_METHOD[method] for method in called} - {None}
    assert set(MANIFEST["oauth_config"]["scopes"]["bot"]) == needed | {"commands"} == set(SCOPES)
    assert not MANIFEST["settings"]["token_rotation_enabled"]
    assert not MANIFEST["settings"]["org_deploy_enabled"]
