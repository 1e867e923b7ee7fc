"""What the bot decides, apart from everything it touches: no I/O, no clock, no framework."""
