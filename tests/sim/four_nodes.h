// What stories share: a hub and three who dial it, ways to write and to look, what
// roots and voters may decide, and a tap on the lines, so that a story can speak in
// a peer's name.
//
// It is GT to whom things happen: where no node is named, its changes in its first
// epoch are meant. What is returned is the caller's: worlds, commits, cards, rosters
// and secrets. A tap is the caller's too, and outlives the world on whose lines it
// lies. What fails here fails the test.
#ifndef ENLACE_TESTS_SIM_FOUR_NODES_H
#define ENLACE_TESTS_SIM_FOUR_NODES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/sim/world.h"

enum { HUB, GT, SV, HN, NODES };

// Three of them decide. None runs yet. Each story has a seed of its own.
world_t *four_nodes(uint64_t seed);
// SV listens too, and GT dials both.
world_t *four_nodes_two_hubs(uint64_t seed);

// ---- writing ----
// Records prefix0, prefix1, ..., each in a commit of its own.
void put_many(world_t *world, size_t node, const char *prefix, int count);
// The same, and within a minute all that run are in step.
void put_and_settle(world_t *world, size_t node, const char *prefix, int count);
// By GT, a second apart: the hub has a signature on each.
void put_apart(world_t *world, int count);

// ---- a machine that is put back as a whole ----
// Boot marker and all, so that nothing on it can tell. It runs on after the copy, and
// does not run when it has been put back.
void copy_machine(world_t *world, size_t node);
void put_back(world_t *world, size_t node);

// ---- looking ----
feed_t feed_of(world_t *world, size_t node); // its first epoch, lane 1
// What status says at a node of GT's changes in an epoch; none: all zero, state "".
feed_status_t gt_at(world_t *world, size_t node, uint32_t epoch);
void expect_everywhere(world_t *world, const char *state); // of GT's first epoch
bool synced(world_t *world, size_t node);
uint32_t version_at(world_t *world, size_t node); // of the roster
hash_t hash_at(world_t *world, size_t node, uint64_t number);

// ---- changes in GT's name ----
commit_t *sign_change(world_t *world, const secret_t *key, uint64_t number, const hash_t *previous);
// Another one than GT's own, after the same that the hub holds.
commit_t *other_change(world_t *world, const secret_t *key, uint64_t number);
void publish_to(world_t *world, size_t node, const commit_t *commit); // by the hub

// ---- what its root decides ----
// The next card: epoch + 1, another key. Of the old epoch counts what GT holds up to
// `number`; 0: no cut. world_epoch signs it, and takes both.
card_t *epoch_card(world_t *world, uint64_t number, secret_t **signing);
err_t start_epoch(world_t *world, uint64_t number);
// Card 2, signed: the same epoch, another key; what card 1 signs reaches up to what the
// hub holds at `number`. 0: no cut.
card_t *second_card(world_t *world, uint64_t number);

// ---- what voters decide ----
// The next version, without votes. Whoever has edited it seals it.
roster_t *roster_after(const roster_t *last);
void vote(world_t *world, roster_t *roster, size_t node); // by card 1
void vote_by_second_card(world_t *world, roster_t *roster);
// As if the hub's operator had put it there (NULL: nothing): the hub, which begins
// anew, passes it on when greeted.
void put_at_hub(world_t *world, const roster_t *roster, const card_t *card);

// ---- a tap on the lines ----
typedef struct {
    world_t *world;
    nonce_t session[NODES][NODES]; // by who sends, to whom
    bool known[NODES][NODES];      // there is one
    bool withhold[NODES];          // to whom the hub gives nothing of GT's but GT's beacons
} tap_t;

// Four nodes, and the tap lies on their lines.
world_t *four_tapped(tap_t *tap, uint64_t seed);
// For world_tamper, with the tap as its context; a story's own may call it first.
bool tap_listen(void *context, size_t from, size_t to, bool publication, buf_t *bytes);
// Speaks to a node as if `from` had, within their session, which the tap must have heard.
void tap_say(tap_t *tap, size_t node, size_t from, message_t *message);
void tap_say_proof(tap_t *tap, size_t node, size_t from, commit_t *const *commits, size_t count);
void tap_say_card(tap_t *tap, size_t node, const card_t *card); // GT does
void tap_say_roster(tap_t *tap, size_t node, const roster_t *roster);

#endif
