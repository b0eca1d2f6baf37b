"""The simulated model: what answers where there is no Ollama, the same on every machine.

It reads the conversation as a model would and answers as a capable one does, for every role of the team and
for any idea. It computes: nothing in it has learned anything.
"""

from harness.gateway.simulated.answer import answer

__all__ = ["answer"]
