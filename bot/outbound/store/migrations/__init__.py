"""How the database of an older version of the bot becomes one of this version."""
