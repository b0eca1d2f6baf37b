"""Scripts that run between the harness and what is kept in; nothing but the standard library is used."""
