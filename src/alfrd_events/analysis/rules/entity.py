"""Who issued a document: the company as printed.

Every line near the top, and every line that ends in a legal form, is a candidate. What speaks for
one: its place, a legal form, a word that organisations use, a web site or an e-mail address of the
same name, being repeated. What speaks against one: being an address, a heading, a person that the
document is sent to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from alfrd_events.analysis.text.layout import Row, Segment
from alfrd_events.analysis.text.naming import ENDS_WITH_LEGAL_FORM, LEGAL_FORM, OWNED_BY, clean_name
from alfrd_events.analysis.text.parsed import ParsedText
from alfrd_events.model import Document

ROWS_AT_THE_TOP = 14
LONGEST_NAME = 64
SHORTEST_NAME = 3
_ROWS_OF_A_BLOCK = 4
ROWS_LOOKED_AT = 400
"""Names stand on the first pages; a book is not read through for its publisher."""

HEADING = re.compile(
    r"^\W*(?:(?:simplified\s*)?(?:tax|sales|cash|commercial|proforma|pro\s*forma"
    r"|final)?\s*(?:invoice|receipt|recelpt|resit|bill)s?(?:\s*(?:no|#|number|summary|date).*)?"
    r"|statement.*|account\b.*|original|copy|duplicate|reprint|official.*|paid|welcome.*"
    r"|thank\s*you.*|terima\s*kasih.*|customer.*|payment\b.*|summary.*"
    r"|page\b.*|date\b.*|table\b.*|order\b.*|cashier.*|total.*|amount.*|balance.*|due\b.*"
    r"|description.*|item.*|qty.*|price.*|cash|credit|debit|rent\s*receipt"
    r"|factuur.*|rechnung.*|facture.*|factura.*|fattura.*|quittung|recu|ticket|kassenbon|bon"
    r"|lieferschein|notice\s*of.*|important.*|dear\b.*|geachte.*|sehr\s*geehrte.*"
    r"|hello.*|hi\b.*|attn.*|bill\s*to.*|ship\s*to.*|sold\s*to.*|invoice\s*to.*|from|to|re\b.*"
    r"|subject.*|tel\b.*|telephone.*|phone.*|fax.*|e-?mail.*|website.*|www\..*|http.*"
    r"|detail.*|guest.*|check\s*(?:in|out).*|explanation\s*of.*|policy.*|declarations?.*|your\b.*"
    r"|please\b.*|this\b.*|how\b.*|if\b.*|quantity.*|pos\b.*|take\s*away|dine\s*in"
    r"|hotel\s*details|open\b.*|closed.*|service\s*provider.*|landlord|tenant|received\s*from"
    r"|property\b.*|name\b.*|address\b.*|gst\b.*|vat\b.*|sst\b.*|tin\b.*|ein\b.*|reg\b.*"
    r"|co\.?\s*reg.*|notes?)\W*$"
)
ADDRESS = re.compile(
    r"(?<![a-z])(?:jalan|jln|jin|jl|lorong|lrg|taman|tmn|lot|persiaran|lebuh|seksyen|section|kawasan"
    r"|bandar|kampung|kg|selangor|johor|kuala\s*lumpur|penang|perak|pahang|melaka|sabah"
    r"|sarawak|street|str|st|avenue|ave|road|rd|blvd|boulevard|drive|lane|suite|ste|floor|flr|level"
    r"|block|blk|unit|apt|p\.?o\.?\s*box|plaza|highway|hwy|parkway|rue|strasse|platz|weg|straat"
    r"|laan|calle|via|cedex|malaysia|singapore|nagar|marg|koil)(?![a-z])|(?:strasse|straat|weg"
    r"|laan)\s*\d|\b\d{5}\b|^\W*no\W{0,3}\d|\b[a-z]{2}\W{1,2}\d{5}"
)
CONTACT = re.compile(
    r"(?<![a-z])(?:tel|fax|phone|telephone|mobile|hp|h/p|e-?mail|www|http|website|hotline"
    r"|call)(?![a-z])|@|\+\d{2}"
)
RECIPIENT = re.compile(
    r"(?<![a-z])(?:bill(?:ed)?\s*to|ship(?:ped)?\s*to|sold\s*to|deliver(?:ed)?\s*to|invoice\s*to"
    r"|customer(?!\s*(?:service|copy|care))|attn|attention|recipient|account\s*holder"
    r"|policy\s*holder"
    r"|policyholder|insured|tenant|received\s*from|student|guest|client|patient|employee|member"
    r"|to\s*:|billing\s*address|service\s*address|mail\s*to|nom\s*de\s*l.abonne|klant|kunde|buyer"
    r"|payer|kaufer|rechnungsempfanger|warenempfanger|besteller|acheteur|destinataire|acquirente|cessionario|comprador"
    r"|adquirente|koper|afnemer|nabywca|odbiorca|odberatel|kupujici|koparen?|kober|adresse\s*de\s*(?:livraison|facturation)"
    r"|factuuradres|afleveradres|lieferadresse|service\s*for)"
)
ISSUER = re.compile(
    r"(?<![a-z])(?:landlord|payable\s*to|pay(?:able)?\s*to\s*the\s*order\s*of|seller|vendor|supplier"
    r"|service\s*provider|from|issued\s*by|sold\s*by|provider|biller|employer|lender|insurer"
    r"|rechnungssteller|rechnungsersteller|ver\s?kaufer|lieferant|leistungserbringer|vendeur|fournisseur|emetteur|venditore|fornitore"
    r"|vendedor|proveedor|emisor|verkoper|leverancier|sprzedawca|dodavatel|prodavajici|saljare|saelger|fornecedor"
    r"|underwritten\s*by|in\s*favou?r\s*of|remit(?:tance)?\s*to|payment\s*to|merchant|school"
    r"|merchant\s*name)\W*$"
)
ORGANISATION = re.compile(
    r"(?<![a-z])(?:enterprise|trading|restaurant|restoran|cafe|kopitiam|bakery|bakeries"
    r"|confectionery|mart|supermarket|hypermarket|pharmacy|farmasi|stationer(?:y|s)|bookstores?"
    r"|books?|hardware|store|stores|shop"
    r"|kedai|syarikat|perniagaan|seafood|kitchen|catering|cuisine|bistro|grill|hotel|resort|petrol"
    r"|station|service|services|motors?|garage|electric|electricity|power|energy|gas|water|light"
    r"|utilit(?:y|ies)|telecom|wireless"
    r"|mobile|communications|broadband|insurance|assurance|mutual|bank|banking|credit\s*union"
    r"|financial|university|college|school|academy|institute|hospital|clinic|medical|dental|health"
    r"|department|ministry|agency|bureau|county|city\s*of"
    r"|state\s*of|town\s*of|properties|realty|apartments|management|holdings|group|industries"
    r"|solutions|systems|technologies|logistics|airlines?|association|foundation|church|club|court"
    r"|office\s*of|authority|district|commission|company)(?![a-z])"
    r"|stationer|restaurant|pharmacy|farmasi|hardware|bookstore|enterprise|supermarket|confectioner"
    r"|insurance|universit|hospital|perniagaan"
)
TRADE = re.compile(
    r"^\W*(?:(?:kitchen|bar|grill|restaurant|restoran|cafe|coffee|tea|bistro|pub|brasserie|bakery|patisserie|pizza|pizzeria"
    r"|fish|chips|seafood|steakhouse|lounge|deli|delicatessen|catering|wine|spirits|food|foods|drinks|fresh|market|mini"
    r"|supermarket|pharmacy|drugstore|hardware|stationery|books|gifts|florist|laundry|house|shop|store|and|the|est|since"
    r"|\d{4})\W*)+$"
)
"""A line that says what a shop is, under the line that says who it is: "Kitchen & Bar"."""
LABEL = re.compile(
    r"^(?:service|electric|electricity|gas|water|health|medical|insurance|bank|card|company|group|store|station|school|power|energy)"
    r"\W*(?:period|date|number|no|plan|fee|fees|charges?|address|due|amount|type|category|summary|details?|id|code|from|to|provider|tax)?$"
    r"|(?:period|date|number|address|amount|details|charges?|information|options|summary)\W*$"
)
"""Words over a value, which an organisation could also be named with."""
ATTRIBUTE = re.compile(
    r":|^\W*(?:globale?\s*)?(?:nummer|number|numero|gln|id\b|ust\b|vat\b|tax\b|steuer|lief\W|kunden\W)|version\W"
)
"""A line of an address block that says something of its company, and not its name."""
PERSON = re.compile(
    r"^(?:dr|mr|mrs|ms|prof)\b\.?\s|,\s*(?:m\.?d|ph\.?d|esq|d\.?d\.?s|r\.?n)\b", re.IGNORECASE
)
SITE = re.compile(
    r"(?:www\.|https?://(?:www\.)?|@)([a-z0-9][a-z0-9-]{1,40})\.[a-z]{2,6}"
    r"|(?<![a-z0-9.@])([a-z0-9-]{3,40})\.(?:com|net|org|gov|edu|co|de|fr|nl|my|eu)\b"
)
PUBLIC_MAIL = frozenset(
    {
        "gmail",
        "yahoo",
        "hotmail",
        "outlook",
        "icloud",
        "facebook",
        "example",
        "google",
        "instagram",
        "twitter",
    }
)


PARTY = re.compile(
    r"^(?:(?:made\s+)?(?:by\s+and\s+)?between|and|zwischen|entre)\s+(.{3,80}?),?\s*\((?:the\s+)?[\"“'‘]?"
    r"(?:landlord|lessor|seller|company|licensor|employer|vermieter|verkaufer|bailleur)[\"”'’]?\)",
    re.IGNORECASE,
)
"""The party of a contract that has drawn it up: "between … (Landlord)"."""
MAILBOX = re.compile(r"^\W{0,3}([^<>@]{2,100}?)[\s\"']*<[^<>\s]+@[^<>\s]+>\W*$")
"""A mail's sender: the name is before the address, with or without quotes."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """A name and where it is printed."""

    name: str
    segment: Segment
    score: float
    is_organisation: bool
    """Whether more than its place speaks for it: a legal form, a word of organisations, a site, a label."""


