"""The store: the log of events, the keys, and what follows the log. Composed in `flow.house`."""
