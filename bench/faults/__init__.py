"""Measure what faults of the machine, the database and the network do to pauses, with the bot as a process."""
