// What must hold of every message that leaves a node: nothing before it is
// durable (I6, I7), nothing beyond credit and bounds (I12), nothing but what the
// node's own log says (I15, I16).
#ifndef ENLACE_TESTS_SIM_WIRE_H
#define ENLACE_TESTS_SIM_WIRE_H

#include "lib/message.h"
#include "tests/sim/oracle.h"

typedef struct wire wire_t;

wire_t *wire_new(void);
void wire_destroy(wire_t **wire);
uint64_t wire_packed(const wire_t *wire);
// The run of a part that is the only one of it, packed or not; run_clear.
err_t run_of_part(const message_t *m, run_t *run, fault_t *fault);
void wire_check(wire_t *wire, oracle_t *oracle, size_t from, size_t to, bool publication,
                span_t bytes);

#endif
