"""One debtor's debts to one creditor: what may be asked, what happened, what follows. Pure."""
