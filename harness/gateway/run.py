"""A run at the gateway: its slots, its calls under way and those that are over."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

from harness.gateway.calls import CallRecord, RunMarks, RunProgress
from harness.gateway.canonical import CanonicalRequest
from harness.gateway.clock import Clock
from harness.gateway.errors import Refusal, RunEnded, UnknownRun, UpstreamError
from harness.gateway.hosts.outages import OutageLog
from harness.gateway.journal import CallJournal
from harness.gateway.slots import Slots
from harness.gateway.underway import CallUnderWay

__all__ = ["OnRecord", "Run", "Runs"]

OnRecord = Callable[[CallRecord], None]

_GIVE_UP_TIMEOUT_S = 5.0
_REMEMBERED = 100
_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


class Run:
    """One run of one engine. It begins when it is opened, unless `begin` sets a later mark.

    Calls between the opening and that mark are served and have negative times. With a `journal` that holds
    calls already, numbers and times go on where these end.
    """

    def __init__(
        self,
        run_id: str,
        slots: int,
        clock: Clock,
        cassette: str = "",
        on_record: OnRecord | None = None,
        journal: CallJournal | None = None,
        outages: OutageLog | None = None,
    ) -> None:
        self.id = run_id
        self._outages = outages
        self._on_record = journal.append if journal else on_record
        self._journal = journal
        self.cassette = cassette
        self.malformed = 0
        self.other_requests = 0
        self._slot_count = slots
        self._slots = Slots(slots)
        self._clock = clock
        self._earlier_s = journal.last_s if journal else 0.0
        self._began_s = clock.now_s() - self._earlier_s
        self._begun = False
        self._ended_s: float | None = None
        self._arrived = journal.last_number if journal else 0
        self._handed_over = journal.count if journal else 0
        self._failed = journal.failed if journal else 0
        self._under_way: set[CallUnderWay] = set()
        self._over: list[CallUnderWay] = []
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def ended(self) -> bool:
        """Whether the run takes no more calls."""
        return self._ended_s is not None

    @property
    def keeps_records(self) -> bool:
        """Whether records are here that nobody has taken over yet."""
        return bool(self._over)

    def begin(self) -> None:
        """Set the mark from which this run's times count."""
        if self._begun or self.ended:
            raise Refusal(409, f"run {self.id!r} has {'ended' if self.ended else 'begun'} already")
        self._began_s = self._clock.now_s() - self._earlier_s
        self._begun = True
        self._hand_over()

    async def end(self) -> RunMarks:
        """Set the end mark, take no more calls, and give up those under way."""
        if self._ended_s is not None:
            raise Refusal(409, f"run {self.id!r} has ended already")
        self._ended_s = self._clock.now_s()
        now = asyncio.get_running_loop().time()
        for call in self._under_way:
            call.scope.reschedule(now)
        try:
            async with asyncio.timeout(_GIVE_UP_TIMEOUT_S):
                await self._idle.wait()
        finally:
            self._hand_over()
            if self._journal is not None:
                await self._journal.close()
        return RunMarks(
            run=self.id,
            slots=self._slot_count,
            began_s=self._began_s,
            ended_s=self._ended_s,
            malformed=self.malformed,
            other_requests=self.other_requests,
            outages=self._outages.during(self._began_s, self._ended_s) if self._outages else (),
        )

    @asynccontextmanager
    async def call(self, request: CanonicalRequest, stream: bool) -> AsyncIterator[CallUnderWay]:
        """Wait for a slot and hold it for the length of the block, which answers the call.

        However the block is left, the call has its record. Raises `RunEnded` where the run's end cut it.
        """
        if self.ended:
            raise RunEnded(self.id)
        self._arrived += 1
        call = CallUnderWay(self._arrived, request, stream, self._clock, self._clock.now_s())
        self._under_way.add(call)
        self._idle.clear()
        try:
            async with call.scope, self._slots.granted():
                call.granted_s = self._clock.now_s()
                try:
                    yield call
                finally:
                    call.end_s = self._clock.now_s()
        except UpstreamError as problem:
            call.fail(problem.status, problem.message)
            raise
        except (asyncio.CancelledError, ConnectionError):
            call.abandon()
            raise
        except Exception as problem:
            if call.scope.expired():
                ended = RunEnded(self.id)
                call.fail(ended.status, ended.message)
                raise ended from problem
            call.fail(500, f"fault of the gateway: {problem!r}")
            raise
        finally:
            # What the end of the run cut ended with the run; giving it up took a moment longer.
            call.end_s = self._ended_s or call.end_s or self._clock.now_s()
            self._under_way.discard(call)
            self._over.append(call)
            # The times in a journal stay as they are written: they wait for the mark they count from.
            if self._journal is None or self._begun:
                self._hand_over()
            if not self._under_way:
                self._idle.set()

    def _hand_over(self) -> None:
        """Give the records of calls that are over to whoever wants them, where somebody does."""
        if self._on_record is None:
            return
        for call in self._over:
            if call.status is not None:
                self._on_record(call.record(self.id, self._began_s))
                self._handed_over += 1
                self._failed += call.problem is not None
        self._over.clear()

    def records(self) -> Iterator[CallRecord]:
        """The records of the calls that are over and not handed over, in the order of their arrival."""
        for call in sorted(self._over, key=lambda call: call.number):
            yield call.record(self.id, self._began_s)

    def forget(self) -> None:
        """Drop the records of this run, which has ended: a gateway outlives many runs."""
        if not self.ended:
            raise Refusal(409, f"run {self.id!r} has not ended")
        self._over.clear()

    def progress(self) -> RunProgress:
        """How far the run has come."""
        queued = self._slots.waiting
        return RunProgress(
            arrived=self._arrived,
            queued=queued,
            generating=len(self._under_way) - queued,
            finished=self._handed_over + len(self._over),
            failed=self._failed + sum(call.problem is not None for call in self._over),
        )


class Runs:
    """The runs of a gateway, by id; `outages` is what is known of its hosts, where it has several.

    Of those that have ended it knows the last hundred: what still calls then has been cut off.
    """

    def __init__(self, clock: Clock, outages: OutageLog | None = None) -> None:
        self._clock = clock
        self._outages = outages
        self._runs: dict[str, Run] = {}

    def open(
        self,
        run_id: str,
        slots: int,
        cassette: str = "",
        on_record: OnRecord | None = None,
        journal: CallJournal | None = None,
    ) -> None:
        """Take calls for a run of a new id, which records or replays `cassette` where there are any.

        With `on_record` or `journal`, the record of a call is handed over when it is over, and not kept.
        """
        if not _RUN_ID.fullmatch(run_id):
            raise Refusal(400, f"a run id is letters, digits, '.', '_' and '-', not {run_id!r}")
        if run_id in self._runs:
            raise Refusal(409, f"run {run_id!r} is open already")
        self._let_go()
        self._runs[run_id] = Run(run_id, slots, self._clock, cassette, on_record, journal, self._outages)

    def _let_go(self) -> None:
        """Forget runs that ended long ago: a gateway may serve any number of them."""
        ended = [ident for ident, run in self._runs.items() if run.ended and not run.keeps_records]
        for ident in ended[:-_REMEMBERED]:
            del self._runs[ident]

    def __getitem__(self, run_id: str) -> Run:
        try:
            return self._runs[run_id]
        except KeyError:
            raise UnknownRun(run_id) from None

    async def end_all(self) -> None:
        """End every run that is not."""
        for run in self._runs.values():
            if not run.ended:
                await run.end()
