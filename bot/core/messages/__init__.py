"""Every word that a person sees in Slack."""
