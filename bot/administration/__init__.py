"""What admins do in Slack: they look at the workspace's settings in the app's Home, and change them."""
