"""The legacy engine: sequential, blocking, all state in one `blackboard.json`. It is the control."""
