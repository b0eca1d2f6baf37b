"""Scripts that run inside the sandbox, beside a generated application; only the standard library is used."""
