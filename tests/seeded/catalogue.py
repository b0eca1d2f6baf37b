"""The catalogue of all seeded faults."""

from __future__ import annotations

from tests.seeded.call_faults import CALL_FAULTS
from tests.seeded.fault import Fault
from tests.seeded.generation_faults import GENERATION_FAULTS
from tests.seeded.loop_faults import LOOP_FAULTS
from tests.seeded.order_faults import ORDER_FAULTS
from tests.seeded.process_faults import PROCESS_FAULTS
from tests.seeded.protocol_faults import PROTOCOL_FAULTS
from tests.seeded.state_faults import STATE_FAULTS
from tests.seeded.told_faults import TOLD_FAULTS

__all__ = ["FAULTS"]

_ALL = (
    *STATE_FAULTS,
    *LOOP_FAULTS,
    *TOLD_FAULTS,
    *CALL_FAULTS,
    *PROTOCOL_FAULTS,
    *ORDER_FAULTS,
    *PROCESS_FAULTS,
    *GENERATION_FAULTS,
)
FAULTS: dict[str, Fault] = {fault.name: fault for fault in _ALL}
