// The program that writes the inputs that fuzzing starts from, in three files.
#ifndef ENLACE_TESTS_FUZZ_SEEDS_H
#define ENLACE_TESTS_FUZZ_SEEDS_H

#include "lib/bytes.h"

void put_seed(const char *target, span_t bytes);
void put_seed_buf(const char *target, buf_t bytes); // takes it
void put_seed_text(const char *target, const char *text);
void put_seed_behind(const char *target, const void *prefix, size_t size, span_t bytes);
buf_t encode_record_line(const char *json); // empty where it is refused

// What clients, daemons, proxies and the authentication protocol say.
void edge_seeds(void);
// Stories for a node.
void node_seeds(void);

#endif
