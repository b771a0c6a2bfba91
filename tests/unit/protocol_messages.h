// One link message of each type, as a value and as bytes that a python script put
// together after link.proto.
#ifndef ENLACE_TESTS_PROTOCOL_MESSAGES_H
#define ENLACE_TESTS_PROTOCOL_MESSAGES_H

#include "lib/message.h"

typedef struct {
    message_type_t type;
    void (*fill)(message_t *message); // what it points at lives until the next fill
    const char *hex;
} known_message_t;

// What rosters, cards, beacons and proof hold, encoded; made by known_messages_start.
extern buf_t signed_card, signed_roster, proof_run;

int known_messages_start(void **state); // of a group of tests
int known_messages_stop(void **state);
const known_message_t *known_message(size_t i); // NULL after the last
const char *hex_of(message_type_t type);

// Decodes from a block of exactly its size that is gone before anything is looked at.
err_t decode_exact(span_t bytes, message_t *message, fault_t *fault);
err_t decode_hex(const char *hex, message_t *message, fault_t *fault);

#endif
