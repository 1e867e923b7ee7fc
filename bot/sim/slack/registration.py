"""The app's settings at Slack about its installation."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Registration:
    """Its credentials, the URLs that people may be sent back to, and the scopes it may ask for.

    With `rotates_tokens`, what it gets dies within hours.
    """

    client_id: str
    client_secret: str
    redirect_urls: list[str] = field(default_factory=list)
    scopes: tuple[str, ...] = ("commands", "chat:write", "users:read")
    rotates_tokens: bool = False

    def knows(self, redirect_uri: str) -> bool:
        """Return whether a URL is equal to a registered one, or below it."""
        return any(redirect_uri == url or redirect_uri.startswith(f"{url.rstrip('/')}/") for url in self.redirect_urls)
