// One core by itself, event by event: what comes out of each. Its node is AA of
// tests/unit/protocol_samples.h, the others are BB, CC and DD; nothing is stored.
#ifndef ENLACE_TESTS_CORE_BENCH_H
#define ENLACE_TESTS_CORE_BENCH_H

#include "daemon/core/core.h"

enum { BENCH_AA, BENCH_BB, BENCH_CC, BENCH_DD, BENCH_MEMBERS };

typedef struct {
    secret_t *signing[BENCH_MEMBERS];
    pubkey_t signing_key[BENCH_MEMBERS];
    card_t *cards[BENCH_MEMBERS]; // each with an address of its own: tcp://192.0.2.N:7000
    size_t known;                 // of BB's cards, the first of them among `cards`
    card_t **later;               // the others, in order
    roster_t *charter;            // two must sign
    core_t *core;
    uint64_t now_ms;
    uint8_t drawn;
    uint32_t packings; // that others say they take; 0 at first
    effects_t effects; // of the last event
    nonce_t session;   // of the last greeting
} bench_t;

extern const core_dial_t bench_dial_cc; // at the address of its card

// `dials`: NULL, or those of the configuration. `feeds` may be NULL.
void bench_open(bench_t *bench, const core_dial_t *dials, size_t dial_count,
                const core_feed_t *feeds, size_t feed_count);
// A member dials in, and nobody is configured.
void bench_open_greeted(bench_t *bench, core_link_t link, size_t member);
// CC is configured, dialled and connected.
void bench_open_connected(bench_t *bench, core_link_t link);
// The same, and all runs are prepared aside.
void bench_open_aside(bench_t *bench, core_link_t link);
// That member's lane 1 is held so far.
void bench_open_holding(bench_t *bench, size_t member, uint64_t number);
// The disk was restored, and AA's lane 1 had come so far; 0: the boot marker is gone, and
// with it how far.
void bench_open_restored(bench_t *bench, const core_dial_t *dials, size_t dial_count,
                         uint64_t came_to);
// The member's card after its first, unchanged otherwise; card_destroy.
card_t *bench_next_card(const bench_t *bench, size_t member);
void bench_sign_card(card_t *card, size_t member); // by its root key: it was changed
// With the votes of two.
void bench_seal_roster(const bench_t *bench, roster_t *next, size_t one, size_t other);
// BB dials in and brings a card that advertises that address; card_destroy.
card_t *bench_claim_address(bench_t *bench, core_link_t link, const char *endpoint);
// BB has had so many epochs, each begun by a card of its own that cuts the one before at
// number 5; of each one change in lane 1 is held, which may be a fork's.
void bench_open_epochs(bench_t *bench, const core_dial_t *dials, size_t dial_count, uint32_t epochs,
                       bool forked);
void bench_close(bench_t *bench);

// Steps; the effects of the one before are gone.
void bench_step(bench_t *bench, event_t *event);
// One change of its own; how many commits it wrote.
size_t bench_append(bench_t *bench, span_t body);
void bench_commit(bench_t *bench);            // EVENT_COMMITTED
void bench_roll_back(bench_t *bench);         // EVENT_ROLLED_BACK
void bench_pass(bench_t *bench, uint64_t ms); // and a tick
// A member dials in and says Hello; its session is bench->session.
void bench_greet(bench_t *bench, core_link_t link, size_t member);
// The member that the configuration names is dialled, connects and says Welcome.
void bench_connect(bench_t *bench, core_link_t link, size_t member);
void bench_say(bench_t *bench, core_link_t link, message_t *message);
void bench_publish(bench_t *bench, core_link_t link, const commit_t *commit);
void bench_offer(bench_t *bench, core_link_t link, message_type_t type, buf_t item); // takes it

// A roster without that member, voted for by two others, that cuts its lane 1 there;
// NULL: nowhere.
void bench_offer_removal(bench_t *bench, size_t member, core_link_t link, uint64_t number,
                         const hash_t *hash);
void bench_remove(bench_t *bench, size_t member, core_link_t link, uint64_t number,
                  const hash_t *hash); // and it is durable

size_t bench_count_of(const bench_t *bench, effect_type_t type);
const effect_t *bench_effect(const bench_t *bench, effect_type_t type); // the last, or NULL
// The last message of that type that was sent, decoded; message_clear. False: none.
bool bench_sent(const bench_t *bench, message_type_t type, message_t *message);
// The next of that type after place `from`, 0 at first; its own place, 0: none.
size_t bench_next_sent(const bench_t *bench, message_type_t type, size_t from, message_t *message);
// The cards or heads in all messages of that type that were sent, at most so many in each.
size_t bench_items_sent(const bench_t *bench, message_type_t type, size_t most);
uint64_t bench_counted(const bench_t *bench, err_t reason); // in its status

feed_t bench_feed(const bench_t *bench, size_t member); // lane 1 of epoch 1
// A commit of a member's after a head, of one change; signed by its card 1.
commit_t *bench_commit_after(const bench_t *bench, size_t member, const head_t *head,
                             const char *body);

#endif
