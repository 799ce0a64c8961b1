"""Read models: what a case shows to those who work with it. Pure functions of its state."""
