"""The action ids of our buttons, by which Slack says what was clicked."""

PAUSE_ACTION = "anchor_pause"
RESUME_ACTION = "anchor_resume"
