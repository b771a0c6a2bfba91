"""Pulses: docs/protocol.md, section 7. Where nothing has changed since its last
beacon a node says so by the next preimage of a chain; who lacks the beacon asks."""

from typing import Optional

from enlace.v1 import link_pb2

import crypto
from document import Refused, refuse_unless
from session import Session

STEPS, MINUTE_MS, GATHER_MS, WANT_MS = 256, 60_000, 10_000, 1_000
WANT_MOST, PULSES_MOST = 32, 256
TAKEN, OLD, LACKS = "taken", "old", "lacks"


def chain(top: bytes, origin: bytes, sequence: int) -> list[bytes]:
    """All preimages, from the anchor (step 0) to `top`."""
    preimages = [top]
    for step in range(STEPS, 0, -1):
        preimages.append(crypto.preimage_before(origin, sequence, step, preimages[-1]))
    return preimages[::-1]


def continues(beacon: link_pb2.Beacon, last: Optional[link_pb2.Pulse], pulse: link_pb2.Pulse) -> bool:
    """Whether it leads back to the last pulse taken, or to the anchor."""
    step, preimage = (last.step, last.preimage) if last else (0, beacon.anchor)
    at = pulse.preimage
    for place in range(pulse.step, step, -1):
        at = crypto.preimage_before(pulse.origin, pulse.sequence, place, at)
    return at == preimage


class Pulsing:
    """A part of Node."""

    def held_beacon(self, origin: bytes) -> Optional[link_pb2.Beacon]:
        if origin not in self.beacons:
            return None
        return link_pb2.Beacon.FromString(link_pb2.SignedBeacon.FromString(self.beacons[origin][1]).body)

    def forget_pulses(self, origin: bytes) -> None:
        self.pulses.pop(origin, None)
        self.gathered.pop(origin, None)

    # ---- others' ----

    def take_pulses(self, session: Session, pulses) -> None:
        lacks = []
        for pulse in pulses:
            try:
                if self._take_pulse(session, pulse) == LACKS:
                    self.counters["lacks-beacon"] += 1
                    lacks.append(pulse.origin)
            except Refused as refused:
                self.counters[refused.reason] += 1
        if lacks and self.now_ms - session.wanted_ms >= WANT_MS:
            session.wanted_ms = self.now_ms
            self.say(session, want_beacons=link_pb2.WantBeacons(origins=lacks[:WANT_MOST]))

    def _take_pulse(self, session: Session, pulse: link_pb2.Pulse) -> str:
        refuse_unless(self.membership.roster.member(pulse.origin), "unknown-origin")
        if pulse.origin == self.origin:
            return LACKS if pulse.sequence > self.sequence else OLD
        beacon, last = self.held_beacon(pulse.origin), self.pulses.get(pulse.origin)
        if beacon is None or pulse.sequence > beacon.sequence:
            return LACKS
        if pulse.sequence < beacon.sequence or (last and pulse.step <= last.step):
            return OLD
        refuse_unless(self.membership.newest(pulse.origin).body.number == beacon.card_number, "beyond-cut")
        refuse_unless(continues(beacon, last, pulse), "bad-signature")
        self.pulses[pulse.origin] = pulse
        self.beacon_heard_ms[pulse.origin] = self.now_ms
        if not self.gathered:
            self.gathered_ms = self.now_ms
        self.gathered[pulse.origin] = session
        return TAKEN

    # ---- passing on, and telling ----

    def pass_on_pulses(self) -> None:
        def list_of(came_from: Optional[Session]) -> list[link_pb2.Beacons]:
            here = [origin for origin, source in self.gathered.items() if came_from is None or source is not came_from]
            pulses = [self.pulses[origin] for origin in sorted(here) if self.membership.roster.member(origin)]
            return [link_pb2.Beacons(pulses=pulses[at : at + PULSES_MOST]) for at in range(0, len(pulses), PULSES_MOST)]

        for beacons in list_of(None) if self.listening else []:
            self.published.append(link_pb2.Publication(beacons=beacons).SerializeToString())
        for session in self.open_sessions():
            for beacons in list_of(session) if session.dialled else []:
                self.say(session, beacons=beacons)
        self.gathered.clear()

    def pass_on_in_time(self) -> None:
        if self.gathered and self.now_ms - self.gathered_ms >= GATHER_MS:
            self.pass_on_pulses()

    def beacon_and_pulse(self, origin: bytes) -> link_pb2.Beacons:
        pulses = [self.pulses[origin]] if origin in self.pulses else []
        return link_pb2.Beacons(beacons=[link_pb2.SignedBeacon.FromString(self.beacons[origin][1])], pulses=pulses)

    def on_want_beacons(self, session: Session, want: link_pb2.WantBeacons) -> None:
        for origin in want.origins:
            if not self.may_ask(session):
                return
            if origin in self.beacons and self.membership.roster.member(origin):
                self.say(session, beacons=self.beacon_and_pulse(origin))

    # ---- its own ----

    def tell_pulse(self, now: link_pb2.Beacon) -> bool:
        """Instead of its beacon, where that still says what `now` says."""
        said, last = self.held_beacon(self.origin), self.pulses.get(self.origin)
        if said is None or said.sequence != self.sequence or said.card_number != now.card_number:
            return False
        if list(said.own) != list(now.own) or list(said.held) != list(now.held):
            return False
        step = max((last.step if last else 0) + 1, (self.now_ms - said.sequence) // MINUTE_MS)
        if step > STEPS:
            return False
        preimage = chain(self.top, self.origin, said.sequence)[step]
        self.pulses[self.origin] = link_pb2.Pulse(origin=self.origin, sequence=said.sequence, step=step, preimage=preimage)
        self.gathered[self.origin] = None
        self.pass_on_pulses()
        return True
