#include "tests/fuzz/seal.h"

#include <string.h>

#include "enlace/v1/commit.pb-c.h"
#include "enlace/v1/link.pb-c.h"
#include "enlace/v1/membership.pb-c.h"
#include "lib/beacon.h"
#include "lib/crypto.h"
#include "tests/fuzz/cast.h"

// Field numbers of the schema.
enum {
    SIGNED_BODY = 1,
    SIGNED_SIGNATURE = 2,
    CARD_ROOT_KEY = 4,
    BEACON_COALITION = 1,
    BEACON_ORIGIN = 2,
    BEACON_SEQUENCE = 3,
    BEACON_ANCHOR = 7,
    PULSE_ORIGIN = 1,
    PULSE_SEQUENCE = 2,
    PULSE_STEP = 3,
    PULSE_PREIMAGE = 4,
    VOTE_ORIGIN = 1,
    VOTE_CARD = 2,
    VOTE_SIGNATURE = 3,
    RUN_COMMITS = 2,
    COMMIT_HEADER = 1,
    COMMIT_PAYLOADS = 2,
    COMMIT_SIGNATURE = 3,
    HEADER_ORIGIN = 2,
    HEADER_PREVIOUS = 6,
    HEADER_CHANGES = 9,
    CHANGE_COMMITMENT = 6,
    PAYLOAD_SALT = 2,
    PAYLOAD_BODY = 3,
};

static span_t bytes_of(wire_node_t *node, uint32_t tag)
{
    const wire_node_t *child = node ? wire_tree_child(node, tag) : NULL;
    return child ? buf_span(&child->bytes) : (span_t){0};
}

static hash_t hash_of(const wire_node_t *node, hash_use_t use)
{
    buf_t bytes = {0};
    wire_tree_print(node, &bytes);
    hash_t hash = crypto_hash_of(use, buf_span(&bytes));
    buf_free(&bytes);
    return hash;
}

static void put_bytes(wire_node_t *node, uint32_t tag, span_t bytes)
{
    wire_node_t *place = wire_tree_child(node, tag);
    if (!place)
        place = wire_tree_add(
            node, &(wire_node_t){.tag = tag, .wire = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED});
    wire_tree_set_bytes(place, bytes);
}

static void put_signature(wire_node_t *node, uint32_t tag, const signature_t *signature)
{
    put_bytes(node, tag, span_of(signature->bytes, SIGNATURE_SIZE));
}

// ---- cards, beacons, rosters ----

static void seal_card(wire_node_t *node)
{
    wire_node_t *body = wire_tree_child(node, SIGNED_BODY);
    const actor_t *actor = cast_by_root(bytes_of(body, CARD_ROOT_KEY));
    if (!actor)
        return;
    hash_t hash = hash_of(body, HASH_CARD);
    signature_t signature = crypto_sign_hash(actor->root, SIGN_CARD, NULL, &hash);
    put_signature(node, SIGNED_SIGNATURE, &signature);
}

static void seal_beacon(wire_node_t *node)
{
    wire_node_t *body = wire_tree_child(node, SIGNED_BODY);
    const actor_t *actor = cast_by_origin(bytes_of(body, BEACON_ORIGIN));
    span_t coalition = bytes_of(body, BEACON_COALITION);
    hash_t named;
    if (!actor || coalition.size != HASH_SIZE)
        return;
    memcpy(named.bytes, coalition.data, HASH_SIZE);
    hash_t hash = hash_of(body, HASH_BEACON);
    signature_t signature = crypto_sign_hash(actor->signing, SIGN_BEACON, &named, &hash);
    put_signature(node, SIGNED_SIGNATURE, &signature);
}

// All chains begin alike, so that a pulse continues the beacon whose origin and sequence it
// names, whichever of the two is met first.
static void seal_chain(wire_node_t *node, uint32_t origin_tag, uint32_t sequence_tag, uint32_t step,
                       uint32_t tag)
{
    static const preimage_t top = {{'t', 'o', 'p'}};
    span_t origin = bytes_of(node, origin_tag);
    const wire_node_t *sequence = wire_tree_child(node, sequence_tag);
    beacon_t beacon = {.sequence = sequence ? sequence->number : 0};
    if (origin.size != ORIGIN_SIZE)
        return;
    memcpy(beacon.origin.bytes, origin.data, ORIGIN_SIZE);
    preimage_t preimage = pulse_preimage(&beacon, &top, step);
    put_bytes(node, tag, span_of(preimage.bytes, PREIMAGE_SIZE));
}

static void seal_anchor(wire_node_t *node)
{
    seal_chain(node, BEACON_ORIGIN, BEACON_SEQUENCE, 0, BEACON_ANCHOR);
}

