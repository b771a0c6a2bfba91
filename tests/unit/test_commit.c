// The expected bytes of the first commit were put together by a python script
// after commit.proto and the encoding's own description (tag, length, bytes),
// hashed with hashlib.blake2b and signed with a transcription of RFC 8032.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "enlace/v1/commit.pb-c.h"
#include "lib/bounded.h"
#include "lib/commit.h"
#include "lib/mem.h"
#include "tests/unit/hostile.h"
#include "tests/unit/protocol_samples.h"

static int start(void **state)
{
    (void)state;
    return (int)crypto_start();
}

// ---- what is written ----

static const char known_header[] =
    "08011210000102030405060708090a0b0c0d0e0f180220012829322050505050505050505050505050505050505050"
    "5050505050505050505050505038fbd095ffbc3140034a26080128013220024d131afa942eb2a0deb2a19a5a6d6348"
    "08b81f6b02c09e85ec7dab95a395884a2c0802100118012007280132202092c2ceaa1f324a7f86daaab7b5b0d363d7"
    "7cafc8d657ef13483cca2a64657f";

static commit_t *author_known(void)
{
    pubkey_t key;
    uint8_t seed[32];
    uint8_t key_seed[32];
    hash_t previous;
    feed_t feed = sample_feed();
    draft_t drafts[2] = {
        {.type = CHANGE_RECORD, .min_reader = 1, .body = span_text("hello")},
        {.type = CHANGE_RETRACT, .has_target = true, .target = {1, 1, 7}, .min_reader = 1}};
    for (uint8_t i = 0; i < 32; i++)
        seed[i] = i;
    memset(previous.bytes, 0x50, sizeof previous.bytes);
    hex_parse("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", key_seed, 32);
    secret_t *signing = secret_sign_new(key_seed, &key);
    commit_t *commit = commit_author(&feed, 41, &previous, 1700000000123, 3, drafts, 2, seed,
                                     signing, &sample_coalition);
    assert_true(commit_signature_holds(commit, &key, &sample_coalition));
    secret_destroy(&signing);
    return commit;
}

static void an_author_writes_these_bytes(void **state)
{
    (void)state;
    commit_t *commit = author_known();
    expect_hex(known_header, commit->header.data, commit->header.size);
    expect_hex("610f5fc8d4107d1d45acb28a657d593ae31b4c2d8d42080906226329f75e44cb",
               commit->hash.bytes, 32);
    expect_hex(
        "3c309cea9729b2577707b98e574120d469c9fdac9f4e04ced6413766a536b58f564bbebc22d0a955b3ce"
        "d8cee903aab028b703d04a6bf1c908dd29af24dbe503",
        commit->signature.bytes, 64);
    expect_hex("141608de8ab3c1983db3a601264bbe03", commit->changes[0].salt, SALT_SIZE);
    expect_hex("1fafc6788ce302032a77751003a197fd", commit->changes[1].salt, SALT_SIZE);
    // The run of it: 304 bytes, of which the commit's are 277 with 3 of tag and length before them.
    buf_t run = run_encode(&commit->feed, &commit, 1);
    assert_int_equal(run.size, 304);
    assert_int_equal(commit_encoded_size(commit), 280);
    hash_t hash = crypto_hash_of(HASH_COMMIT, buf_span(&run));
    expect_hex("3607b203db7d6e4dbd5193de831e87094df7c68534ed00a0c7669cd2402f1cac", hash.bytes, 32);
    buf_free(&run);
    commit_destroy(&commit);
    assert_null(commit);
}

static void an_author_reads_what_was_meant(void **state)
{
    (void)state;
    commit_t *commit = author_known();
    feed_t feed = sample_feed();
    assert_true(feed_equal(&commit->feed, &feed));
    assert_int_equal(commit->first, 41);
    assert_int_equal(commit->last, 42);
    assert_int_equal(commit->time_ms, 1700000000123);
    assert_int_equal(commit->card_number, 3);
    assert_int_equal(commit->count, 2);
    assert_true(commit->has_signature);
    assert_int_equal(commit->changes[0].type, CHANGE_RECORD);
    assert_false(commit->changes[0].has_target);
    assert_int_equal(commit->changes[0].min_reader, 1);
    assert_int_equal(commit->changes[0].state, PAYLOAD_PRESENT);
    assert_true(span_equal(commit->changes[0].body, span_text("hello")));
    assert_true(commit->changes[1].has_target);
    assert_true(position_equal(commit->changes[1].target, (position_t){1, 1, 7}));
    assert_int_equal(commit->changes[1].body.size, 0);
    commit_destroy(&commit);
}

static bool points_into(const commit_t *commit, span_t span)
{
    return span.data >= commit->memory.data &&
           span.data + span.size <= commit->memory.data + commit->memory.size;
}