def find_issuer_of(document: Document, parsed: ParsedText) -> Issuer | None:
    """The issuer of a document by its type: a paper of no known type needs more than a first line."""
    return best_for(document, propose_issuers(parsed, is_receipt=document.document_type in {"receipt", ""}))


def best_for(document: Document, issuers: Iterable[Issuer]) -> Issuer | None:
    """The one of the proposed issuers that a document of this type is from."""
    issuer = max(issuers, key=lambda each: each.score, default=None)
    if issuer is None or issuer.score < 0:
        return None
    if document.document_type == "other" and not issuer.is_organisation:
        return None
    return issuer


def propose_issuers(parsed: ParsedText, *, is_receipt: bool) -> Iterator[Issuer]:
    """Every line, and every part of one, that could be the issuer's name, with what speaks for it."""
    recipients = _recipient_rows(parsed)
    sites = _sites(parsed)
    for name, segment in _candidates(parsed):
        score = _score(name, segment, parsed, recipients, sites, is_receipt=is_receipt)
        yield Issuer(name, segment, score, _is_organisation(name, segment, parsed, sites))


def _is_organisation(name: str, segment: Segment, parsed: ParsedText, sites: tuple[str, ...]) -> bool:
    core = re.sub(r"[^a-z0-9]", "", LEGAL_FORM.sub("", name.lower()))
    return (
        bool(LEGAL_FORM.search(name) or ORGANISATION.search(name.lower()) or OWNED_BY.match(segment.text))
        or any(_names_the_same(core, site) for site in sites)
        or _labelled_as_issuer(segment, parsed)
    )


