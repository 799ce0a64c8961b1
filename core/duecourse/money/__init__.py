"""Amounts, ledgers and schedules. Pure; integers of minor units throughout."""
