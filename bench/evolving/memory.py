"""Many trials without a database: the production test on simulated pairs, and the rule of the original beside it."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from alfrd_events.clients.calls import Calls
from alfrd_events.prompts.candidates import ShownMaterial, objections
from alfrd_events.prompts.evidence import Rules, judge, passes_screening
from testing.simulated import FACTS, HARMFUL, NEEDED, NEUTRAL, SimulatedLlm, paper

_FACTS = len(FACTS)
_CHANCE = 0.7
_SCREENED_ON = 6
_THRESHOLD = 0.05
_CEILING = 0.95
_CLEAN = "Give the due date only where one is printed. Amounts are plain decimals, dates are ISO dates."


@dataclass(frozen=True)
class Rates:
    """How often a challenger of a known worth is promoted."""

    effect: float
    tested: float
    """Of those that come to the test."""
    screened: float
    """Of those that are screened on six documents before, as candidates are."""
    pairs: float
    """Mean number of documents that a test looks at."""


def promoted(effect: float, trials: int, noise: float, rules: Rules) -> Rates:
    """Try challengers that are better by ``effect`` on every value; ``noise`` of their draws are luck of their own."""
    chance = Random(f"promoted {effect} {noise}")
    tested = screened = pairs = 0
    for _ in range(trials):
        shown = passes_screening([_pair(chance, effect, noise) for _ in range(_SCREENED_ON)])
        verdict, evidence = judge((_pair(chance, effect, noise) for _ in range(rules.most)), rules)
        tested += verdict == "promote"
        screened += verdict == "promote" and shown
        pairs += evidence.n
    return Rates(effect, tested / trials, screened / trials, pairs / trials)


def _pair(chance: Random, effect: float, noise: float) -> float:
    better = 0
    for _ in range(_FACTS):
        luck = chance.random()
        own = chance.random() if chance.random() < noise else luck
        better += (own < _CHANCE + effect) - (luck < _CHANCE)
    return better / _FACTS


def original(seed: int, documents: int, wave: int) -> list[float]:
    """True quality under the rule of the original, at the beginning and after each wave.

    After each document the model scores its own result (a little kindly, with noise). A score that beats the prompt's
    by the update threshold of 0.05 has a new prompt written and made active at once, with that score for its own.
    """
    llm = SimulatedLlm(seed, Calls())
    chance = Random(f"original {seed}")
    text, score = "Read the bill.", 0.0
    qualities = [llm.quality(text)]
    for number in range(1, documents + 1):
        code = paper(seed, number).code
        right = {fact for fact in FACTS if llm.luck(text, code, fact) < llm.chance(text, fact)}
        self_score = min(max(len(right) / _FACTS + 0.1 + chance.gauss(0, 0.08), 0), 1)
        if score < _CEILING and self_score >= score + _THRESHOLD:
            text, score = f"{text} {_proposal(chance, text, right)}", self_score
        if number % wave == 0:
            qualities.append(llm.quality(text))
    return qualities


def _proposal(chance: Random, text: str, right: set[str]) -> str:
    """What the same reflector proposes: 60 % useful, 20 % neutral, 20 % harmful."""
    missing = [each for each, facts in NEEDED.items() if each not in text and not right.issuperset(facts)]
    worth = chance.random()
    if worth < 0.6 and missing:
        return chance.choice(missing)
    return chance.choice(NEUTRAL) if worth < 0.8 else chance.choice(list(HARMFUL))


def planted(number: int) -> int:
    """Of so many instructions with a document's value in them, in some spelling, how many are refused."""
    chance = Random("planted")
    refused = 0
    for each in range(number):
        known = paper(1, each)
        name = chance.choice([fact for fact in FACTS if fact != "currency"])
        value = known.facts[name]
        spelling = chance.choice(
            [
                value,
                value.lower(),
                value.upper(),
                f"“{value}”",
                value.replace(" ", "-"),
                f"{value[:3]} {value[3:]}" if value.isalnum() and not value.isalpha() else value,
                value.replace(".", ",") if name == "total_amount" else value,
                "/".join(reversed(value.split("-"))) if name.endswith(("date", "start", "end")) else value,
            ]
        )
        words = _CLEAN.split()
        words.insert(chance.randrange(len(words)), spelling)
        found = objections(
            " ".join(words), "Read the bill.", ShownMaterial(tuple(known.facts.values()), (known.text,)), 400
        )
        refused += bool(found)
    return refused
