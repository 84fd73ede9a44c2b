"""Logs of decisions, as files hold them, become rounds that the estimators of `channel_selector` judge a policy on."""
