from duecourse.testing import FilingContract

from duecourse_town import Town


class TestTown(FilingContract):
    adapter = Town
