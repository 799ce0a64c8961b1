"""Contact rules and the treatment schedule: pure functions over dated, cited TOML."""
