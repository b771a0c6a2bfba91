#include "bench/works.h"

const work_t works[] = {
    {"bootstrap", "a new node, from nothing to an equal digest", work_bootstrap, true},
    {"live", "an import at one node until it is visible at another", work_live, true},
    {"catch-up", "a node that was off while all was written", work_catch_up, true},
    {"single", "the same where every change was signed alone", work_single, false},
    {"latency", "one put at a time, from the call to visible at another node", work_latency, false},
    {"fan-out", "a hub with 40 followers at 2,000 changes a second", work_fanout, false},
    {"relay", "four nodes in a line: from the first to the last", work_relay, false},
    {"write", "put by one client at one node, from the call to its answer", work_write, false},
    {"query", "pages of 50 by kind, owner and field; one record", work_query, true},
    {"idle", "40 links, 8 nodes, and 10, 100 and 1,000 known feeds, doing nothing", work_idle,
     false},
    {"poor-link", "64 kbit/s: share that is payload, round trip meanwhile (root)", work_poor_link,
     false},
    {"start-up", "from the start of the process until it serves", work_start, true},
    {"disk", "bytes a change on disk", work_disk, false},
    {"wire", "bytes a change between two nodes (root)", work_wire, false},
    {0},
};
