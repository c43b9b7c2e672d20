"""Decode binary files in a process of its own: a decoder that crashes or runs out of memory costs its file only."""
