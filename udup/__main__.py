"""`python -m udup` is the `udup` command."""

from udup.cli import main

if __name__ == "__main__":
    main()
