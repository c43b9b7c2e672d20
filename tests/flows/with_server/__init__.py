"""Tests that talk to a real Prefect server of their own, started once."""
