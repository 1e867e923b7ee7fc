"""The effect of the monitor's alerts, which ask for a pause, as Alice chooses it in the app's Home tab."""

from collections.abc import Iterator

from bot.core.workspace import AutoPause
from bot.messages.buttons import AUTO_PAUSE
from bot.sim.slack import SimSlack, View

_SHOWN_WITHIN = 10.0  # seconds
_NOT_SHOWN = "The bot does not show Alice's choice in Home. Is it running?"


class AutoPauseMenu:
    """The menu in Alice's Home. Its position is what the bot has published there last, and `off` before that."""

    def __init__(self, slack: SimSlack) -> None:
        self._slack = slack

    @property
    def mode(self) -> str:
        """Return what is chosen."""
        home = self._slack.home_of(self._slack.alice)
        return next(_chosen(home), AutoPause.OFF.value) if home else AutoPause.OFF.value

    async def choose(self, mode: str) -> str:
        """Choose as Alice does, and return what went wrong. Raises NotPossibleError if there is no such mode."""
        slack, alice = self._slack, self._slack.alice
        try:
            if slack.home_of(alice) is None:
                await slack.open_home(alice)
                await slack.until(lambda: slack.home_of(alice), within=_SHOWN_WITHIN)
            home = slack.home_of(alice)
            if home is not None and mode != self.mode:
                await slack.act(alice, home, AUTO_PAUSE, f"{self.mode} {mode}")
                await slack.until(lambda: self.mode == mode, within=_SHOWN_WITHIN)
        except TimeoutError:
            return _NOT_SHOWN
        return ""


def _chosen(home: View) -> Iterator[str]:
    for block in home.blocks:
        menu = block.get("accessory")
        if isinstance(menu, dict) and menu.get("action_id") == AUTO_PAUSE:
            yield str(menu["initial_option"]["value"]).split()[-1]
