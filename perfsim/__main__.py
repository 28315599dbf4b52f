"""`python -m perfsim`, the same as the command `perfsim`."""

from perfsim.cli.main import main

if __name__ == "__main__":
    main()
