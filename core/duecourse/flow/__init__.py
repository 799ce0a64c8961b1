"""What follows an event: views, timers, outreach, filing."""
