"""Orders on the command line, in the process of the test."""

from bot.cli.parser import parser
from bot.cli.session_orders import give_order as order
from bot.config.settings import Settings


async def give_order(settings: Settings, *arguments: str) -> int:
    """Give the order of these arguments, and return the exit code."""
    return await order(parser().parse_args(arguments), settings)
