"""Step ``evolve_prompt``: one trial of a family of prompts, a few calls at a time.

What the trial knows is in the database after each call, and each turn of it looks there first: killed anywhere, it goes
on where it was, and pays for nothing twice. No lock is held while a model is asked.

A turn ends when it has made so many calls; then the task is made again and somebody else may have a turn.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from alfrd_events.clients.calls import NoRoom
from alfrd_events.errors import Permanent
from alfrd_events.model import Prompt, Result
from alfrd_events.model.inputs import FamilyInput
from alfrd_events.observe import Log
from alfrd_events.prompts.evidence import TrialEvidence, is_worse, judge, passes_screening, weigh
from alfrd_events.prompts.trial import SHADOWED, SUSPECT_AMONG, SUSPECT_CORRECTIONS, FamilyState, Trial
from alfrd_events.steps.reflecting import propose
from alfrd_events.steps.spending import trial_scope
from alfrd_events.steps.step import Tools
from alfrd_events.steps.trying import Bench, TurnOver

if TYPE_CHECKING:
    from alfrd_events.steps.spending import Evolution

log = Log("evolution")


class EvolutionTurn(Result):
    """The state of a family after a turn."""

    note: str
    again: bool = False
    """There is more to do at once."""


async def evolve_prompt(given: FamilyInput, tools: Tools) -> EvolutionTurn:
    """Take a family's trial as far as a turn goes; begin one if one is due."""
    if tools.evolution is None:
        raise Permanent("prompts evolve with a language model: set ALFRD_ANALYST=llm and ALFRD_EVOLUTION")
    evolution = tools.evolution
    family_state = await evolution.journal.family_state(given.family)
    if family_state.trial is None:
        if family_state.due:
            return EvolutionTurn(note=family_state.due)
        if family_state.spent_today >= evolution.day_usd:
            return EvolutionTurn(note=f"a trial is due, and today's {evolution.day_usd} USD are used up")
        if not await evolution.journal.begin(family_state.family, family_state.champion.id):
            return EvolutionTurn(note="another worker has begun a trial")
        family_state = await evolution.journal.family_state(given.family)
    if family_state.trial is None:
        return EvolutionTurn(note="its trial was ended by somebody else")
    return await _Turn(family_state, family_state.trial, tools, evolution).take()


