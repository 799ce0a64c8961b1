"""Files of a lender as commands: portfolios, payments, foreign headers.

No bad row stops a good one, and a file that is read twice changes nothing.
"""