def _candidates(parsed: ParsedText) -> Iterator[tuple[str, Segment]]:
    for row in parsed.rows[:ROWS_LOOKED_AT]:
        at_top = row.index < ROWS_AT_THE_TOP
        for segment in row.segments:
            for piece in _pieces(segment):
                name = clean_name(_whole_name(piece, segment, parsed))
                letters = len(re.findall(r"[^\W\d_]", name))
                if not SHORTEST_NAME <= len(name) <= LONGEST_NAME or letters < 2:
                    continue
                if (
                    at_top
                    or LEGAL_FORM.search(name)
                    or ORGANISATION.search(name.lower())
                    or _introduced(row, parsed)
                ):
                    yield name, segment


def _pieces(segment: Segment) -> Iterator[str]:
    """A segment's parts that could be names: "Mutual Insurance | One Plaza, Springfield" has two."""
    text = segment.text
    label = re.match(
        r"^(?:landlord|seller|vendor|provider|from|employer|insurer|school|sold by|issued by"
        r"|merchant)\s*:\s*",
        text,
        re.IGNORECASE,
    )
    if label:
        text = text[label.end() :]
    if party := PARTY.match(text):
        yield party[1]
        return
    if sender := MAILBOX.match(text):
        yield sender[1]
        return
    parts = re.split(r"\s[|•·–—-]\s|\s{2,}|,\s(?=P\.?O)", text)
    yield from (part for part in parts[:4] if part)
    capital = re.match(r"(.{2,40}?\b(?:SAS|SA|SARL|AG|GmbH|B\.V\.|N\.V\.))\s+(?:au capital|mit Sitz|-)", text)
    if capital:
        yield capital[1]
    sold = re.search(r"\bsold by ([A-Z][^.]{3,50}?(?:Inc|LLC|Ltd|GmbH|B\.V)\b\.?)", text)
    if sold:
        yield sold[1]


