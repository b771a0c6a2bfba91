"""Transcripts of pulses: GT's beacon and its chain, as HN brings them to the node.
Docs/protocol.md, section 7. Reasons, and what is passed on, are given by hand."""

from typing import Optional

from enlace.v1 import link_pb2

import fixture as f
from cases_applying import recorder_of
from cases_authority import cards, replaced
from pulsing import chain
from scenario import Differs, Recorder


def _published(recorder: Recorder) -> int:
    return sum(step["do"] == "publish" for step in recorder.steps)


def make() -> list[dict]:
    cases, node = [], f.node("GT")
    word = node.beacon()
    sequence, top = link_pb2.Beacon.FromString(word.body).sequence, node.top
    preimages = chain(top, f.ORIGINS["GT"], sequence)

    def pulse(step: int, **fields) -> link_pb2.Pulse:
        usual = {"origin": f.ORIGINS["GT"], "sequence": sequence, "step": step, "preimage": preimages[step]}
        return link_pb2.Pulse(**{**usual, **fields})

    def one(name: str, *given, after: Optional[list[bytes]] = None, passed_on: bool = True, **counts: int) -> None:
        recorder = recorder_of(name)
        recorder.meet("HN")
        recorder.wait(2_000)
        for what in given:
            field = "beacons" if isinstance(what, link_pb2.SignedBeacon) else "pulses"
            recorder.get("HN", beacons=link_pb2.Beacons(**{field: [what]}))
            if after and field == "beacons":
                cards(recorder, *after, link="HN")
        before = _published(recorder)
        recorder.wait(10_000)
        if _published(recorder) - before != passed_on:
            raise Differs(f"{name}: {recorder.steps[-1]}")
        recorder.counts(**counts)
        cases.append(recorder.case())

    stranger = pulse(1, origin=f.ORIGINS["NI"])
    one("a pulse is passed on after ten seconds", word, pulse(1))
    one("the newest of several, once", word, pulse(1), pulse(2), pulse(7))
    one("one further than the last by 255", word, pulse(1), pulse(256))
    one("the same again is nothing", word, pulse(3), pulse(3))
    one("an older one is nothing", word, pulse(3), pulse(2))
    one("of a beacon that was replaced", word, pulse(1, sequence=sequence - 1), passed_on=False)
    one("of a beacon that is not here: asked for", pulse(1), passed_on=False, lacks_beacon=1)
    one("of a newer beacon than is here: asked for", word, pulse(1, sequence=sequence + 1), passed_on=False, lacks_beacon=1)
    one("asked for once a second", pulse(1), pulse(2), passed_on=False, lacks_beacon=2)
    one("asked for, and given", pulse(1), word, pulse(1), lacks_beacon=1)
    one("another step's preimage", word, pulse(2, preimage=preimages[3]), passed_on=False, bad_signature=1)
    one("the anchor as a preimage", word, pulse(1, preimage=preimages[0]), passed_on=False, bad_signature=1)
    one("of another's chain", word, pulse(1, preimage=bytes(16)), passed_on=False, bad_signature=1)
    one("of an origin that is not in the roster", stranger, passed_on=False, unknown_origin=1)
    one("after a new card its chain is forgotten", word, pulse(1), after=[replaced().signed], passed_on=False, lacks_beacon=1)
    recorder = recorder_of("beacons asked for, with their newest pulse; and 33 in a second")
    recorder.meet("HN")
    recorder.wait(2_000)
    recorder.get("HN", beacons=link_pb2.Beacons(beacons=[word], pulses=[pulse(9)]))
    recorder.get("HN", want_beacons=link_pb2.WantBeacons(origins=[f.ORIGINS["NI"], f.ORIGINS["GT"]] + [f.ORIGINS["HN"]] * 30))
    recorder.get("HN", want_beacons=link_pb2.WantBeacons(origins=[f.ORIGINS["GT"]]))
    recorder.counts(busy=1)
    cases.append(recorder.case())
    return cases
