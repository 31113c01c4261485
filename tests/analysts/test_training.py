"""What the ranker is trained on: papers that are made up, the same ones for the same seed."""

from __future__ import annotations

from alfrd_events.analysis.ranking.ranker import choose
from alfrd_events.analysis.ranking.trees import MOST_SURE, trained
from alfrd_events.analysis.rules.proposals.fields import Proposals
from alfrd_events.analysis.text.parsed import ParsedText
from alfrd_events.cli.reliability import auroc
from devtools.corpus import Known
from devtools.generator import generate

UNSEEN = 77


def chosen_total(known: Known) -> tuple[bool, float]:
    """Whether the total of a paper is right, and how sure the choice is."""
    proposals = Proposals.of(known.document, ParsedText.of(known.document))
    choice = choose(trained().fields["total_amount"], proposals.totals)
    assert choice is not None
    return known.is_right_total(choice.value.value), choice.confidence


def test_the_same_seed_makes_the_same_papers_and_another_one_others() -> None:
    first, again, other = generate(5, 1), generate(5, 1), generate(5, 2)

    assert [each.document for each in first] == [each.document for each in again]
    assert [each.truth for each in first] != [each.truth for each in other]


def test_on_papers_that_it_was_not_trained_on_confidence_parts_right_totals_from_wrong_ones() -> None:
    judged = [chosen_total(known) for known in generate(160, UNSEEN)]
    right = [is_right for is_right, _ in judged]
    sure = [confidence for _, confidence in judged]

    assert 0.8 < sum(right) / len(right) < 1, "some of them mislead"
    assert (auroc(right, sure) or 0) > 0.8
    assert max(sure) <= MOST_SURE
