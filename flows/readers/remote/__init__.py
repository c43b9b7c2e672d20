"""Fetch sources that are named by URLs into the job's folder; from there on they are files."""
