"""``python -m refold`` is the same as the command ``refold``."""

from refold.commands.main import main

if __name__ == "__main__":
    main()
