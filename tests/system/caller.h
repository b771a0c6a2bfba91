// A peer in the test's own process: real keys, the production network edge, and
// whatever bytes the test wants to say.
#ifndef ENLACE_TESTS_SYSTEM_CALLER_H
#define ENLACE_TESTS_SYSTEM_CALLER_H

#include "daemon/net/net.h"
#include "lib/message.h"
#include "tests/system/fleet.h"

typedef struct caller caller_t;

// With the keys in a node's directory (whose daemon does not run), or (NULL) with
// keys that nobody knows. Dials the link of `to`.
caller_t *caller_new(fleet_t *fleet, const char *keys_of, size_t to);
void caller_destroy(caller_t **caller);

// Waits for the outcome of the handshake: true up, false refused or lost.
bool caller_up(caller_t *caller, unsigned ms);
// Greets and waits for the Welcome.
bool caller_greet(caller_t *caller, unsigned ms);
// As it is, and as a message of this session.
void caller_say(caller_t *caller, span_t bytes);
void caller_send(caller_t *caller, message_t *message);
// Waits until a message of that type has come; its bytes decoded (caller_forget
// after use), or false.
bool caller_hear(caller_t *caller, message_type_t type, message_t *message, unsigned ms);
bool caller_lost(caller_t *caller, unsigned ms);      // waits for the connection's end
unsigned caller_publications(const caller_t *caller); // that came so far
const hash_t *caller_coalition(const caller_t *caller);

#endif
