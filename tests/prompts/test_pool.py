"""Which documents and which parents a trial uses."""

from __future__ import annotations

from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from alfrd_events.prompts.pool import pareto_pool, split

A, B, C = UUID(int=1), UUID(int=2), UUID(int=3)


def test_a_third_trains_and_the_side_never_changes() -> None:
    documents = [uuid4() for _ in range(3000)]
    sides = [split(document) for document in documents]
    assert 900 < sides.count("train") < 1100
    assert sides == [split(document) for document in documents]
    assert split(UUID(int=7)) == "held_back"


def test_a_version_that_is_best_somewhere_stays_in_the_pool() -> None:
    scores = {1: {A: 0.9, B: 0.9, C: 0.5}, 2: {A: 0.2, B: 0.2, C: 1.0}, 3: {A: 0.9, B: 0.8, C: 0.5}}
    assert pareto_pool(scores) == (1, 2)


def test_of_versions_without_common_documents_none_beats_the_other() -> None:
    assert pareto_pool({1: {A: 0.1}, 2: {B: 1.0}}) == (2, 1)


@given(
    st.dictionaries(
        st.integers(1, 6),
        st.dictionaries(st.sampled_from([A, B, C]), st.floats(0, 1), min_size=1),
        max_size=6,
    )
)
def test_the_pool_is_small_and_holds_the_best_where_all_are_known(
    scores: dict[int, dict[UUID, float]],
) -> None:
    pool = pareto_pool(scores, most=3)
    assert len(pool) <= 3
    assert set(pool) <= scores.keys()
    assert bool(pool) == bool(scores)
