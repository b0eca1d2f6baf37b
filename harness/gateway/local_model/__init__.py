"""The local model: a small language model, really running, in a process that speaks the Ollama API.

It is there to prove the line with real nondeterminism; it does not write good code. Its packages are the
extra `local-model`, and nothing but that process imports them: the gateway and the harness do without.
"""
