"""Papers that a debtor keeps: the statement of account and the plan agreement, as PDF/A.

They lay out what `flow.statement` and `case.agreement` have worked out, and work out nothing.
"""
