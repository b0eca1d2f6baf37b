"""The behaviour of generated applications: started in a sandbox, asked their routes, tested."""

from harness.behaviour.executing import execute_pair, ready_to_execute, with_behaviour
from harness.behaviour.observing import observe
from harness.behaviour.questions import Question, questions_of
from harness.behaviour.settings import ExecuteSettings

__all__ = [
    "ExecuteSettings",
    "Question",
    "execute_pair",
    "observe",
    "questions_of",
    "ready_to_execute",
    "with_behaviour",
]
