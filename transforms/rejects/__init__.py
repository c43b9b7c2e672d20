"""Refused records as people get them back: redacted, in lines, cells or columns."""
