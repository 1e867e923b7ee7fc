"""Foreign text on a terminal."""


def printable(text: str, *, longest: int) -> str:
    """Without what could steer a terminal, and no longer than so many characters."""
    return "".join(char if char.isprintable() else " " for char in text[:longest])