static void everything_is_in_its_own_memory(void **state)
{
    (void)state;
    commit_t *commit = author_known();
    commit_t *copy = commit_copy(commit);
    commit_t *both[] = {commit, copy};
    for (size_t i = 0; i < 2; i++) {
        assert_true(points_into(both[i], both[i]->header));
        assert_true(points_into(both[i], both[i]->changes[0].body));
        assert_true(points_into(both[i], both[i]->changes[1].body));
    }
    assert_true(span_equal(copy->header, commit->header));
    assert_true(hash_equal(&copy->hash, &commit->hash));
    commit_destroy(&commit);
    assert_true(span_equal(copy->changes[0].body, span_text("hello")));
    buf_t run = run_encode(&copy->feed, &copy, 1);
    assert_int_equal(run.size, 304);
    buf_free(&run);
    commit_destroy(&copy);
}

static void signatures_are_of_one_coalition_and_key(void **state)
{
    (void)state;
    pubkey_t key;
    pubkey_t other_key;
    hash_t other = {{1}};
    secret_t *secret = sample_secret(1, &key);
    secret_t *other_secret = sample_secret(2, &other_key);
    commit_t *commit = sample_commit(1, NULL, 1, 10);
    assert_true(commit_signature_holds(commit, &key, &sample_coalition));
    assert_false(commit_signature_holds(commit, &other_key, &sample_coalition));
    assert_false(commit_signature_holds(commit, &key, &other));
    commit->has_signature = false;
    assert_false(commit_signature_holds(commit, &key, &sample_coalition));
    commit_destroy(&commit);
    secret_destroy(&secret);
    secret_destroy(&other_secret);
}

// ---- how much fits ----

static void as_many_as_fit(void **state)
{
    (void)state;
    static uint8_t body[PAYLOAD_BYTES_MAX + 1];
    draft_t drafts[300] = {{0}};
    for (size_t i = 0; i < 300; i++)
        drafts[i] = (draft_t){.type = CHANGE_RECORD, .min_reader = 1, .body = {body, 100}};
    assert_int_equal(commit_fit(drafts, 0), 0);
    assert_int_equal(commit_fit(drafts, 5), 5);
    assert_int_equal(commit_fit(drafts, 300), COMMIT_CHANGES_MAX);
    for (size_t i = 0; i < 300; i++)
        drafts[i].body.size = 1024;
    // A change is 1024 bytes, 3 of tag and length, 18 of salt, 2 of state, 3 around
    // them, 40 in the header: 1090; with some 90 for the rest, 120 in 128 KiB.
    assert_int_equal(commit_fit(drafts, 300), 120);
    drafts[0].body.size = PAYLOAD_BYTES_MAX;
    assert_int_equal(commit_fit(drafts, 1), 1);
    drafts[1].body.size = PAYLOAD_BYTES_MAX;
    assert_int_equal(commit_fit(drafts, 2), 1);
    drafts[0].body.size = PAYLOAD_BYTES_MAX + 1;
    assert_int_equal(commit_fit(drafts, 300), 0);
    drafts[0].body.size = 10;
    drafts[3].body.size = PAYLOAD_BYTES_MAX + 1;
    assert_int_equal(commit_fit(drafts, 300), 3); // the fourth is over the bound
}

// Whatever fits can be authored, at the largest of every number, and stays within the bound.
static void what_fits_can_be_authored(void **state)
{
    (void)state;
    static const uint8_t seed[32] = {1};
    static uint8_t body[PAYLOAD_BYTES_MAX];
    static const size_t sizes[] = {0, 1, 127, 128, 300, 512, 1000, 16384, 65536};
    pubkey_t key;
    secret_t *signing = sample_secret(1, &key);
    feed_t feed = {.epoch = EPOCH_MAX, .lane = LANE_MAX};
    hash_t previous = {{0}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        draft_t drafts[COMMIT_CHANGES_MAX];
        for (size_t j = 0; j < COMMIT_CHANGES_MAX; j++)
            drafts[j] = (draft_t){.type = UINT32_MAX,
                                  .has_target = true,
                                  .target = {EPOCH_MAX, LANE_MAX, NUMBER_MAX},
                                  .min_reader = UINT32_MAX,
                                  .body = {body, sizes[i]}};
        size_t fit = commit_fit(drafts, COMMIT_CHANGES_MAX);
        assert_true(fit > 0);
        commit_t *commit = commit_author(&feed, NUMBER_MAX - fit + 1, &previous, (uint64_t)1 << 53,
                                         UINT32_MAX, drafts, fit, seed, signing, &sample_coalition);
        assert_true(commit_content_size(commit) <= COMMIT_BYTES_MAX);
        if (fit < COMMIT_CHANGES_MAX) // and not much is given away
            assert_true(commit_content_size(commit) + sizes[i] + 200 > COMMIT_BYTES_MAX);
        assert_int_equal(commit->last, NUMBER_MAX);
        commit_destroy(&commit);
    }
    secret_destroy(&signing);
}

