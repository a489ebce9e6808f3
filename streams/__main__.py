"""`python -m streams`: the same as the `wirewatch` command."""

from streams.cli import main

if __name__ == "__main__":  # process pools import this module again: never run it then
    main()
