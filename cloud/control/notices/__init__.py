"""Tells people of alerts: e-mail, webhook, desktop."""