// ---- payloads ----

static err_t decode_with(const commit_t *good, size_t count, payload_state_t state,
                         const uint8_t salt[SALT_SIZE], span_t body, commit_t **commit)
{
    payload_state_t states[3] = {state, state, state};
    uint8_t salts[3][SALT_SIZE];
    span_t bodies[3] = {body, body, body};
    for (size_t i = 0; i < 3; i++)
        memcpy(salts[i], salt, SALT_SIZE);
    return commit_decode(good->header, good->signature.bytes, count, states,
                         (const uint8_t(*)[SALT_SIZE])salts, bodies, commit, NULL);
}

static void payloads_are_what_was_committed_to(void **state)
{
    (void)state;
    commit_t *good = sample_commit(1, NULL, 1, 10);
    commit_t *commit = NULL;
    const change_t *change = &good->changes[0];
    uint8_t other_salt[SALT_SIZE];
    memcpy(other_salt, change->salt, SALT_SIZE);
    other_salt[15] ^= 1;
    assert_int_equal(decode_with(good, 1, PAYLOAD_PRESENT, change->salt, change->body, &commit),
                     ERR_OK);
    assert_true(commit->has_signature);
    commit_destroy(&commit);
    assert_int_equal(decode_with(good, 1, PAYLOAD_PRESENT, other_salt, change->body, &commit),
                     ERR_BAD_COMMITMENT);
    span_t shorter = {change->body.data, change->body.size - 1};
    assert_int_equal(decode_with(good, 1, PAYLOAD_PRESENT, change->salt, shorter, &commit),
                     ERR_BAD_COMMITMENT);
    assert_null(commit);
    commit_destroy(&good);
}

static void payloads_may_be_gone_or_missing(void **state)
{
    (void)state;
    commit_t *good = sample_commit(1, NULL, 1, 10);
    static const payload_state_t gone[] = {PAYLOAD_ERASED, PAYLOAD_MISSING};
    static const uint8_t no_salt[SALT_SIZE] = {0};
    for (size_t i = 0; i < 2; i++) {
        commit_t *commit = NULL;
        // What lies about beside such a state is not taken over.
        assert_int_equal(
            decode_with(good, 1, gone[i], good->changes[0].salt, span_text("x"), &commit), ERR_OK);
        assert_int_equal(commit->changes[0].state, gone[i]);
        assert_int_equal(commit->changes[0].body.size, 0);
        assert_memory_equal(commit->changes[0].salt, no_salt, SALT_SIZE);
        assert_true(hash_equal(&commit->hash, &good->hash));
        commit_destroy(&commit);
    }
    commit_destroy(&good);
}

static void as_many_payloads_as_changes(void **state)
{
    (void)state;
    commit_t *good = sample_commit(1, NULL, 2, 10);
    commit_t *commit = NULL;
    const change_t *change = &good->changes[0];
    assert_int_equal(decode_with(good, 2, PAYLOAD_MISSING, change->salt, change->body, &commit),
                     ERR_OK);
    commit_destroy(&commit);
    assert_int_equal(decode_with(good, 1, PAYLOAD_MISSING, change->salt, change->body, &commit),
                     ERR_MISSING_FIELD);
    assert_int_equal(decode_with(good, 0, PAYLOAD_MISSING, change->salt, change->body, &commit),
                     ERR_MISSING_FIELD);
    assert_int_equal(decode_with(good, 3, PAYLOAD_MISSING, change->salt, change->body, &commit),
                     ERR_TOO_MANY);
    assert_int_equal(decode_with(good, 2, (payload_state_t)0, change->salt, change->body, &commit),
                     ERR_BAD_VALUE);
    assert_int_equal(decode_with(good, 2, (payload_state_t)4, change->salt, change->body, &commit),
                     ERR_BAD_VALUE);
    assert_null(commit);
    commit_destroy(&good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_author_writes_these_bytes),
        cmocka_unit_test(an_author_reads_what_was_meant),
        cmocka_unit_test(everything_is_in_its_own_memory),
        cmocka_unit_test(signatures_are_of_one_coalition_and_key),
        cmocka_unit_test(as_many_as_fit),
        cmocka_unit_test(what_fits_can_be_authored),
        cmocka_unit_test(payloads_are_what_was_committed_to),
        cmocka_unit_test(payloads_may_be_gone_or_missing),
        cmocka_unit_test(as_many_payloads_as_changes),
    };
    return cmocka_run_group_tests_name("commit", tests, start, NULL);
}
