"""Orders of the command line in the process of the test."""

from bot.cli.main import parser
from bot.cli.orders import give_order as order
from bot.config.environment import Settings


async def give_order(settings: Settings, *arguments: str) -> int:
    return await order(parser().parse_args(arguments), settings)
