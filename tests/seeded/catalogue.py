"""The catalogue of all seeded faults."""

from __future__ import annotations

from tests.seeded.call_faults import CALL_FAULTS
from tests.seeded.fault import Fault
from tests.seeded.loop_faults import LOOP_FAULTS
from tests.seeded.order_faults import ORDER_FAULTS
from tests.seeded.process_faults import PROCESS_FAULTS
from tests.seeded.state_faults import STATE_FAULTS

__all__ = ["FAULTS"]

FAULTS: dict[str, Fault] = {
    fault.name: fault for fault in (*STATE_FAULTS, *LOOP_FAULTS, *CALL_FAULTS, *ORDER_FAULTS, *PROCESS_FAULTS)
}
