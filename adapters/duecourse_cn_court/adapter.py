"""The filing adapter `cn-court`."""

from collections.abc import Mapping
from typing import Any, ClassVar

from duecourse import (
    DocumentError,
    FilingAdapter,
    FilingPackage,
    FilingProblem,
    FilingRequest,
)
from duecourse_cn_court.bundle import bundle
from duecourse_cn_court.checks import problems
from duecourse_cn_court.config import CnCourtConfig
from duecourse_cn_court.elements import elements
from duecourse_cn_court.folder import write


class CnCourt(FilingAdapter[CnCourtConfig]):
    """An element-based complaint with its evidence, in a folder named by the reference."""

    name = "cn-court"
    config_class = CnCourtConfig
    example: ClassVar[Mapping[str, Any]] = {
        "folder": "filings",
        "court": "虚构市样例区人民法院",
        "plaintiff_name": "Example Bank (fictional)",
        "plaintiff_credit_code": "91990000MA00000008",
        "plaintiff_address": "虚构市示例大道1号",
        "plaintiff_phone": "021-00000000",
        "legal_representative": "样例负责人",
        "service_address": "虚构市示例大道2号",
        "service_recipient": "样例法务",
        "service_phone": "021-00000001",
    }

    def prepare(self, request: FilingRequest) -> FilingPackage:
        """Pure. Raises FilingProblem, also when a font or a library is not installed."""
        if found := problems(self.config, request):
            raise FilingProblem(*found)
        reference = f"cn-{request.referral_id.hex}"
        try:
            return bundle(elements(self.config, request, reference), request)
        except DocumentError as refusal:
            raise FilingProblem(f"documents: {refusal}") from None

    def submit(self, package: FilingPackage) -> str:
        """Write the folder that a person uploads. The same package again changes nothing.

        Raises Transient when the disk refuses, FilingProblem when another bundle is already there.
        """
        write(self.config.folder, package)
        return package.reference