def _whole_name(piece: str, segment: Segment, parsed: ParsedText) -> str:
    """A legal form on a line of its own belongs to the line above: "POPULAR BOOK / CO. (M) SDN BHD"."""
    rest = re.sub(r"[^a-z]", "", LEGAL_FORM.sub("", re.sub(r"\([^)]*\)", "", piece.lower())))
    if not LEGAL_FORM.search(piece) or len(rest) > 2 or segment.row == 0:
        return piece
    above = parsed.rows[segment.row - 1]
    if above.page != segment.page or HEADING.match(above.folded) or ADDRESS.search(above.folded):
        return piece
    return f"{above.segments[0].text} {piece}"


def _recipient_rows(parsed: ParsedText) -> list[Segment]:
    return [
        segment
        for row in parsed.rows[:ROWS_LOOKED_AT]
        for segment in row.segments
        if RECIPIENT.search(segment.folded) and len(segment.text) < 60
    ]


def _sites(parsed: ParsedText) -> tuple[str, ...]:
    names = []
    for match in SITE.finditer(parsed.layout.folded, 0, 60_000):
        name = (match[1] or match[2]).replace("-", "")
        if name not in PUBLIC_MAIL and len(name) > 2:
            names.append(name)
    return tuple(dict.fromkeys(names))[:12]


def _introduced(row: Row, parsed: ParsedText) -> bool:
    if row.index == 0:
        return False
    above = parsed.rows[row.index - 1]
    return above.page == row.page and any(ISSUER.search(segment.folded) for segment in above.segments)


def _score(
    name: str,
    segment: Segment,
    parsed: ParsedText,
    recipients: list[Segment],
    sites: tuple[str, ...],
    *,
    is_receipt: bool,
) -> float:
    folded = name.lower()
    squashed = re.sub(r"[^a-z0-9]", "", folded)
    score = _place(segment, parsed, is_receipt=is_receipt)
    if ENDS_WITH_LEGAL_FORM.search(name):
        score += 1.5 if is_receipt and _follows_the_address(segment, parsed) else 4.0
    elif LEGAL_FORM.search(name):
        score += 2.5
    if ORGANISATION.search(folded):
        score += 2.0
    if OWNED_BY.match(segment.text) and not _follows_the_address(segment, parsed):
        score += 3.0
    core = re.sub(r"[^a-z0-9]", "", LEGAL_FORM.sub("", folded))
    if any(_names_the_same(core, site) for site in sites):
        score += 2.5
    score += min(1.5, 0.5 * (_mentions(core, parsed) - 1))
    if _labelled_as_issuer(segment, parsed):
        score += 4.0
    score -= _unlike_a_name(name, folded, segment)
    if _belongs_to_recipient(segment, recipients, parsed):
        score -= 6.0
    if len(squashed) <= 3 and not is_receipt:
        score -= 0.5
    if TRADE.match(folded) and _under_a_name(segment, parsed):
        score -= 3.0
    return score


def _follows_the_address(segment: Segment, parsed: ParsedText) -> bool:
    """Whether the shop's head (name, address, telephone) is over before this line."""
    return any(CONTACT.search(row.folded) for row in parsed.rows[max(0, segment.row - 8) : segment.row])


