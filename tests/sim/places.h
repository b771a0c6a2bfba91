// What a world is made of. Only the files that make up the world include this.
#ifndef ENLACE_TESTS_SIM_PLACES_H
#define ENLACE_TESTS_SIM_PLACES_H

#include "daemon/boot.h"
#include "tests/sim/world.h"

// What a place's other thread has in hand, and when that is done.
typedef struct {
    prepared_t *prepared;
    uint64_t due_ms;
} aside_t;

typedef struct {
    world_t *world;
    size_t index;
    code_t code;
    bool listening, running;
    secret_t *root, *signing;
    pubkey_t root_key, signing_key, transport_key;
    card_t *card; // its newest
    size_t old_count;
    card_t *old_cards[WORLD_CARDS_MAX]; // those before it, from card 1
    hash_t start;                       // of the card that started its epoch
    char endpoint[64];
    size_t dial_count, dial_capacity;
    size_t *dials;
    // time
    uint64_t booted_ms; // world time at which its monotonic clock was 0
    int64_t skew_ms;
    uint64_t drawn;
    // life
    char database[32];
    disk_t *disk;
    disk_image_t *saved;
    store_t *store;
    core_t *core;
    driver_t *driver;
    size_t aside_count, aside_capacity;
    aside_t *asides;
    death_t how; // at the operation that its disk waits for
    err_t refused;
    // its boot marker
    boot_t boot;
    buf_t marker; // as the system has it; the disk has what was written durably
    buf_t saved_marker;
    uint64_t machine, inodes;
    // the last write
    err_t written;
    uint64_t written_number;
} place_in_t;

struct world {
    uint64_t now_ms, seed, drawn;
    size_t prepare_from; // core_options_t
    network_t *network;
    size_t node_count, node_max;
    place_in_t *nodes;
    uint64_t *in_turn; // a bit a node: its turn has begun
    roster_t *charter;
    const disk_image_t *empty; // a store without anything
    disk_image_t *own_empty;   // the same, where nobody else keeps it
    disk_image_t *founded;     // one with charter and cards
    watcher_t watcher;
};

#define WORLD_EPOCH_MS 1700000000000u // wall clock at virtual time 0

// founding.c
void place_make_keys(place_in_t *place);
void place_copy_keys(place_in_t *place, const place_in_t *from);
// edge.c
edge_t place_edge(place_in_t *place);
// machine.c
marker_home_t place_marker(place_in_t *place);
void place_make_marker(place_in_t *place); // as init does
void place_copied(place_in_t *place);      // its files are copies: the marker is another file
void place_lost_power(place_in_t *place);  // what of the marker was not durable
// world.c
// An event that its operator or author waits for the answer to, as a turn of its own.
err_t place_ask(place_in_t *place, event_t *event);
err_t place_append(place_in_t *place, uint32_t lane, const draft_t *drafts, size_t count);
err_t place_try_open(place_in_t *place, fault_t *fault);
void place_open(place_in_t *place); // its store, where it is closed

#endif
