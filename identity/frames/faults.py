"""What can be wrong with a table as a whole; a bad row is no fault, it is counted with its reason."""

from identity.errors import IdentityError


class FrameError(IdentityError):
    """A table cannot be resolved; the message names the file, where there is one, and the column."""

    def __init__(self, source: str, told: str) -> None:
        """Say where it is, and what is wrong there."""
        super().__init__(f"{source}: {told}" if source else told)
