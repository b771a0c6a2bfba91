"""Makes tests/conformance/vectors/*.json. Run once, by hand, when the protocol
gains something; the suite only checks what is kept there:

    make conformance-vectors
"""

import json
from pathlib import Path

import cases_commits
import cases_hashes
import cases_members
import cases_messages

VECTORS = Path(__file__).parent / "vectors"
FILES = {
    "hashes": ("Hashes, keys, signatures, armour and words, each from what is given.", cases_hashes.make),
    "armour": ("Armoured lines.", cases_hashes.make_armour),
    "bytes": (
        "What decoders take (ok: encoded again it is the same bytes, unless lossy) and refuse, with the reason; "
        "a list of reasons where an implementation may meet either first. Bytes are hex, or a list of hex and [hex, times].",
        lambda: cases_messages.make() + cases_commits.make() + cases_members.make(),
    ),
}


def main() -> None:
    VECTORS.mkdir(exist_ok=True)
    for name, (about, make) in FILES.items():
        cases = make()
        lines = ",\n".join("    " + json.dumps(case, ensure_ascii=False) for case in cases)
        text = f'{{\n  "about": {json.dumps(about)},\n  "cases": [\n{lines}\n  ]\n}}\n'
        (VECTORS / f"{name}.json").write_text(text, encoding="utf-8")
        print(f"{name}.json: {len(cases)} cases")


if __name__ == "__main__":
    main()
