"""Every text and block that people see."""
