"""The reasons of docs/protocol.md, section 9, read from the document itself."""

import re
from pathlib import Path

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "protocol.md"


def _read() -> dict[str, int]:
    row = re.compile(r"^\| (\d+) \| `([a-z0-9-]+)` \|")
    rows = (row.match(line) for line in DOCUMENT.read_text(encoding="utf-8").splitlines())
    return {match[2]: int(match[1]) for match in rows if match}


NUMBERS = _read()
NAMES = {number: name for name, number in NUMBERS.items()}


class Refused(Exception):
    """What came is not taken: a reason's name, and where it was seen."""

    def __init__(self, reason: str, where: str = "") -> None:
        assert reason in NUMBERS, reason
        super().__init__(f"{reason}: {where}" if where else reason)
        self.reason = reason
        self.where = where


def refuse_unless(holds: object, reason: str, where: str = "") -> None:
    if not holds:
        raise Refused(reason, where)
