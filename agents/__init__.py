"""What is said to the model and how its answers are read: no I/O, no clock, no client.

An agent is a generator: it yields a `ModelRequest` and is sent the `ModelReply`. The same agents run
under a blocking driver, in a thread, or under an async driver (`agents.drivers`).
"""
