"""Names of sources that are URLs: which are, and what of them may be shown and stored."""

import re

REMOTE = ("https", "http", "s3", "gs")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_IN_TEXT = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+://)(?:[^/?#\s'\"]*@)?([^?#\s'\"]*)(?:[?#][^\s'\"]*)?")
_WHOLE = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+://)(?:[^/?#]*@)?([^?#]*)(?:[?#].*)?", re.DOTALL)


def is_url(name: str) -> bool:
    """Return whether a source is named by a URL of whatever kind."""
    return _URL.match(name) is not None


def without_secrets(name: str) -> str:
    """Return the name of a source; a URL without user name, password, query and fragment, which can be secrets."""
    return _WHOLE.sub(r"\1\2", name, count=1) if is_url(name) else name


def hide_url_secrets(text: str) -> str:
    """Return a text whose URLs are without what can be secret."""
    return _IN_TEXT.sub(r"\1\2", text)
