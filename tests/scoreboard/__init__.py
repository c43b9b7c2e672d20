"""Runs folders of files through the readers and the rules and counts what came of each; for corpora that stay outside.

`python -m tests.scoreboard [--score KIND] FOLDER…`. Each file is read by a process of its own, with a limit of time and
of memory, so that a crash is counted and not suffered.
"""
