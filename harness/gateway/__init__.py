"""The model boundary: a proxy that speaks the Ollama API between any engine and any model.

It runs as a process of its own, times and records every call at the protocol, and answers from a real
Ollama or from the simulated model.
"""
