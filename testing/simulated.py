"""A language model whose answers are as good as its instruction, and one that proposes instructions of mixed worth.

Documents carry twelve values. Ten of them are hard: the model gets such a value right with probability 0.5, unless
its instruction holds the one sentence that it needs (five sentences, two values each), and then with 0.95. A harmful
sentence takes 0.3 from four values, a neutral one does nothing. How hard a document is for a value is the document's:
two instructions meet the same luck but for ``NOISE`` of the draws, which are made anew, as a model answers a little
differently to other words.

The reflector adds a sentence: 60 % one that is needed for a mistake that it was told of, 20 % a neutral one, 20 % a
harmful one. It does not know which. Answer keys are wrong in 2 % of the values.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import TypeVar

from alfrd_events.clients.calls import Call, Calls, Reply
from alfrd_events.clients.llm.base import Question
from alfrd_events.model import JsonObject

Made = TypeVar("Made")

NEEDED: Mapping[str, tuple[str, str]] = {
    "Take the deadline from the payment slip at the foot of the sheet.": ("due_date", "period_end"),
    "Prefer the figure after earlier balances were added.": ("total_amount", "previous_reading"),
    "The contract line beneath the letterhead identifies the recipient.": ("account_number", "meter"),
    "Whoever signs the supply agreement is the issuer.": ("entity", "tariff"),
    "Count the interval from the reading before.": ("period_start", "usage"),
}
TYPE_NEEDED = "Whoever supplies energy or water sends bills of that kind."
EASY = ("document_date", "currency")
FACTS = (*EASY, *(fact for facts in NEEDED.values() for fact in facts))
COLUMNS = frozenset(FACTS) - {"previous_reading", "meter", "tariff", "usage"}
HARMFUL: Mapping[str, tuple[str, ...]] = {
    "When in doubt, leave most places blank.": ("document_date", "due_date", "entity", "usage"),
    "Headlines matter more than tables.": ("total_amount", "currency", "meter", "period_end"),
    "Round whatever looks untidy.": ("total_amount", "usage", "previous_reading", "currency"),
}
NEUTRAL = (
    "Work with care.",
    "Read slowly.",
    "Stay calm and thorough.",
    "Mind the small print.",
    "Look twice.",
)

HARD, WELL, HARM = 0.5, 0.95, 0.3
NOISE = 0.15
KEY_ERRORS = 0.02
_FENCED = re.compile(r"BEGIN DATA ([0-9a-f]{16}) \(([^\n]*)\)\n(.*?)\nEND DATA \1", re.DOTALL)
_STREETS = ("Alder", "Birch", "Cedar", "Dogwood", "Elder", "Fir", "Gorse", "Hazel", "Ivy", "Juniper")


@dataclass(frozen=True)
class Paper:
    """A document, and what is true of it."""

    code: str
    text: str
    facts: Mapping[str, str]


def paper(seed: int, number: int) -> Paper:
    """A document of a stream; each has values of its own."""
    chance = Random(f"paper {seed} {number}")
    day = date(2024, 1, 1) + timedelta(days=chance.randrange(700))
    code = f"QX{seed:04d}Z{number:05d}"
    facts = {
        "entity": f"{chance.choice(_STREETS)} {chance.choice(_STREETS)} Works",
        "document_date": day.isoformat(),
        "due_date": (day + timedelta(days=21)).isoformat(),
        "total_amount": f"{chance.randrange(2000, 90000) / 100:.2f}",
        "currency": "USD",
        "account_number": f"AC{chance.randrange(10**7, 10**8)}",
        "period_start": (day - timedelta(days=33)).isoformat(),
        "period_end": (day - timedelta(days=3)).isoformat(),
        "meter": f"MT{chance.randrange(10**6, 10**7)}",
        "tariff": f"T{chance.randrange(100, 1000)}H",
        "usage": str(chance.randrange(1000, 9999)),
        "previous_reading": str(chance.randrange(10**5, 10**6)),
    }
    lines = [f"sheet {code}", *(f"{name.replace('_', ' ')}: {value}" for name, value in facts.items())]
    return Paper(code, "\n".join(lines), facts)


class SimulatedLlm:
    """Answers the forms of the ``llm`` analyst, by way of :class:`Calls` like any other model."""

    name = "simulated:one"

    def __init__(self, seed: int, calls: Calls) -> None:
        self._seed = seed
        self._calls = calls
        self.before: Callable[[Question], Awaitable[None]] | None = None
        """Called with each question that is really asked, before it is answered."""
        self.papers: dict[str, Paper] = {}
        self.drift: dict[str, float] = {}
        """Sentence -> what it takes from each value's probability from now on."""
        self.noise = NOISE
        self.misled = 0.0
        """How often a bill is taken for an invoice, as long as the instruction lacks ``TYPE_NEEDED``."""
        self.broken: set[str] = set()
        """Sentences that make a third of the replies come in the wrong shape."""
        self.asked: dict[str, int] = {}
        """Questions by name that were answered anew, and not from the cache."""
        self.leak = ""
        """What the reflector puts into each proposal, if anything."""

    async def ask(
        self, question: Question, check: Callable[[JsonObject], Made], *, fresh: bool = False
    ) -> Made:
        async def send() -> Reply:
            if self.before is not None:
                await self.before(question)
            self.asked[question.name] = self.asked.get(question.name, 0) + 1
            content = self._answer(question)
            tokens = len(json.dumps(content)) // 3
            return Reply(content, (len(question.system) + len(question.material)) // 3, tokens)

        call = Call(
            "simulated",
            "Ask",
            "one",
            key=hashlib.sha256(repr((self._seed, question)).encode()).hexdigest(),
            input_tokens=(len(question.system) + len(question.material)) // 2,
            output_tokens=question.max_tokens,
            fresh=fresh,
        )
        return await self._calls.make(call, send, check)

    async def aclose(self) -> None:
        return None

    def _answer(self, question: Question) -> JsonObject:
        if question.name == "prompt":
            return self._propose(question)
        code = re.search(r"sheet (QX\d{4}Z\d{5})", question.material)
        assert code is not None, question.name
        known = self.papers[code[1]]
        if question.name == "classification":
            misled = self._draw("type", known.code) < self.misled and TYPE_NEEDED not in question.system
            return {
                "reasoning": "it says so",
                "document_type": "invoice" if misled else "utility_bill",
                "confidence": 0.9,
                "tags": [],
                "suggested_type": "",
            }
        if question.name == "answer_key":
            right = {fact for fact in FACTS if self._draw("key", known.code, fact) >= KEY_ERRORS}
            return {"document_type": "utility_bill", **_values(known, right, "further", kind="exact")}
        assert question.name == "summary", question.name
        broken = any(text in question.system for text in self.broken)
        if broken and self._draw("broken", known.code) < 1 / 3:
            return {"summary": "half a reply"}
        right = {
            fact
            for fact in FACTS
            if self.luck(question.system, known.code, fact) < self.chance(question.system, fact)
        }
        return {"summary": "a bill", "line_items": [], **_values(known, right, "other_values")}

    def chance(self, instruction: str, fact: str) -> float:
        """How probably a value is right under an instruction."""
        needed = [text for text, facts in NEEDED.items() if fact in facts]
        chance = WELL if not needed or any(text in instruction for text in needed) else HARD
        chance -= sum(HARM for text, facts in HARMFUL.items() if text in instruction and fact in facts)
        chance -= sum(drop for text, drop in self.drift.items() if text in instruction)
        return min(max(chance, 0.02), 0.98)

    def quality(self, instruction: str) -> float:
        """The true mean score of an instruction: what nobody in the program can see."""
        return sum(self.chance(instruction, fact) for fact in FACTS) / len(FACTS)

    def luck(self, instruction: str, code: str, fact: str) -> float:
        """The document's luck with a value, or the instruction's own."""
        if self._draw("own?", instruction, code, fact) < self.noise:
            return self._draw("own", instruction, code, fact)
        return self._draw("luck", code, fact)

    def _draw(self, *what: str) -> float:
        digest = hashlib.blake2b(repr((self._seed, *what)).encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") / 2**64

    def _propose(self, question: Question) -> JsonObject:
        blocks = {match[2].partition(":")[0]: match[3] for match in _FENCED.finditer(question.material)}
        instruction, wrong = blocks["the instruction as it is"], blocks["what went wrong with it"]
        chance = Random(f"propose {self._seed} {question.material}")
        missing = [TYPE_NEEDED] if "taken for" in wrong and TYPE_NEEDED not in instruction else []
        missing += [
            text
            for text, facts in NEEDED.items()
            if text not in instruction and any(re.search(rf"\b{fact}\b", wrong) for fact in facts)
        ]
        worth = chance.random()
        if worth < 0.6 and missing:
            added = chance.choice(missing)
        elif worth < 0.8:
            added = f"{chance.choice(NEUTRAL)} {chance.choice(NEUTRAL)}"
        else:
            added = chance.choice(list(HARMFUL))
        return {"text": " ".join(filter(None, (instruction, added, self.leak))), "changes": ["one sentence"]}


def _values(known: Paper, right: set[str], further: str, **also: str) -> JsonObject:
    """A form in which these values are right and the others empty."""
    given = {name: value if name in right else "" for name, value in known.facts.items()}
    return {
        **{name: value for name, value in given.items() if name in COLUMNS},
        further: [
            {"name": name, "value": value, **also}
            for name, value in given.items()
            if name not in COLUMNS and value
        ],
    }
