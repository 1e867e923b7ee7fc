"""What the bot keeps of the workspaces it is installed in: encrypted, in SQLite or PostgreSQL."""
