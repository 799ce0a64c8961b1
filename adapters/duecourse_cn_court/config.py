"""What the plaintiff says of itself and of its claim; the case says the rest."""

from typing import Annotated, Literal

import msgspec

from duecourse import Config

Line = Annotated[str, msgspec.Meta(max_length=200)]
Passage = Annotated[str, msgspec.Meta(max_length=2000)]


class CnCourtConfig(Config, kw_only=True):
    """Particulars of the plaintiff. `prepare` checks them all and names each that is wrong.

    `folder` must exist. An empty `agent_name` means no agent, an empty `continuing_interest` that
    nothing is claimed for the time after the statement's date, an empty clause or contract basis
    that the person who signs fills it in. Products not listed as credit cards are financial loans.
    """

    folder: Line
    court: Line
    plaintiff_name: Line
    plaintiff_credit_code: Line
    plaintiff_address: Line
    plaintiff_phone: Line
    legal_representative: Line
    legal_representative_title: Line = ""
    service_address: Line
    service_recipient: Line
    service_phone: Line
    accepts_electronic_service: bool = False
    electronic_service_address: Line = ""
    agent_name: Line = ""
    agent_firm: Line = ""
    agent_phone: Line = ""
    agent_authority: Literal["general", "special"] = "general"
    credit_card_products: tuple[Line, ...] = ("card", "credit-card")
    contract_basis: Passage = ""
    legal_basis: Passage = (
        "《中华人民共和国民法典》第五百七十七条、第六百七十四条、第六百七十五条、第六百七十六条"
    )
    continuing_interest: Passage = ""
    other_claims: Passage = "本案诉讼费用由被告承担。"
    jurisdiction_clause: Passage = ""
    mediation: Literal["yes", "no", "undecided"] = "undecided"
