"""Every word that a person sees in Slack or in a browser, and that a program is answered."""
