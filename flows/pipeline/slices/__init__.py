"""Load the sources of a job in slices, by several processes: cut, load each slice, gather what they staged.

A slice is loaded exactly once for the result: its attempts write to folders of their own, and only what a manifest that
was returned names is gathered. The result is that of one process, to the byte.
"""
