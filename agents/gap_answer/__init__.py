"""What a model answers for a gap: read, and held against what may stand there.

An answer is data. It is parsed and never run: what it uses must be in scope, and what it defines must stay
within its gap. What is wrong is said all at once, in words that the model can act on.
"""

from agents.gap_answer.checking import check_gap
from agents.gap_answer.names import used_modules
from agents.gap_answer.reading import GAP_FORMAT, read_code, read_gap, said_in_json

__all__ = ["GAP_FORMAT", "check_gap", "read_code", "read_gap", "said_in_json", "used_modules"]
