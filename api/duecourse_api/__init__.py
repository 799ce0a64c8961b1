"""The HTTP API: `duecourse_api.app.create_app` makes it, `services` says what it needs."""
