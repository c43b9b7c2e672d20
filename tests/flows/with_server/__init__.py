"""Tests with a real Prefect server, which is started once."""
