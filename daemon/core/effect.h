// What the core wants done, as values. The driver carries them out: durable
// ones at once, inside the turn's transaction; visible ones only after it is on
// disk, in order.
#ifndef ENLACE_DAEMON_CORE_EFFECT_H
#define ENLACE_DAEMON_CORE_EFFECT_H

#include "daemon/core/event.h"

typedef enum {
    // durable: in the turn's transaction
    EFFECT_APPEND,       // commit
    EFFECT_ROSTER,       // roster
    EFFECT_CARD,         // card
    EFFECT_FILL_PAYLOAD, // payload
    EFFECT_EVIDENCE,     // feed, reason, proof, bytes
    EFFECT_STOP_FEED,    // feed, reason, proof; ERR_OK: it goes on
    EFFECT_FENCE,        // reason, text
    EFFECT_UNFENCE,      // number (lift_t), text
    EFFECT_COMPARE,      // text (who brought it), bytes: reads, but what the turn has written too
    EFFECT_LAST_DURABLE = EFFECT_COMPARE,
    // neither: carried out at once, and nobody hears of it
    EFFECT_PREPARE, // prepared: to be read; EVENT_PREPARED brings it back
    // visible: after it
    EFFECT_SEND,         // link, bytes
    EFFECT_PUBLISH,      // bytes
    EFFECT_REPLY,        // request, reason, feed, number (of the first change written)
    EFFECT_CLOSE,        // link, reason
    EFFECT_DIAL,         // dial, endpoint (text), key
    EFFECT_ADMIT,        // the keys of current members changed: core_admitted
    EFFECT_READ_RUN,     // link, fetch, feed, number, hash, limit, headers_only, cut
    EFFECT_READ_PROOF,   // link, feed, number
    EFFECT_READ_PAYLOAD, // link, fetch, feed, number
    EFFECT_FIND_MISSING, // limit
    EFFECT_LOG,          // level, text
    EFFECT_TYPE_END
} effect_type_t;

typedef struct {
    effect_type_t type;
    core_link_t link;
    uint32_t fetch;
    feed_t feed;
    uint64_t number;
    hash_t hash;
    uint64_t limit;
    bool headers_only;
    bool has_cut;
    head_t cut;
    proof_t proof;
    uint64_t request;
    err_t reason;
    size_t dial;
    pubkey_t key;
    int level;
    uint64_t wall_ms;
    uint8_t salt[SALT_SIZE];
    buf_t bytes;          // owned: message, publication, payload body, evidence
    char *text;           // owned
    commit_t *commit;     // owned
    roster_t *roster;     // owned
    card_t *card;         // owned
    prepared_t *prepared; // owned
} effect_t;

typedef struct {
    effect_t *items;
    size_t count, capacity;
} effects_t;

effect_t *effects_add(effects_t *effects, effect_type_t type); // zeroed but for its type
void effect_clear(effect_t *effect);                           // frees what it owns
void effects_clear(effects_t *effects);                        // all of them; keeps the array
void effects_free(effects_t *effects);

#endif
