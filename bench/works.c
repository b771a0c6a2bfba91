#include "bench/works.h"

const work_t works[] = {
    {"bootstrap", "a new node, from nothing to an equal digest", work_bootstrap},
    {"live", "an import at one node until it is visible at another", work_live},
    {"catch-up", "a node that was off while all was written", work_catch_up},
    {"single", "the same where every change was signed alone", work_single},
    {"latency", "one put at a time, from the call to visible at another node", work_latency},
    {0},
};
