"""What can be wrong with a picture or its link, on demand."""

from dataclasses import dataclass
from typing import Literal, get_args

type TroubleKind = Literal["never", "slow", "expired"]

KINDS: tuple[str, ...] = get_args(TroubleKind.__value__)


@dataclass(slots=True)
class Trouble:
    """Something wrong with the pictures of a device (None: of all).

    never      the picture is never there
    slow       it takes `seconds` from the request until it is there
    expired    its link is dead already
    """

    kind: TroubleKind
    device: str | None = None
    seconds: float = 90.0

    def __post_init__(self) -> None:
        """Refuse a kind that does not exist with ValueError."""
        if self.kind not in KINDS:
            raise ValueError(f"No such trouble: {self.kind}")

    def meets(self, device: str, kind: str) -> bool:
        """Tell whether this is that trouble of that device."""
        return self.kind == kind and self.device in (None, device)