static void seal_pulse(wire_node_t *node)
{
    const wire_node_t *step = wire_tree_child(node, PULSE_STEP);
    seal_chain(node, PULSE_ORIGIN, PULSE_SEQUENCE, step ? (uint32_t)step->number : 0,
               PULSE_PREIMAGE);
}

static void seal_vote(wire_node_t *vote, const hash_t *hash)
{
    const actor_t *actor = cast_by_origin(bytes_of(vote, VOTE_ORIGIN));
    const wire_node_t *card = wire_tree_child(vote, VOTE_CARD);
    bool by_root = !card || card->number == 0;
    if (!actor)
        return;
    signature_t signature =
        by_root ? crypto_sign_hash(actor->root, SIGN_CHARTER, NULL, hash)
                : crypto_sign_hash(actor->signing, SIGN_ROSTER, &cast()->charter->hash, hash);
    put_signature(vote, VOTE_SIGNATURE, &signature);
}

static void seal_roster(wire_node_t *node)
{
    const wire_node_t *body = wire_tree_child(node, SIGNED_BODY);
    if (!body)
        return;
    hash_t hash = hash_of(body, HASH_ROSTER);
    for (size_t i = 0; i < node->count; i++)
        if (node->children[i].tag == SIGNED_SIGNATURE)
            seal_vote(&node->children[i], &hash);
}

// ---- commits ----

static wire_node_t *nth(wire_node_t *node, uint32_t tag, size_t n)
{
    for (size_t i = 0; i < node->count; i++)
        if (node->children[i].tag == tag && n-- == 0)
            return &node->children[i];
    return NULL;
}

static void commit_to_payload(wire_node_t *change, wire_node_t *payload)
{
    wire_node_t *place = change ? wire_tree_child(change, CHANGE_COMMITMENT) : NULL;
    span_t salt = bytes_of(payload, PAYLOAD_SALT);
    const wire_node_t *content = wire_tree_child(payload, PAYLOAD_BODY);
    buf_t body = {0};
    if (!place || salt.size != SALT_SIZE || !content)
        return;
    wire_tree_print(content, &body);
    hash_t commitment = crypto_commitment(salt.data, buf_span(&body));
    wire_tree_set_bytes(place, span_of(commitment.bytes, HASH_SIZE));
    buf_free(&body);
}

static void seal_commit(wire_node_t *node)
{
    wire_node_t *header = wire_tree_child(node, COMMIT_HEADER), *payload;
    if (!header)
        return;
    for (size_t i = 0; (payload = nth(node, COMMIT_PAYLOADS, i)); i++)
        commit_to_payload(nth(header, HEADER_CHANGES, i), payload);
    const actor_t *actor = cast_by_origin(bytes_of(header, HEADER_ORIGIN));
    if (!actor)
        return;
    hash_t hash = hash_of(header, HASH_COMMIT);
    signature_t signature =
        crypto_sign_hash(actor->signing, SIGN_COMMIT, &cast()->charter->hash, &hash);
    put_signature(node, COMMIT_SIGNATURE, &signature);
}

static void chain_commits(wire_node_t *run)
{
    hash_t last;
    bool any = false;
    for (size_t i = 0; i < run->count; i++) {
        wire_node_t *commit = &run->children[i];
        wire_node_t *header =
            commit->tag == RUN_COMMITS ? wire_tree_child(commit, COMMIT_HEADER) : NULL;
        wire_node_t *previous = header ? wire_tree_child(header, HEADER_PREVIOUS) : NULL;
        if (!header)
            continue;
        if (any && previous)
            wire_tree_set_bytes(previous, span_of(last.bytes, HASH_SIZE));
        seal_commit(commit);
        last = hash_of(header, HASH_COMMIT);
        any = true;
    }
}

// ---- whatever it is ----

void seal_tree(wire_node_t *root)
{
    static const struct {
        const ProtobufCMessageDescriptor *type;
        void (*seal)(wire_node_t *node);
    } seals[] = {
        {&enlace__v1__signed_card__descriptor, seal_card},
        {&enlace__v1__beacon__descriptor, seal_anchor},
        {&enlace__v1__pulse__descriptor, seal_pulse},
        {&enlace__v1__signed_beacon__descriptor, seal_beacon},
        {&enlace__v1__signed_roster__descriptor, seal_roster},
        {&enlace__v1__commit__descriptor, seal_commit},
        {&enlace__v1__run__descriptor, chain_commits},
    };
    for (size_t i = 0; i < root->count; i++)
        seal_tree(&root->children[i]);
    for (size_t i = 0; i < sizeof seals / sizeof *seals; i++)
        if (root->type && root->type == seals[i].type)
            seals[i].seal(root);
}
