// What a store at rest must be, worked out apart from the code that made it: the
// log as `verify` reads it, and the digest of the view by a fold of its own.
#ifndef ENLACE_TESTS_SIM_AUDIT_H
#define ENLACE_TESTS_SIM_AUDIT_H

#include "daemon/store/store.h"

// NULL: nothing is wrong with it. Else "I16: ...", the first finding under the
// invariant that it breaks; the caller frees. The file may be open.
char *audit_log(const char *path, const char *vfs);

// The digest of everything in the log, by the rules that docs/protocol.md states
// for the fold, from headers alone and whatever the order of arrival was. Told
// apart from what the store says: NULL or "I14: ...", the caller frees.
char *audit_view(store_t *store, const hash_t *digest);

// I8: of every feed that a fork has stopped the proof is kept, and whatever is kept
// against an origin bears its signature. I10: no payload is taken for erased (nobody
// erases any, yet), and evidence has none. I12: evidence is bounded.
char *audit_words(store_t *store);

#endif
