"""Amounts, waterfalls, interest, caps, plans and limitation. Pure; integers of minor units."""
