"""Let Slack validate the messages and views in a file of `pytest --blocks`, by blocks.validate: it needs no token.

https://docs.slack.dev/reference/methods/blocks.validate
"""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.outbound.http import open_session
from bot.outbound.slack.web_api import TRANSPORT_ERRORS, open_web

SLACK = "https://slack.com/api/"


class NotValidatedError(Exception):
    """Slack gave no verdict. The text says why."""


async def complaints(shown: Sequence[tuple[str, Mapping[str, Any]]], api_url: str) -> list[str]:
    """Return Slack's complaints about messages and views, each with its JSON. Raises NotValidatedError."""
    async with open_session() as session:
        web = open_web(session, api_url)
        found = []
        for kind, content in shown:
            found += [f"{error}: {json.dumps(content)}" for error in await _errors(web, kind, content)]
        return found


async def _errors(web: AsyncWebClient, kind: str, content: Mapping[str, Any]) -> list[object]:
    try:
        response = await web.api_call("blocks.validate", data={kind: json.dumps(content)})
    except SlackApiError as error:
        errors = error.response.get("errors")
        if not errors:
            raise NotValidatedError(str(error.response.get("error"))) from None
    except TRANSPORT_ERRORS as error:
        raise NotValidatedError(type(error).__name__) from None
    else:
        errors = response.get("errors", [])
    return list(errors)


def main(file: str, api_url: str = SLACK) -> int:
    """Print what Slack finds. Return 1 if that is anything, 2 if Slack gives no verdict."""
    shown = json.loads(Path(file).read_text())
    try:
        found = asyncio.run(complaints(shown, api_url))
    except NotValidatedError as error:
        sys.stderr.write(f"Slack validated nothing: {error}. Run this where {api_url} can be reached.\n")
        return 2
    sys.stdout.writelines(f"{line}\n" for line in found)
    sys.stdout.write(f"{len(shown)} messages and views: {len(found)} errors.\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
