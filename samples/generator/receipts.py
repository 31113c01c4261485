"""Slips from a till: a crumpled supermarket receipt, scanned, and a photo of a restaurant's."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pillow_heif
from PIL import Image

from .canvas import Canvas
from .paper import crumpled, on_wood, scanned, textured, torn, turned, unevenly_lit
from .parts import barcode
from .sample import Sample, Truth, cents, jpeg, money

SALES_TAX = Decimal("0.0825")


def samples() -> Iterator[Sample]:
    yield _supermarket()
    yield _restaurant()


class Till:
    """Prints a slip downwards, a line at a time."""

    def __init__(self, height: float, size: float) -> None:
        self.slip = Canvas(380, height)
        self.size = size
        self.y = 34.0

    def centre(self, text: str, size: float | None = None, *, bold: bool = False) -> None:
        """Print a line in the middle."""
        size = size or self.size
        self.y += size * 0.4
        self.slip.text(190, self.y, text, size, bold=bold, align="center")
        self.y += size * 1.05

    def pair(
        self, left: str, right: str, *, bold: bool = False, size: float | None = None, indent: int = 0
    ) -> None:
        """Print a line with a text at each end."""
        size = size or self.size
        self.y += size * 0.3 + (size - self.size) * 1.2
        self.slip.text(28 + indent, self.y, left, size, bold=bold)
        self.slip.text(352, self.y, right, size, bold=bold, align="right")
        self.y += size * 1.1

    def dashes(self) -> None:
        """Print a dashed line."""
        self.y += 2
        self.slip.dashes(28, self.y, 324, "#333333", dash=3)
        self.y += self.size * 1.1

    def print(self) -> Image.Image:
        """The slip in the narrow letters of a thermal printer."""
        wide = self.slip.render(2.0)
        return wide.resize((round(wide.width * 0.86), wide.height), Image.Resampling.LANCZOS)


# --- supermarket ---------------------------------------------------------------------------------

MARKET = "Thistleplum Market"
# Name, quantity and unit where it is not one piece, unit price, and whether it is taxed.
GROCERIES = (
    ("Sourdough loaf", None, "5.49", False),
    ("Bananas", ("1.84", "lb"), "0.69", False),
    ("Oat milk", ("2", ""), "4.29", False),
    ("Vine tomatoes", ("1.12", "lb"), "3.49", False),
    ("Goat cheese 8 oz", None, "6.79", False),
    ("Free range eggs 12", None, "5.99", False),
    ("Lentil soup", ("3", ""), "2.35", False),
    ("Dish soap", None, "3.89", True),
    ("Paper towels 6 rolls", None, "9.49", True),
)


def _supermarket() -> Sample:
    till = Till(770, 16)
    till.slip.ellipse(190, 30, 15, fill="#3c3c3c")
    till.slip.polygon([(190, 16), (202, 4), (196, 20)], "#3c3c3c")
    till.y = 62
    till.centre(MARKET, 26, bold=True)
    till.centre("55 Orchard Lane, Port Amber, CA 95699")
    till.centre("Tel. 555-0128")
    till.dashes()
    till.pair("03/16/2024  17:42", "Receipt 004-71926")
    till.pair("Register 4", "Cashier: Odile")
    till.dashes()
    subtotal = taxable = Decimal(0)
    for name, quantity, price, taxed in GROCERIES:
        amount = cents(Decimal(quantity[0] if quantity else 1) * Decimal(price))
        subtotal += amount
        taxable += amount if taxed else 0
        till.pair(f"{name}{' T' if taxed else ''}", f"{amount}")
        if quantity:
            till.pair(" ".join(filter(None, (*quantity, f"@ {price}"))), "", indent=22)
    tax = cents(taxable * SALES_TAX)
    total = subtotal + tax
    till.dashes()
    till.pair("Subtotal", f"{subtotal}")
    till.pair(f"Tax 8.25 % on {taxable}", f"{tax}")
    till.pair("TOTAL", money(total), bold=True, size=23)
    till.pair("Card ending 0417", money(total))
    till.pair("Change", "$0.00")
    till.dashes()
    till.centre("12 items. Thank you for shopping with us!")
    barcode(till.slip, 70, till.y, 240, 38, "00471926")
    image = textured(till.print(), seed=31, tint="#f7f5f0")
    image = unevenly_lit(crumpled(image, seed=8), darkest=0.74)
    image = turned(scanned(image, seed=9, noise=6, contrast=0.86), 1.1, "#cfcdca")
    truth = Truth(
        document_type="receipt",
        entity=MARKET,
        entity_also=("Thistleplum",),
        date=date(2024, 3, 16),
        total_amount=total,
        series_key="thistleplum-market",
        fields={"receipt_number": "004-71926"},
    )
    return Sample("2024-03-supermarket.jpg", jpeg(image, 60), truth, till.slip.text_lines)


# --- restaurant ----------------------------------------------------------------------------------

TAVERN = "The Brass Bittern"
DISHES = (
    (2, "Smoked tomato soup", "9.50"),
    (1, "Grilled halibut", "27.00"),
    (1, "Mushroom risotto", "21.50"),
    (1, "Lemon tart", "8.75"),
    (2, "Elderflower soda", "4.25"),
)


def _restaurant() -> Sample:
    till = Till(580, 16)
    till.slip.ellipse(176, 34, 14, 7, fill="#222222")
    till.slip.polygon([(184, 34), (197, 12), (216, 17), (201, 19), (190, 38)], "#222222")
    till.slip.line([(173, 40), (173, 56)], "#222222", 1.6)
    till.slip.line([(180, 40), (180, 56)], "#222222", 1.6)
    till.y = 82
    till.centre(TAVERN, 28, bold=True)
    till.centre("Kitchen & Bar")
    till.centre("3 Wharf Street, Port Amber, CA 95699")
    till.dashes()
    till.pair("Date: March 23, 2024", "20:17")
    till.pair("Table 7, 2 guests", "Check 3318")
    till.dashes()
    for quantity, dish, price in DISHES:
        till.pair(f"{quantity}  {dish}", money(quantity * Decimal(price)))
    subtotal = sum((quantity * Decimal(price) for quantity, _, price in DISHES), Decimal(0))
    tax, tip = cents(subtotal * SALES_TAX), Decimal("16.00")
    total = subtotal + tax + tip
    till.dashes()
    till.pair("Subtotal", money(subtotal))
    till.pair("Sales tax 8.25 %", money(tax))
    till.pair("Tip", money(tip))
    till.pair("Total paid", money(total), bold=True, size=22)
    till.pair("Card", "ending 0417")
    till.dashes()
    till.centre("Your server was Bastien. Come back soon!")
    sheet = textured(till.print(), seed=41, tint="#fdfcf8")
    photo = on_wood(torn(sheet), seed=17, degrees=-2.2)
    photo = unevenly_lit(photo, darkest=0.7, corner=(0, 1))
    truth = Truth(
        document_type="receipt",
        entity=TAVERN,
        entity_also=("The Brass Bittern Kitchen & Bar",),
        date=date(2024, 3, 23),
        total_amount=total,
        total_also=(subtotal + tax,),
        series_key="the-brass-bittern",
    )
    return Sample("2024-03-restaurant.heic", _heic(photo), truth, till.slip.text_lines)


def _heic(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    pillow_heif.from_pillow(image).save(buffer, quality=55)
    return buffer.getvalue()
