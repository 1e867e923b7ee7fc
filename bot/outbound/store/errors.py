"""Why the store can't be opened, or can't say what it knows."""

from bot.outbound.workspaces import StoreError


class StoreUnreachableError(StoreError):
    """The database gives no answer. The text says why, without a secret."""


class UnreadableError(StoreError):
    """What stands in the database can't be decrypted with these keys, or is not of the row that it stands in."""


class StoreNotUsableError(Exception):
    """The bot can't start with this database; `sentence` says why and what to do, naming the variable."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence
