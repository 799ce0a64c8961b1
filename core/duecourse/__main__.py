"""`python -m duecourse` is the `duecourse` command."""

from duecourse.cli import main

main()
