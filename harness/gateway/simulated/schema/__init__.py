"""JSON schemas: what `format` asks for, and how a value that is valid by one is made."""
