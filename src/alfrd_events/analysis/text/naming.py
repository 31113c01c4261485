"""Names of companies: as printed, cleaned for display, and folded to a key.

The same company is printed, abbreviated and misread in many ways: ``KING'S CONFECTIONERY S/B
273500-U``, ``Kings Confectionery Sdn. Bhd.``, ``K1NG'S CONFECTI0NERY``. :func:`entity_key` gives all
of them one key. :func:`same_entity` says whether two names differ by no more than a reader's slips.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from rapidfuzz.distance import Levenshtein

from alfrd_events.analysis.text.vocabulary import any_of

_LEGAL_FORMS = any_of("companies.legal_form")
LEGAL_FORM = re.compile(rf"(?<![a-z0-9.&]){_LEGAL_FORMS}(?![a-z0-9]|-\d)\.?", re.IGNORECASE)
ENDS_WITH_LEGAL_FORM = re.compile(rf"(?<![a-z0-9.&]){_LEGAL_FORMS}[\s.,)]*$", re.IGNORECASE)
ENDS_WITH_INITIALS = re.compile(r"\b[A-Z]\.(?:[A-Z]\.)+\s*$|&\s?\w{1,4}\.\s*$", re.IGNORECASE)
"""Legal forms that are in no list, and partners: "P.C.", "S.A.U.", "& Zn."."""
ONLY_LEGAL_FORM = rf"{_LEGAL_FORMS}[\s.,)]*$"
GLUED_LEGAL_FORM = re.compile(rf"(?<=[a-z]{{3}}){any_of('companies.legal_form_glued')}\b\.?", re.IGNORECASE)
REGISTRATION = re.compile(
    rf"[\s,-]{{0,9}}[(\[{{]?\s{{0,3}}(?:{any_of('companies.register')}[.,]?\s{{0,3}}"
    rf"(?:{any_of('companies.register_entry')}\w*)?[.,]?\s{{0,3}}{any_of('companies.register_number')}?"
    r"[.,]?\s{0,3}[:.]?\s{0,3})?"
    r"[a-z]{0,3}(?:[l|]?\d[\dol|]{4,12}\s?[-–—.\s]?\s?[a-z0-9]?|\d[\do]{2,8}\s?[-–—]\s?[a-z0-9])\s{0,3}[)\]}]?"
    r"(?:\s{0,3}\(?[a-z][a-z0-9]{1,3}\)?)?\s{0,3}$",
    re.IGNORECASE,
)
"""Blanks are counted: two runs of any length beside one another would take the cube of a long one."""
OWNED_BY = re.compile(rf"^\W*{any_of('companies.owned_by')}\s*[:.\-]?\s*", re.IGNORECASE)
SITE = re.compile(
    r"^(?:www\.)?([a-z0-9-]+)\.(?:com?|net|org|biz|nl|de|fr|es|it|be|eu|my|sg|in|uk|us|ca"
    r"|au)(?:\.[a-z]{2})?$",
    re.IGNORECASE,
)
TELEPHONE = re.compile(
    rf"[\s,]{{1,9}}(?:{any_of('companies.telephone')}\.?\s{{0,3}}:?\s{{0,3}})?\+?[\d(][\d\s().-]{{6,}}$",
    re.IGNORECASE,
)
ARTICLE = re.compile(rf"^\s*{any_of('companies.article')}\s+")
LEADING_NOISE = re.compile(r"^[^\w(]+|^\(\W*")
TRAILING_NOISE = re.compile(r"[\s\-–—_|:;,*~=<>\[{(/\\]+$")
CONFUSABLE = str.maketrans(
    {"0": "o", "1": "l", "i": "l", "|": "l", "5": "s", "8": "b", "2": "z", "6": "g", "q": "g", "j": "l"}
)
MISREAD_O = re.compile(r"(?<=[A-Z])0(?=[A-Z])")
MISREAD_S_B = re.compile(r"\b5/[B8]$")
MISREAD_SDN_BHD = re.compile(r"\b[S5][DO0I]N B[HN]D[I1l|]?(?!\w)")
MISREAD_L = re.compile(r"(?<=[a-z])I(?=[a-z])")
MISREAD_SDN = re.compile(r"\b5dn(?= Bhd\b)")
SHORT_KEY = 5
SIMILAR = 0.86


def clean_name(printed: str) -> str:
    """A name for display: without registration and telephone numbers, "owned by", and the reader's dust.

    Legal forms stay: they are part of the name as printed.
    """
    name = " ".join(printed.split())
    name = OWNED_BY.sub("", name)
    name = LEADING_NOISE.sub("", name)
    name = TELEPHONE.sub("", name) or name
    stripped = REGISTRATION.sub("", name)
    if len(re.sub(r"[^A-Za-z]", "", stripped)) >= 2:
        name = stripped
    name = TRAILING_NOISE.sub("", name)
    name = MISREAD_L.sub("l", MISREAD_O.sub("O", name))
    name = MISREAD_SDN_BHD.sub("SDN BHD", MISREAD_S_B.sub("S/B", name))
    name = MISREAD_SDN.sub("Sdn", name)
    if name.count("(") < name.count(")"):
        name = name.rstrip(") ")
    has_its_stop = ENDS_WITH_LEGAL_FORM.search(name) or ENDS_WITH_INITIALS.search(name)
    return name.strip() if has_its_stop else name.strip(" .")


_NUMBER_WORD = re.compile(r"(?<![a-z0-9])\d+(?![a-z0-9])")
_WIDE_DIGITS = "０-９"
_WIDE = {ord("0") + digit: chr(0xFF10 + digit) for digit in range(10)}
"""A number that is a word of a name is kept as it is: in it no 1 is taken for an l, nor 11 for one."""


@lru_cache(maxsize=32_768)  # each document is compared with all series of its owner
def entity_key(name: str) -> str:
    """What identifies a company however it was printed or read; empty for an empty name.

    Case, accents, punctuation, legal forms, registration numbers and a leading "the" go; characters
    that readers confuse (``0`` and ``O``, ``1``, ``l`` and ``I``, ``rn`` and ``m`` …) become one. Two
    firms whose names differ in a word keep different keys.
    """
    plain = _plain(clean_name(name))
    core = _core(plain)
    return unicodedata.normalize("NFKC", _without_confusable(core))


def _without_confusable(core: str) -> str:
    """The same for letters and digits that readers take for each other."""
    return core.translate(CONFUSABLE).replace("rn", "m").replace("vv", "w").replace("ll", "l")


def squashed(text: str) -> str:
    """The letters and digits of a text in which the keys of names can be found."""
    return _without_confusable(re.sub(r"[^a-z0-9]+", "", _plain(text)))


def same_entity(one: str, other: str) -> bool:
    """Whether two names are one company's, up to misreadings and legal forms.

    A short name must match exactly; a long one may differ in about one character in eight, but no
    whole word of it may.
    """
    first, second = entity_key(one), entity_key(other)
    if not first or not second:
        return False
    if first == second:
        return True
    if min(len(first), len(second)) <= SHORT_KEY or likeness(one, other) < SIMILAR:
        return False
    return not _numbers_differ(one, other) and not _words_differ(one, other)


def likeness(one: str, other: str) -> float:
    """How much of two names' keys is the same, 0 to 1; nothing is like an empty one."""
    first, second = entity_key(one), entity_key(other)
    return Levenshtein.normalized_similarity(first, second) if first and second else 0.0


