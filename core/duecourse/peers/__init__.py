"""Real peers for demonstrations and tests: an SMS gateway and a mailbox, on this machine only.

They keep ledgers of their own, so that what a case says was sent can be compared with it.
"""
