"""External engines: any command line as an engine, run in a private copy of its checkout."""
