"""The values of an electronic invoice."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class InvoiceLine(BaseModel):
    """What was sold, on one line of an electronic invoice."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    description: str = ""
    quantity: Decimal | None = None
    unit: str = ""
    """Code of UN/ECE Recommendation 20, such as ``KWH``."""
    unit_price: Decimal | None = None
    amount: Decimal | None = None


class Invoice(BaseModel):
    """The values of an electronic invoice (EN 16931), exactly as its seller's program wrote them.

    Amounts of a credit note are stated as positive numbers, as the standard has it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    syntax: Literal["CII", "UBL"]
    kind: Literal["invoice", "credit_note"] = "invoice"
    number: str
    issue_date: date
    due_date: date | None = None
    seller: str
    seller_tax_id: str = ""
    buyer: str = ""
    customer_number: str = ""
    """By which the seller knows the buyer (BT-46)."""
    buyer_reference: str = ""
    order_number: str = ""
    period_start: date | None = None
    period_end: date | None = None
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    net: Decimal | None = None
    tax: Decimal | None = None
    total: Decimal
    """With tax (BT-112)."""
    prepaid: Decimal | None = None
    rounding: Decimal | None = None
    due: Decimal | None = None
    """What is left to pay (BT-115)."""
    payment_terms: str = ""
    payment_reference: str = ""
    iban: str = ""
    lines: tuple[InvoiceLine, ...] = ()

    @property
    def is_credit(self) -> bool:
        """Whether the seller gives money back."""
        return self.kind == "credit_note"

    @property
    def sign(self) -> int:
        """By what an amount counts: a credit note's are positive by the standard, and not with all programs."""
        return -1 if self.is_credit and self.total > 0 else 1

    @property
    def adds_up(self) -> bool:
        """Whether its sums agree to the cent, as the standard demands (BR-CO-15, BR-CO-16)."""
        if self.net is not None and self.net + (self.tax or 0) != self.total:
            return False
        return self.due is None or self.due == self.total - (self.prepaid or 0) + (self.rounding or 0)
