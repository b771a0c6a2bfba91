// Lists of what is encoded inside messages and has a decoder of its own: rosters, cards,
// beacons, and the pulses that go with these. Internal to lib/.
#ifndef ENLACE_LIB_SIGNED_ITEMS_H
#define ENLACE_LIB_SIGNED_ITEMS_H

#include "enlace/v1/link.pb-c.h"
#include "lib/message.h"
#include "lib/wire.h"

// Encodes one again, at the end of *packed; its place is filled in by signed_items_place.
void signed_items_add(wire_t *wire, const char *field, const ProtobufCMessage *item, size_t most,
                      signed_items_t *items, buf_t *packed);
void signed_items_place(signed_items_t *items, const buf_t *packed);
// Both: items point into *packed, pulses are an array of the caller's to free (mem_free).
void signed_items_beacons(wire_t *wire, const Enlace__V1__Beacons *message, signed_items_t *items,
                          buf_t *packed, pulse_t **pulses);
buf_t signed_items_write(const signed_items_t *items);

#endif
