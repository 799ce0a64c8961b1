"""The whole thing on one machine, with fictional people and a clock of its own."""
