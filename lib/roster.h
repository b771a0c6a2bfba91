// Who belongs: a chain of versions, each signed by a threshold of the one before.
#ifndef ENLACE_LIB_ROSTER_H
#define ENLACE_LIB_ROSTER_H

#include "lib/card.h"

#define ROSTER_BYTES_MAX   (4u * 1024 * 1024) // signed roster: 11,000 members fit
#define ROSTER_MEMBERS_MAX 20000u
#define ROSTER_ROLES_MAX   16u
#define CHARTER_BYTES_MAX  (16u * 1024 * 1024)

typedef struct {
    code_t code;
    origin_t origin;
    pubkey_t root_key;
    size_t role_count;
    uint32_t roles[ROSTER_ROLES_MAX];
    uint32_t min_card; // lowest card number accepted
} member_t;

typedef struct {
    code_t code;
    origin_t origin;
    pubkey_t root_key;
    size_t cut_count;
    cut_t *cuts;
} former_t;

typedef struct {
    origin_t origin;
    uint32_t card_number; // 0: root key (charter)
    signature_t signature;
} roster_signature_t;

typedef struct {
    uint32_t version;
    bool has_previous;
    hash_t previous;
    char *name;
    uint32_t threshold;
    size_t member_count;
    member_t *members; // sorted by code
    size_t former_count;
    former_t *formers; // sorted by code
    uint32_t min_protocol;
    uint64_t time_ms;
    bool has_creator;
    origin_t creator;
    hash_t hash; // of the body; of the charter: the coalition id
    buf_t body;
    size_t signature_count;
    roster_signature_t *signatures;
} roster_t;

// Bounds, canonical form, internal consistency (codes and origins unique,
// sorted, threshold within 1..members, creator a member). Not the signatures.
err_t roster_decode(span_t signed_roster, roster_t **roster, fault_t *fault);
// Fills body and hash from the other fields; sorts members and formers.
void roster_seal(roster_t *roster);
void roster_add_signature(roster_t *roster, const roster_signature_t *signature);
buf_t roster_encode(const roster_t *roster); // SignedRoster
roster_t *roster_copy(const roster_t *roster);
void roster_destroy(roster_t **roster);

// Version 1: its creator's root signature. `coalition` is its own hash then.
err_t charter_check(const roster_t *charter);

// The signing key of an origin's card, or NULL where that card is not known or
// no longer accepted for votes.
typedef const pubkey_t *(*vote_key_fn)(void *context, const origin_t *origin, uint32_t card_number);
// Whether `next` follows from `before`: version, previous hash, and distinct
// members of `before` in number at least its threshold have signed; a code or
// origin is never given again; who leaves is named among the formers, and no
// former vanishes or changes.
err_t roster_follows(const roster_t *before, const roster_t *next, const hash_t *coalition,
                     vote_key_fn vote_key, void *context);

const member_t *roster_member(const roster_t *roster, const origin_t *origin);
const member_t *roster_by_code(const roster_t *roster, const char *code);
const former_t *roster_former(const roster_t *roster, const origin_t *origin);
// Code of a member or former, NULL where it is neither.
const char *roster_code_of(const roster_t *roster, const origin_t *origin);
// Origin of a member's or former's code.
bool roster_origin_of(const roster_t *roster, const char *code, origin_t *origin);

// ---- the charter file ----
typedef struct {
    roster_t *roster;
    size_t card_count;
    card_t **cards;
} charter_t;

// Decodes, checks the creator's signature, that each member's card is there and
// agrees with the roster (origin, code, root key).
err_t charter_decode(span_t bytes, charter_t **charter, fault_t *fault);
buf_t charter_encode(const roster_t *roster, card_t *const *cards, size_t count);
void charter_destroy(charter_t **charter);

#endif
