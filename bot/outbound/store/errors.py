"""The errors of the store."""


class StoreError(Exception):
    """The database cannot be read or changed. The text says why, without secrets."""


class StoreUnreachableError(StoreError):
    """The database gives no answer."""


class StoreBrokenError(StoreUnreachableError):
    """The database answers with an error that waiting does not end, such as a missing table."""


class UnreadableError(StoreError):
    """A value in the database cannot be decrypted or decoded, or belongs to another row."""


class UnfinishedError(StoreError):
    """Orders that are not finished keep rows from being changed."""


class PartError(StoreError):
    """Only the last part of a transaction has failed; it is undone."""


class ClockSetError(StoreError):
    """The database's clock is not as it was expected. A transaction that used it is to be done again."""


class StoreNotUsableError(Exception):
    """The bot cannot start with this database; `sentence` names the setting, the reason and the remedy."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class StoreDownError(StoreNotUsableError):
    """The database gives no answer now."""


class StoreInUseError(StoreNotUsableError):
    """Another bot uses the database file."""


class IntegrityError(Exception):
    """A violated constraint. The text is the name of the database's error."""
