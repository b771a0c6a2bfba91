// The formulae of docs/scale.md: what a coalition of hubs and leaves (scale.h) sends,
// keeps and waits for, out of the product's own bounds, times and types, and of sizes
// that its codec gives.
#ifndef ENLACE_TESTS_SIM_SCALE_MODEL_H
#define ENLACE_TESTS_SIM_SCALE_MODEL_H

#include <stddef.h>

// Encoded bytes. What stands on a link has the session's id, a publication has not.
typedef struct {
    double head;                                // in a beacon or in Heads
    double beacon;                              // signed, without heads
    double beacon_overhead, published_overhead; // of a message with one
    double pulse, pulses;                       // one of them; a message without any
    double published_run, run_part;             // of one change of SCALE_RECORD_BYTES
    double ack, heads, fetch, ping;             // with one head each
    double greeting, card_number;               // a Welcome without card numbers
    double card, roster, member;                // a card; a roster without members; a member in it
} sizes_t;

sizes_t scale_sizes(void);

// Nodes, and the links between them.
typedef struct {
    double nodes, hubs;
    double writers, feeds; // who writes; in which there is a change
    double changes;        // a minute, each a commit of its own
    double logged;         // changes in the log
} mass_t;

double scale_beacon(const sizes_t *sizes, double feeds); // signed, encoded
// Bytes a minute. Of a leaf's link, and of one between two hubs, both directions.
double scale_down(const sizes_t *sizes, const mass_t *mass);
double scale_up(const sizes_t *sizes, const mass_t *mass);
double scale_between_hubs(const sizes_t *sizes, const mass_t *mass);
double scale_hub_sends(const sizes_t *sizes, const mass_t *mass);
// Bytes on all links for one change of a leaf, beacons apart.
double scale_change_hubs(const sizes_t *sizes, double hubs); // those between hubs
double scale_change(const sizes_t *sizes, const mass_t *mass);
double scale_change_messages(const mass_t *mass);
// A leaf with nothing but the charter: bytes that it is sent, ms until it holds all where
// what each feed has goes into one run.
double scale_newcomer(const sizes_t *sizes, const mass_t *mass);
double scale_newcomer_ms(const mass_t *mass);
double scale_change_ms(void); // from a leaf of one hub to those of another
// The same on average where the last way is a line of so many bytes a second, which carries
// words and changes in the order in which they come. INFINITY: they are more than it carries.
double scale_change_on_ms(const sizes_t *sizes, const mass_t *mass, double bytes_s);
double scale_start_ms(void); // all from nothing at once, each with a change of its own
// Bytes of a store, and of the file of search beside it: the log is the same at every node.
double scale_disk(const mass_t *mass);
double scale_search(const mass_t *mass);
// Bytes of a node with so many sessions: core and driver.
double scale_core(const sizes_t *sizes, const mass_t *mass, double sessions);

#endif
