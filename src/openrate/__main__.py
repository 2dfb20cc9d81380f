"""``python -m openrate`` is the command ``openrate``."""

from openrate.cli import main

if __name__ == "__main__":
    main()
