"""Civil complaints to a Chinese court, as a bundle that a person uploads.

The complaint follows the elements of the 2025 model form 要素式起诉状 (Supreme People's
Court notice 82 of 2025) for credit-card disputes and for financial-loan contracts. No court offers an interface for it: the folder this
adapter writes goes to the court's portal by hand, and the court's answer comes back as a report.
"""

from collections.abc import Sequence

from duecourse import hookimpl
from duecourse_cn_court.adapter import CnCourt
from duecourse_cn_court.config import CnCourtConfig

__all__ = ["CnCourt", "CnCourtConfig", "filings"]


@hookimpl
def filings() -> Sequence[type[CnCourt]]:
    return [CnCourt]
