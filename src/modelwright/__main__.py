"""``python -m modelwright``: the command line."""

from modelwright.cli.main import main

main()
