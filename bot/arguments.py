"""What can be written on the command line, and what its help says."""

import argparse

import bot
from bot.core.slack_id import SLACK_ID
from bot.variables import is_port


def parser() -> argparse.ArgumentParser:
    """All commands, each with its arguments in attributes of the same names."""
    top = argparse.ArgumentParser(
        prog="anchor-bot",
        description="Pause the AI agent of an Anchor Browser session from Slack: /anchor-pause <session_id> [reason].",
        epilog="New here? `anchor-bot demo` needs no account and no keys.",
    )
    top.add_argument("--version", action="version", version=f"anchor-bot {bot.__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="command")
    commands.add_parser(
        "run",
        help="serve Slack until SIGTERM",
        description="Serve Slack's requests at POST /slack/events, or by Socket Mode where SLACK_APP_TOKEN is set, "
        "until SIGTERM, which lets work in hand finish. "
        "Probes: GET /healthz, GET /readyz.",
        epilog="Settings come from the environment, then from .env in the working directory; .env.example lists "
        "and explains all of them. Exit code 2: a setting can't be used, and stderr says which and what to do.",
    )
    _add_alert(commands)
    _add_demo(commands)
    _add_workspaces(commands)
    _add_keys(commands)
    return top


def _add_alert(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "alert",
        help="post an alert with a Pause button, through a running bot",
        description="Send an alert about a session to the /alerts of a running bot, which posts it in Slack with a "
        "button to pause the session. Prints the channel and the message's ts.",
        epilog="ANCHOR_BOT_URL, ALERTS_TOKEN and ALERTS_WORKSPACE come from the environment, then from .env in the "
        "working directory. Exit code 1: it was not posted, or not for sure; 2: an argument or setting can't be used.",
    )
    parser.add_argument("--session", required=True, metavar="ID", help="the session, in any form: an id, its URL")
    parser.add_argument("--text", required=True, help="what happened")
    parser.add_argument("--title", help="the same in a few words")
    parser.add_argument("--severity", choices=["info", "warning", "critical"], help="warning, unless said otherwise")
    parser.add_argument("--url", help="where to look: http or https")
    parser.add_argument("--channel", metavar="ID", help="the channel's id, if not where the bot's alerts go")
    parser.add_argument("--bot-url", metavar="URL", help="where the bot is, instead of ANCHOR_BOT_URL")
    parser.add_argument("--workspace", metavar="ID", help="whose alert it is, instead of ALERTS_WORKSPACE")


def _add_demo(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "demo",
        help="try the bot in the browser, between a simulated Slack and Anchor",
        description="Start a simulated Slack and a simulated Anchor on this machine and the real bot between them, and "
        "serve a page on loopback to use them from, until Ctrl-C. No account, no keys, no settings.",
        epilog="Exit code 1: it could not start, or with --check something did not go as it should.",
    )
    parser.add_argument("--check", action="store_true", help="play a conversation instead, print it and end")
    parser.add_argument("--port", type=_port, default=0, metavar="N", help="where to serve the page, if not anywhere")
    parser.add_argument("--no-browser", action="store_true", help="open no browser")


def _port(text: str) -> int:
    if not is_port(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no port: write a number from 0 (any free one) to 65535")
    return int(text)


def _team_id(text: str) -> str:
    if not SLACK_ID.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no workspace's id: write it like T0123456789")
    return text


def _add_keys(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "keys",
        help="make a key for ENCRYPTION_KEYS, or encrypt everything anew",
        description="Keys with which a bot of many workspaces encrypts what is secret in its database.",
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="action")
    actions.add_parser("new", help="print a new key for ENCRYPTION_KEYS")
    actions.add_parser(
        "rotate",
        help="encrypt everything anew with the first of ENCRYPTION_KEYS",
        description="Encrypt everything in the database anew with the first of ENCRYPTION_KEYS. Before it, put the new "
        "key in front of the old one and restart every bot; after it, take the old one out.",
    )


def _add_workspaces(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "workspaces",
        help="look after the workspaces that installed the app",
        description="The workspaces in the database of DATABASE_URL. A bot that runs heeds a change at once.",
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="action")
    actions.add_parser("list", help="all of them, a line each: id, name, whether it has an Anchor key")
    _add_one(actions, "show", "what is known of one, without its secrets")
    _add_one(actions, "delete", "keep nothing of one; the app stays in Slack until it is removed there")
    _add_one(actions, "set-key", "give one its Anchor API key, read from a prompt or from stdin")
    token = _add_one(actions, "alert-token", "make a new token for the alerts of one, in the place of the old")
    token.add_argument("--channel", metavar="ID", help="the id of the channel for alerts that name none")


def _add_one(
    actions: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, does: str
) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=does, description=f"{does[0].upper()}{does[1:]}.")
    parser.add_argument("team_id", type=_team_id, metavar="ID", help="the workspace's id, like T0123456789")
    return parser
