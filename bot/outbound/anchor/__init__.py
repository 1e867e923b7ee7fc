"""Client of Anchor's API."""
