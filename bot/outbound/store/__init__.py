"""Store of installed workspaces in SQLite or PostgreSQL, with encrypted secrets."""
