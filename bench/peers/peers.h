// What would be used instead of Enlace, each as a subject.
#ifndef ENLACE_BENCH_PEERS_PEERS_H
#define ENLACE_BENCH_PEERS_PEERS_H

#include <stddef.h>
#include <stdint.h>

#include "bench/records.h"
#include "bench/subject.h"

// Two instances, logical replication.
extern const subject_t peer_postgresql;
// Two servers, a mirror of a stream over a leaf node.
extern const subject_t peer_nats;
// Two files and a thread between them: what a database alone would take.
extern const subject_t peer_sqlite;

// Whose records they are, and of what kind: what they would be found by.
#define PEER_OWNER "CRM"
enum { PEER_KIND = 1 };

enum { PEER_KEY = 10 }; // bytes of a key, without the NUL
void peer_key(uint64_t number, char key[PEER_KEY + 1]);

#endif
