"""Entry point of `anchor-bot` and of `python -m bot`."""

import gc
import sys

gc.disable()  # modules are no garbage: to look for it among them takes a fiftieth of the time to start
from bot.cli.main import main  # noqa: E402

gc.freeze()
gc.enable()

if __name__ == "__main__":
    sys.exit(main())
