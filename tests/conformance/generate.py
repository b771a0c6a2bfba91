"""Makes tests/conformance/vectors/*.json. Run once, by hand, when the protocol
gains something; the suite only checks what is kept there:

    make conformance-vectors
"""

import json
from pathlib import Path

import cases_applying
import cases_authority
import cases_commits
import cases_hashes
import cases_links
import cases_made
import cases_members
import cases_messages
import cases_pulses
import cases_views
import fixture

VECTORS = Path(__file__).parent / "vectors"
FILES = {
    "hashes": ("Hashes, keys, signatures, armour and words, each from what is given.", cases_hashes.make),
    "armour": ("Armoured lines.", cases_hashes.make_armour),
    "made": ("What is signed, from its fields: body, hash, signed form.", cases_made.make),
    "links": (
        "Transcripts of sessions, as steps: tests/conformance/scenario.py says what each is.",
        cases_links.make,
    ),
    "applying": ("Transcripts of what comes into feeds, likewise.", cases_applying.make),
    "members": ("Transcripts of who belongs and how far each key reaches, likewise.", lambda: cases_authority.make() + cases_pulses.make()),
    "views": ("Transcripts that end in a view, likewise.", cases_views.make),
    "bytes": (
        "What decoders take (ok: encoded again it is the same bytes, unless lossy) and refuse, with the reason; "
        "a list of reasons where an implementation may meet either first. Bytes are hex, or a list of hex and [hex, times].",
        lambda: cases_messages.make() + cases_commits.make() + cases_members.make(),
    ),
}


def _self() -> dict:
    """The node that transcripts are played to."""
    keys = fixture.KEYS["CRM"]
    uses = ("root", "signing", "transport", "sealing")
    return {"code": "CRM", **{use: getattr(keys, use).hex() for use in uses}}


def main() -> None:
    VECTORS.mkdir(exist_ok=True)
    for name, (about, make) in FILES.items():
        cases = make()
        head = {"about": about}
        if "steps" in cases[0]:
            head |= {"charter": fixture.CHARTER.hex(), "self": _self(), "clock_ms": fixture.T0 + 100_000}
        lines = ",\n".join("    " + json.dumps(case, ensure_ascii=False) for case in cases)
        text = json.dumps(head, ensure_ascii=False, indent=2)[:-2] + f',\n  "cases": [\n{lines}\n  ]\n}}\n'
        (VECTORS / f"{name}.json").write_text(text, encoding="utf-8")
        print(f"{name}.json: {len(cases)} cases")


if __name__ == "__main__":
    main()
