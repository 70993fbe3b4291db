"""python -m colmatch: the program."""

from ._program import main

main()
