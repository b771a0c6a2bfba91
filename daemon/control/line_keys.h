// The keys of a file that is imported: which nodes give which, and for what kind.
//
// Invariant: a node gives a key once. What a key takes is 32 bytes and its slot, however
// long it is: it stands for itself by 128 bits of SipHash under a secret of the table's
// own, so that no two keys meet. One thread at a time.
#ifndef ENLACE_DAEMON_LINE_KEYS_H
#define ENLACE_DAEMON_LINE_KEYS_H

#include "lib/ids.h"

typedef struct line_keys line_keys_t;

line_keys_t *line_keys_new(void);
void line_keys_destroy(line_keys_t **keys);

// 0; or the line at which that node has given the key before, and nothing is added.
uint64_t line_keys_add(line_keys_t *keys, const char *node, const char *key, const char *kind,
                       uint64_t number);
// How many nodes give this key (2 stands for any number more than one); `first` is the
// one of them that gave it first.
size_t line_keys_owners(const line_keys_t *keys, const char *key, code_t *first);
// What kind that node's line with this key names; NULL: there is no such line. Lasts
// until a key is added.
const char *line_keys_kind(const line_keys_t *keys, const char *node, const char *key);

#endif
