"""Errors of the selector: SelectorError ← CorruptFileError. Values out of range are ValueError, as everywhere."""


class SelectorError(Exception):
    """Something the selector was given cannot be used; the message says what and what to do."""


class CorruptFileError(SelectorError):
    """A saved selector is damaged, foreign or of another version; nothing of it was taken over."""
