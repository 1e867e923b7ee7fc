"""The command line: commands, arguments, and their output."""
