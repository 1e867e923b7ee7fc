"""The OAuth pages that install the app in a workspace."""
