// Codes, origins, feeds, positions and record ids, and how people write them.
#ifndef ENLACE_LIB_IDS_H
#define ENLACE_LIB_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"

enum {
    CODE_MAX = 16,
    ORIGIN_SIZE = 16,
    HASH_SIZE = 32,
    KEY_SIZE = 32,
    SIGNATURE_SIZE = 64,
    SALT_SIZE = 16,
    NONCE_SIZE = 16,
    RECORD_ID_TEXT = 64
};

// Lanes: 0 control, 1 coalition, 2 and up restricted.
enum { LANE_CONTROL = 0, LANE_COALITION = 1, LANE_OPEN_COUNT = 2 };

// Bounds on positions, so that sums never overflow and SQLite's signed
// integers hold them.
#define EPOCH_MAX  1000000u
#define LANE_MAX   65535u
#define NUMBER_MAX ((uint64_t)1 << 53)

typedef struct {
    char text[CODE_MAX + 1];
} code_t; // [A-Z][A-Z0-9-]{1,15}
typedef struct {
    uint8_t bytes[ORIGIN_SIZE];
} origin_t; // BLAKE2b-128 of the first root key
typedef struct {
    uint8_t bytes[HASH_SIZE];
} hash_t;
typedef struct {
    uint8_t bytes[KEY_SIZE];
} pubkey_t; // a public key of any sort
typedef struct {
    uint8_t bytes[SIGNATURE_SIZE];
} signature_t; // sig_t is signal.h's

typedef struct {
    origin_t origin;
    uint32_t epoch;
    uint32_t lane;
} feed_t;
typedef struct {
    uint8_t bytes[NONCE_SIZE];
} nonce_t; // of a session or of a boot

// A place in an origin's log, without the origin.
typedef struct {
    uint32_t epoch;
    uint32_t lane;
    uint64_t number;
} position_t;

typedef struct {
    feed_t feed;
    uint64_t number; // 0: nothing yet; then hash is that of the epoch's start card
    hash_t hash;
} head_t;

// Two chains of one feed that part: what is held and what came instead.
typedef struct {
    uint64_t number; // 0: there is no proof
    hash_t ours, theirs;
    char source[CODE_MAX + 1]; // code of who brought theirs; may be empty
} proof_t;

// How a fence went: all peers had told, its operator accepted, a new epoch. The
// numbers are kept in databases.
typedef enum { LIFT_TOLD = 1, LIFT_ACCEPTED = 2, LIFT_EPOCH = 3 } lift_t;

bool code_valid(const char *text);
bool code_parse(const char *text, code_t *code);
bool origin_equal(const origin_t *a, const origin_t *b);
int origin_compare(const origin_t *a, const origin_t *b);
bool hash_equal(const hash_t *a, const hash_t *b);
bool key_equal(const pubkey_t *a, const pubkey_t *b);
bool feed_equal(const feed_t *a, const feed_t *b);
int feed_compare(const feed_t *a, const feed_t *b); // origin, epoch, lane
bool position_equal(position_t a, position_t b);
int position_compare(position_t a, position_t b); // epoch, lane, number

// CR:42, CR.2:42, CR/3:7, CR.2/3:7. Epoch 1 and lane 1 are left out when written.
// Refuses leading zeros, signs, spaces, and what exceeds the bounds above.
err_t record_id_parse(const char *text, code_t *owner, position_t *position);
void record_id_format(const char *owner, position_t position, char text[RECORD_ID_TEXT]);

// Lower-case hex; `text` has room for 2 * size + 1.
void hex_format(const uint8_t *bytes, size_t size, char *text);
bool hex_parse(const char *text, uint8_t *bytes, size_t size);

#endif
