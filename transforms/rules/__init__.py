"""Runs the rules of the Pandera models over canonical rows and collects every error."""