class _Turn:
    """One turn of a trial."""

    def __init__(self, family_state: FamilyState, trial: Trial, tools: Tools, evolution: Evolution) -> None:
        self._family_state = family_state
        self._trial = trial
        self._tools = tools
        self._evolution = evolution
        self._journal = evolution.journal
        self._bench = Bench(trial.id, tools, evolution)

    async def take(self) -> EvolutionTurn:
        trial = self._trial
        if self._family_state.champion.id != trial.champion.id and trial.phase != "shadow":
            await self._journal.end(trial.id, trial.phase, "superseded", "another version was made active")
            return EvolutionTurn(note="another version was made active during its trial")
        try:
            with self._evolution.paying(trial.id, in_shadow=trial.phase == "shadow"):
                match trial.phase:
                    case "reflecting":
                        return await self._reflect()
                    case "screening":
                        return await self._screen()
                    case "testing":
                        return await self._test()
                    case "shadow":
                        return await self._shadow()
        except TurnOver:
            return EvolutionTurn(note=f"{trial.phase} goes on", again=True)
        except NoRoom as error:
            if trial_scope(trial.id) not in str(error):
                raise  # the day's budget: the task waits for tomorrow
            if trial.phase == "shadow":
                await self._journal.end(trial.id, "shadow", "confirmed", "its budget was used up in shadow")
            else:
                await self._journal.end(trial.id, trial.phase, "over_budget", "its budget was used up")
            return EvolutionTurn(note="the trial's budget is used up")
        return EvolutionTurn(note="a new version waits for approval: alfrd-events prompts approve")

    async def _reflect(self) -> EvolutionTurn:
        found = await propose(self._family_state, self._trial, self._evolution)
        await self._journal.add_candidates(self._trial.id, found.texts)
        for reason in found.refused:
            log.info("a proposed instruction was thrown away", trial=self._trial.id, reason=reason)
        return EvolutionTurn(note=f"{len(found.texts)} new versions are screened", again=True)

    async def _screen(self) -> EvolutionTurn:
        trial = self._trial
        if not trial.candidates:
            await self._journal.end(
                trial.id, "screening", "no_candidate", "no usable instruction was proposed"
            )
            return EvolutionTurn(note="no usable instruction was proposed")
        best: tuple[float, Prompt] | None = None
        for candidate in trial.candidates:
            differences = [each async for each in self._differences(candidate, trial.screening)]
            mean = weigh(differences).mean
            if passes_screening(differences) and (best is None or mean > best[0]):
                best = mean, candidate
        if best is None:
            await self._journal.end(
                trial.id, "screening", "screened_out", "none was as good on train documents"
            )
            return EvolutionTurn(note="no new version was as good on train documents")
        mean, challenger = best
        note = f"V{challenger.version} is {mean:+.3f} on {len(trial.screening)} train documents"
        await self._journal.move(trial.id, "screening", "testing", challenger.id, note)
        return EvolutionTurn(note=f"{note}; it is tested", again=True)

    async def _test(self) -> EvolutionTurn:
        trial, challenger = self._trial, self._challenger
        seen: list[float] = []
        verdict, evidence = judge(seen, self._family_state.rules)
        async for difference in self._differences(challenger, trial.testing):
            seen.append(difference)
            verdict, evidence = judge(seen, self._family_state.rules)
            if verdict != "open":
                break
        told = _told(challenger, evidence)
        if verdict == "open":
            return EvolutionTurn(note=f"{told}; it goes on with the next documents")
        if verdict == "promote":
            return await self._pass_gates(told, trial.testing[: len(seen)])
        await self._journal.end(trial.id, "testing", verdict, told)
        return EvolutionTurn(note=f"{told}: {verdict}")

    async def _pass_gates(self, told: str, tested: Sequence[UUID]) -> EvolutionTurn:
        trial, challenger = self._trial, self._challenger
        worse = await self._bench.loses_verified(trial.champion, challenger, self._family_state.verified)
        failures = await self._bench.failures(trial.champion, challenger, tested)
        if worse or failures > 0:
            why = f"{told}, but it gets wrong what people have corrected" if worse else ""
            why = why or f"{told}, but {failures} more of its replies had the wrong shape"
            await self._journal.end(trial.id, "testing", "refused", why)
            return EvolutionTurn(note=why)
        if self._evolution.mode == "suggest":
            await self._journal.move(trial.id, "testing", "suggested", None, told)
            return EvolutionTurn(note=f"{told}; it waits for approval: alfrd-events prompts approve")
        promoted = await self._journal.promote(trial.id, "testing", told)
        log.info("a new version is active", trial=trial.id, prompt=challenger.id, promoted=promoted)
        return EvolutionTurn(
            note=f"{told}; it is active" if promoted else "another version was made active meanwhile"
        )

    async def _shadow(self) -> EvolutionTurn:
        trial, challenger = self._trial, self._challenger
        if self._family_state.corrected >= SUSPECT_CORRECTIONS:
            return await self._roll_back(
                f"people corrected {self._family_state.corrected} of its last {SUSPECT_AMONG} documents"
            )
        seen: list[float] = []
        async for difference in self._differences(challenger, trial.shadow[:SHADOWED]):
            seen.append(-difference)
            if is_worse(seen):
                return await self._roll_back(
                    f"it was {-weigh(seen).mean:+.3f} on {len(seen)} documents in shadow"
                )
        if len(trial.shadow) >= SUSPECT_AMONG:
            note = f"it was {-weigh(seen).mean:+.3f} on {len(seen)} documents in shadow"
            await self._journal.end(trial.id, "shadow", "confirmed", note)
            return EvolutionTurn(note=f"V{challenger.version} is confirmed: {note}")
        return EvolutionTurn(note=f"V{challenger.version} is active, V{trial.champion.version} runs along")

    async def _roll_back(self, why: str) -> EvolutionTurn:
        trial = self._trial
        done = await self._journal.roll_back(trial.id, why)
        log.warning(
            "a version was rolled back", trial=trial.id, prompt=self._challenger.id, why=why, done=done
        )
        return EvolutionTurn(note=f"V{self._challenger.version} was rolled back: {why}")

    def _differences(self, challenger: Prompt, documents: Sequence[UUID]) -> AsyncIterator[float]:
        """Challenger minus champion, on each document that there still is."""
        return self._bench.differences(self._trial.champion, challenger, documents)

    @property
    def _challenger(self) -> Prompt:
        assert self._trial.challenger is not None, "a trial past its screening has one"
        return self._trial.challenger


def _told(challenger: Prompt, evidence: TrialEvidence) -> str:
    return (
        f"V{challenger.version} is {evidence.mean:+.3f} on {evidence.n} held-back documents"
        f" (e-value {evidence.e_value:.1f})"
    )
