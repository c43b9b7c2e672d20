"""Read every file of folders with the readers and the rules, and count the results; for corpora outside the repository.

`python -m tests.scoreboard [--score KIND] FOLDER…`. A process of its own reads each file, with limits of time and
memory, so that a crash is counted and stops nothing else.
"""
