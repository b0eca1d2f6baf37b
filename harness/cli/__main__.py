"""`python -m harness.cli` is `harness`."""

from harness.cli.application import main

if __name__ == "__main__":
    main()