_NUMBER = re.compile(r"(?<![a-z0-9])\d+(?![a-z0-9])|\d{2,}")
"""A word, or two digits and more within one: a single digit among letters may be a misread letter."""


def _numbers_differ(one: str, other: str) -> bool:
    """Whether the numbers in two names differ: "School District 112" is not "District 12", nor "School District"."""
    first, second = (_NUMBER.findall(_plain(clean_name(name))) for name in (one, other))
    return first != second


_MASKED = re.compile(r"[*•·#]|x{2,}", re.IGNORECASE)
_FEWEST_CHARACTERS, _FEWEST_DIGITS = 6, 4
_MISREAD_IN_NUMBERS = str.maketrans("OQILSBZ", "0011582")


def account_key(number: str) -> str:
    """What identifies an account, policy or customer however its number was printed or read.

    Empty for a number that identifies nothing: too short, or masked.
    """
    plain = re.sub(r"[^0-9A-Z]", "", number.upper()).translate(_MISREAD_IN_NUMBERS)
    digits = sum(character.isdigit() for character in number)
    if _MASKED.search(number) or len(plain) < _FEWEST_CHARACTERS or digits < _FEWEST_DIGITS:
        return ""
    return plain


def _words_differ(one: str, other: str) -> bool:
    """Whether a word of one name has no likeness in the other: "North Clinic" is not "South Clinic"."""
    first = [word.translate(CONFUSABLE) for word in _words(one)]
    second = [word.translate(CONFUSABLE) for word in _words(other)]
    if len(first) != len(second):
        return abs(len(first) - len(second)) > 1 and not _glued(first, second)
    return any(Levenshtein.distance(a, b) > max(1, len(a) // 4) for a, b in zip(first, second, strict=True))


def _glued(first: list[str], second: list[str]) -> bool:
    return Levenshtein.normalized_similarity("".join(first), "".join(second)) >= SIMILAR


def _words(name: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", LEGAL_FORM.sub(" ", _plain(clean_name(name))))


def _plain(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character)).replace(
        "’", "'"
    )


def _core(plain: str) -> str:
    """Letters and digits of the name without its legal forms; all of them where nothing else is left."""
    site = SITE.match(plain.strip())
    bare = site[1] if site else plain
    bare = GLUED_LEGAL_FORM.sub(" ", bare)
    bare = LEGAL_FORM.sub(" ", bare)
    bare = ARTICLE.sub("", bare)
    core = re.sub(
        rf"[^a-z0-9{_WIDE_DIGITS}]+", "", _NUMBER_WORD.sub(lambda match: match[0].translate(_WIDE), bare)
    )
    return core or re.sub(r"[^a-z0-9]+", "", plain)
