"""Refused records for people: redacted, as lines of JSON, as cells or as typed columns."""
