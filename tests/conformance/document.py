"""What docs/protocol.md says in tables, read from the document itself: reasons
(section 9), and of each message its fields and limits (section 10)."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "protocol.md").read_text(encoding="utf-8")
KIB = 1024
U64 = 2**64 - 1


def _section(number: int) -> str:
    return re.split(r"^## ", TEXT, flags=re.M)[number]


def _rows(text: str) -> Iterator[list[str]]:
    """The cells of each table row that begins with a number."""
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and cells[0].isdigit():
            yield cells


# ---- reasons ----

NUMBERS = {cells[1].strip("`"): int(cells[0]) for cells in _rows(_section(9))}
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


# ---- messages ----


@dataclass(frozen=True)
class Rule:
    """`low` and `high` bound a number, a length of bytes, or how many entries there are,
    each of so many bytes where they are bytes."""

    low: int
    high: int
    absent: bool
    repeated: bool
    each: int = 0


@dataclass(frozen=True)
class Limits:
    size: int  # bytes
    fields: int  # occurrences, those of inner messages and packed values included
    unknown: bool = False  # whether fields that the schema lacks are passed over


def _number(text: str) -> int:
    base, _, power = text.replace(",", "").partition("^")
    if not power:
        return int(base)
    exponent, _, less = power.partition("-")
    return int(base) ** int(exponent) - int(less or 0)


def _range(text: str) -> tuple[int, int]:
    """`1 to 2^53`, `32 bytes`, `up to 64 KiB`, or nothing."""
    if not text:
        return 0, U64
    if match := re.fullmatch(r"([\d,]+) bytes", text):
        return _number(match[1]), _number(match[1])
    if match := re.fullmatch(r"up to (\d+) KiB", text):
        return 0, int(match[1]) * KIB
    low, high = text.split(" to ")
    return _number(low), _number(high)


def _rule(there: str, values: str) -> Rule:
    if there == "any" or re.match(r"[\d,]+ to ", there):
        low, high = (0, U64) if there == "any" else _range(there)
        return Rule(low, high, True, True, _range(values)[1] if values.endswith(" bytes") else 0)
    return Rule(*_range(values), there != "must", False)


def _limits(prose: str) -> Limits:
    size = re.search(r"[Aa]t most (\d+) ([KM])iB", prose)
    fields = re.search(r"([\d,]+) fields", prose)
    unit = {"K": KIB, "M": KIB * KIB}
    return Limits(int(size[1]) * unit[size[2]] if size else U64, _number(fields[1]) if fields else U64)


RULES: dict[str, dict[str, Rule]] = {}
LIMITS: dict[str, Limits] = {}
for _part in re.split(r"^### ", _section(10), flags=re.M)[1:]:
    _name, _, _body = _part.partition("\n")
    RULES[_name] = {cells[1].strip("`"): _rule(cells[3], cells[4]) for cells in _rows(_body)}
    LIMITS[_name] = _limits(_body.partition("\n|")[0])
