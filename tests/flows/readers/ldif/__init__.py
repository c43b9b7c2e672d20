"""Tests of the reader of LDIF."""
