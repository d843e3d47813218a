"""`python -m service` is the command `dorflicht`."""

from service.cli import main

main()