def _under_a_name(segment: Segment, parsed: ParsedText) -> bool:
    """Whether the line above could be a name itself."""
    if segment.row == 0:
        return False
    above = parsed.rows[segment.row - 1].folded
    said_elsewhere = HEADING.match(above) or ADDRESS.search(above) or CONTACT.search(above)
    return not said_elsewhere and bool(re.search(r"[a-z]{3}", above))


def _place(segment: Segment, parsed: ParsedText, *, is_receipt: bool) -> float:
    """The nearer to the top, the likelier; big print too, except on receipts, where it is a pen's."""
    top = 3.5 * max(0.0, 1 - segment.row / ROWS_AT_THE_TOP)
    if segment.page > 1:
        top -= 1
    if is_receipt or segment.box is None:
        return top
    usual = parsed.usual_height
    size = (segment.box[3] - segment.box[1]) / usual if usual else 1
    return top + min(2.0, max(0.0, size - 1.2) * 1.5)


def _unlike_a_name(name: str, folded: str, segment: Segment) -> float:
    penalty = 0.0
    if HEADING.match(folded):
        penalty += 7
    if ADDRESS.search(folded) and not ENDS_WITH_LEGAL_FORM.search(name):
        penalty += 3.5
    if CONTACT.search(folded):
        penalty += 4
    digits = sum(character.isdigit() for character in name)
    letters = sum(character.isalpha() for character in name)
    if digits > letters / 2:
        penalty += 6
    if len(name.split()) > 7:
        penalty += 2.5
    if name.endswith((":", "?")) or segment.text.rstrip().endswith(":"):
        penalty += 4
    if re.search(r"[a-z]\.\s*$", name) and not ENDS_WITH_LEGAL_FORM.search(name):
        penalty += 1.5
    if LABEL.search(folded):
        penalty += 4
    if PERSON.search(name):
        penalty += 4
    if ATTRIBUTE.match(folded):
        penalty += 4
    if letters < 4 and "&" not in name:
        penalty += 3
    if re.match(r"^[a-z]", name) and not LEGAL_FORM.search(name):
        penalty += 1
    return penalty


def _belongs_to_recipient(segment: Segment, recipients: list[Segment], parsed: ParsedText) -> bool:
    """Whether it stands under (or beside) "Bill to" and the like, within an address block."""
    for recipient in recipients:
        distance = segment.row - recipient.row
        if recipient.page != segment.page or not 0 <= distance <= 4 or ISSUER.search(recipient.folded):
            continue
        if recipient is segment:
            return bool(re.search(r"[:\s]\S", segment.folded[RECIPIENT.search(segment.folded).end() :]))  # type: ignore[union-attr]
        if distance == 0:
            if segment.box and recipient.box and 0 <= segment.box[0] - recipient.box[2] < 0.1:
                return True
            continue
        if segment.overlaps_horizontally(recipient) or not parsed.layout.has_boxes:
            return True
    return False


def _labelled_as_issuer(segment: Segment, parsed: ParsedText) -> bool:
    row = parsed.rows[segment.row]
    before = [
        other
        for other in row.segments
        if other is not segment and (other.box or (0,))[0] <= (segment.box or (0,))[0]
    ]
    if before and ISSUER.search(before[-1].folded):
        return True
    reach = 0 if ATTRIBUTE.search(segment.folded) or ADDRESS.search(segment.folded) else _ROWS_OF_A_BLOCK
    for other in reversed(parsed.rows[max(0, segment.row - reach) : segment.row]):
        above = [
            each
            for each in other.segments
            if each.page == segment.page and each.overlaps_horizontally(segment)
        ]
        if any(ISSUER.search(each.folded) for each in above):
            return True
        if segment.row - other.index > 1 and not any(ATTRIBUTE.search(each.folded) for each in above):
            break
    return bool(
        re.match(
            r"^(?:landlord|seller|vendor|provider|from|employer|insurer|school|sold by|issued by)\s*:",
            segment.folded,
        )
    )


def _mentions(core: str, parsed: ParsedText) -> int:
    if len(core) < 4:
        return 1
    return parsed.squashed.count(core)


def _names_the_same(core: str, site: str) -> bool:
    if len(core) < 3 or len(site) < 3:
        return False
    return (
        core == site
        or (len(site) >= 4 and core.startswith(site))
        or (len(core) >= 4 and site.startswith(core))
    )
