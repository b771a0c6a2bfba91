// A node's store with three members, CR (this node), GT and SV, whose feeds are
// written as their owners would: what the tests of the control edge stand on.
#ifndef ENLACE_TESTS_HOUSE_H
#define ENLACE_TESTS_HOUSE_H

#include "daemon/control/author.h"

typedef enum { HOUSE_CR, HOUSE_GT, HOUSE_SV, HOUSE_MEMBERS } house_member_t;

typedef struct {
    code_t code;
    secret_t *signing;
    card_t *card;
    head_t head; // lane 1
    uint64_t time_ms;
} house_feed_t;

typedef struct {
    char dir[64];
    char *database;
    store_t *store;
    roster_t *roster;
    house_feed_t feeds[HOUSE_MEMBERS];
} house_t;

void house_open(house_t *house);
void house_close(house_t *house);

author_t house_author(const house_t *house);

// Appends changes in lane 1 as one commit, leaving the turn open; the first number.
uint64_t house_append(house_t *house, house_member_t who, const draft_t *drafts, size_t count);
void house_commit(house_t *house); // ends the turn
// The same from JSON written with ' for ", unchecked, and on disk.
uint64_t house_put(house_t *house, house_member_t who, const char *json);
uint64_t house_revise(house_t *house, house_member_t who, uint64_t record, const char *json);
uint64_t house_retract(house_t *house, house_member_t who, uint64_t record);
// A revision whose content needs a newer reader.
uint64_t house_revise_newer(house_t *house, house_member_t who, uint64_t record);

#endif
