// The vectors of tests/conformance that one function of lib/ answers: hashes,
// keys, signatures, armour, and what each decoder takes and refuses. Those that
// need a node are test_vectors_node.c's.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/armour.h"
#include "lib/mem.h"
#include "lib/message.h"
#include "tests/unit/vectors.h"

static int start(void **state)
{
    (void)state;
    return (int)crypto_start();
}

// ---- hashes.json ----

static char *hash_text(const hash_t *hash)
{
    return vector_hex(hash->bytes, HASH_SIZE);
}

static char *commitment(const json_t *vector)
{
    uint8_t salt[SALT_SIZE];
    buf_t body = vector_bytes(vector, "body");
    vector_fixed(vector, "salt", salt, sizeof salt);
    hash_t hash = crypto_commitment(salt, buf_span(&body));
    buf_free(&body);
    return hash_text(&hash);
}

static char *hash_of(const json_t *vector, hash_use_t use)
{
    buf_t data = vector_bytes(vector, "data");
    hash_t hash = crypto_hash_of(use, buf_span(&data));
    buf_free(&data);
    return hash_text(&hash);
}

static char *commit_hash(const json_t *vector)
{
    return hash_of(vector, HASH_COMMIT);
}

static char *card_hash(const json_t *vector)
{
    return hash_of(vector, HASH_CARD);
}

static char *roster_hash(const json_t *vector)
{
    return hash_of(vector, HASH_ROSTER);
}

static char *beacon_hash(const json_t *vector)
{
    return hash_of(vector, HASH_BEACON);
}

static char *preimage(const json_t *vector)
{
    beacon_t beacon = {.sequence = vector_number(vector, "sequence")};
    preimage_t top;
    vector_fixed(vector, "origin", beacon.origin.bytes, ORIGIN_SIZE);
    vector_fixed(vector, "top", top.bytes, PREIMAGE_SIZE);
    preimage_t result = pulse_preimage(&beacon, &top, (uint32_t)vector_number(vector, "step"));
    return vector_hex(result.bytes, PREIMAGE_SIZE);
}

static char *session(const json_t *vector)
{
    nonce_t hello, welcome;
    vector_fixed(vector, "hello_nonce", hello.bytes, NONCE_SIZE);
    vector_fixed(vector, "welcome_nonce", welcome.bytes, NONCE_SIZE);
    nonce_t id = session_id(&hello, &welcome);
    return vector_hex(id.bytes, NONCE_SIZE);
}

static char *ed25519_public(const json_t *vector)
{
    uint8_t seed[32];
    pubkey_t key;
    vector_fixed(vector, "seed", seed, sizeof seed);
    secret_t *secret = secret_sign_new(seed, &key);
    secret_destroy(&secret);
    return vector_hex(key.bytes, sizeof key.bytes);
}

static char *origin(const json_t *vector)
{
    pubkey_t key;
    vector_fixed(vector, "root_key", key.bytes, sizeof key.bytes);
    origin_t made = crypto_origin(&key);
    return vector_hex(made.bytes, ORIGIN_SIZE);
}

static char *signature(const json_t *vector, sign_use_t use)
{
    uint8_t seed[32];
    pubkey_t key;
    hash_t hash, coalition;
    bool within = json_object_get(vector, "coalition") != NULL;
    vector_fixed(vector, "seed", seed, sizeof seed);
    vector_fixed(vector, "hash", hash.bytes, HASH_SIZE);
    if (within)
        vector_fixed(vector, "coalition", coalition.bytes, HASH_SIZE);
    secret_t *secret = secret_sign_new(seed, &key);
    signature_t made = crypto_sign_hash(secret, use, within ? &coalition : NULL, &hash);
    secret_destroy(&secret);
    assert_true(crypto_verify_hash(&key, use, within ? &coalition : NULL, &hash, &made));
    return vector_hex(made.bytes, SIGNATURE_SIZE);
}

static char *sign_commit(const json_t *vector)
{
    return signature(vector, SIGN_COMMIT);
}

static char *sign_roster(const json_t *vector)
{
    return signature(vector, SIGN_ROSTER);
}

static char *sign_beacon(const json_t *vector)
{
    return signature(vector, SIGN_BEACON);
}

static char *sign_card(const json_t *vector)
{
    return signature(vector, SIGN_CARD);
}

static char *sign_charter(const json_t *vector)
{
    return signature(vector, SIGN_CHARTER);
}

static char *words(const json_t *vector)
{
    hash_t coalition;
    char text[WORDS_TEXT];
    vector_fixed(vector, "coalition", coalition.bytes, HASH_SIZE);
    words_format(&coalition, text);
    return mem_copy_string(text);
}

static char *armoured(const json_t *vector, const char *kind)
{
    buf_t data = vector_bytes(vector, "data");
    char *line = armour_format(kind, buf_span(&data));
    buf_free(&data);
    return line;
}

static char *armour_card(const json_t *vector)
{
    return armoured(vector, "card");
}

static char *armour_charter(const json_t *vector)
{
    return armoured(vector, "charter");
}

// ---- a whole commit, of which authoring would draw its own salts ----

static commit_t *commit_of(const json_t *vector)
{
    const json_t *changes = json_object_get(vector, "changes");
    size_t count = json_array_size(changes);
    payload_state_t *states = mem_alloc_array(count, sizeof *states);
    uint8_t(*salts)[SALT_SIZE] = mem_alloc_array(count, sizeof *salts);
    buf_t *memory = mem_alloc_array(count, sizeof *memory);
    span_t *bodies = mem_alloc_array(count, sizeof *bodies);
    buf_t header = vector_bytes(vector, "header"), signed_with = vector_bytes(vector, "signature");
    commit_t *commit = NULL;
    fault_t fault;
    for (size_t i = 0; i < count; i++) {
        states[i] = PAYLOAD_PRESENT;
        vector_fixed(json_array_get(changes, i), "salt", salts[i], SALT_SIZE);
        memory[i] = vector_bytes(json_array_get(changes, i), "body");
        bodies[i] = buf_span(&memory[i]);
    }
    err_t err = commit_decode(buf_span(&header), signed_with.data, count, states,
                              (const uint8_t(*)[SALT_SIZE])salts, bodies, &commit, &fault);
    assert_int_equal(err, ERR_OK);
    for (size_t i = 0; i < count; i++)
        buf_free(&memory[i]);
    buf_free(&header);
    buf_free(&signed_with);
    mem_free(states);
    mem_free(salts);
    mem_free(memory);
    mem_free(bodies);
    return commit;
}

static void assert_target(const change_t *change, const json_t *target)
{
    assert_int_equal(change->has_target, target != NULL);
    if (!target)
        return;
    assert_int_equal(change->target.epoch, json_integer_value(json_array_get(target, 0)));
    assert_int_equal(change->target.lane, json_integer_value(json_array_get(target, 1)));
    assert_int_equal(change->target.number, json_integer_value(json_array_get(target, 2)));
}

static void assert_says(const commit_t *commit, const json_t *vector)
{
    const json_t *changes = json_object_get(vector, "changes");
    feed_t feed = {.epoch = (uint32_t)vector_number(vector, "epoch"),
                   .lane = (uint32_t)vector_number(vector, "lane")};
    hash_t previous;
    vector_fixed(vector, "origin", feed.origin.bytes, ORIGIN_SIZE);
    vector_fixed(vector, "previous", previous.bytes, HASH_SIZE);
    assert_true(feed_equal(&commit->feed, &feed));
    assert_true(hash_equal(&commit->previous, &previous));
    assert_int_equal(commit->first, vector_number(vector, "number") + 1);
    assert_int_equal(commit->last, vector_number(vector, "number") + json_array_size(changes));
    assert_int_equal(commit->time_ms, vector_number(vector, "time_ms"));
    assert_int_equal(commit->card_number, vector_number(vector, "card_number"));
    for (size_t i = 0; i < commit->count; i++) {
        const json_t *change = json_array_get(changes, i);
        assert_int_equal(commit->changes[i].type, vector_number(change, "type"));
        assert_int_equal(commit->changes[i].min_reader, 1);
        assert_target(&commit->changes[i], json_object_get(change, "target"));
    }
}

static char *whole_commit(const json_t *vector)
{
    uint8_t seed[32];
    pubkey_t key;
    hash_t coalition;
    vector_fixed(vector, "signing", seed, sizeof seed);
    vector_fixed(vector, "coalition", coalition.bytes, HASH_SIZE);
    secret_t *secret = secret_sign_new(seed, &key);
    commit_t *commit = commit_of(vector);
    assert_says(commit, vector);
    assert_true(commit_signature_holds(commit, &key, &coalition));
    signature_t again = crypto_sign_hash(secret, SIGN_COMMIT, &coalition, &commit->hash);
    assert_memory_equal(again.bytes, commit->signature.bytes, SIGNATURE_SIZE);
    char *result = hash_text(&commit->hash);
    commit_destroy(&commit);
    secret_destroy(&secret);
    return result;
}

static const struct {
    const char *name;
    char *(*run)(const json_t *vector);
} functions[] = {
    {"commitment", commitment},
    {"session", session},
    {"commit-hash", commit_hash},
    {"card-hash", card_hash},
    {"roster-hash", roster_hash},
    {"beacon-hash", beacon_hash},
    {"ed25519-public", ed25519_public},
    {"origin", origin},
    {"sign-commit", sign_commit},
    {"sign-roster", sign_roster},
    {"sign-beacon", sign_beacon},
    {"sign-card", sign_card},
    {"sign-charter", sign_charter},
    {"words", words},
    {"armour-card", armour_card},
    {"armour-charter", armour_charter},
    {"preimage", preimage},
    {"commit", whole_commit},
};

static char *check_hash(const json_t *vector)
{
    const char *name = vector_text(vector, "function");
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        if (strcmp(name, functions[i].name) != 0)
            continue;
        char *result = functions[i].run(vector);
        char *differs = vector_compare(name, result, vector_text(vector, "result"));
        mem_free(result);
        return differs;
    }
    return mem_format("no such function: %s", name);
}

static void hashes(void **state)
{
    (void)state;
    vectors_run("hashes", check_hash);
}

// ---- armour.json ----

static char *check_armour(const json_t *vector)
{
    buf_t bytes = {0};
    fault_t fault;
    err_t err = armour_parse(vector_text(vector, "kind"), span_text(vector_text(vector, "text")),
                             CHARTER_BYTES_MAX, &bytes, &fault);
    char *differs = vector_compare_reason(vector, err);
    if (!err && !differs) {
        buf_t expected = vector_bytes(vector, "bytes");
        differs = vector_compare_bytes("bytes", buf_span(&bytes), buf_span(&expected));
        buf_free(&expected);
    }
    buf_free(&bytes);
    return differs;
}

static void armour(void **state)
{
    (void)state;
    vectors_run("armour", check_armour);
}

// ---- bytes.json: each decoder, and its encoder ----

typedef err_t (*decode_fn)(const json_t *vector, span_t bytes, buf_t *again);

static err_t decode_link(const json_t *vector, span_t bytes, buf_t *again)
{
    message_t message;
    fault_t fault;
    (void)vector;
    err_t err = message_decode(bytes, &message, &fault);
    if (!err)
        *again = message_encode(&message);
    message_clear(&message);
    return err;
}

static buf_t encode_publication(const publication_t *publication)
{
    if (publication->type == PUB_RUN)
        return publication_of_commit(publication->run.commits[0]);
    if (publication->type == PUB_HEAD)
        return publication_of_head(&publication->head);
    return publication_of_beacons(&publication->beacons);
}

static err_t decode_publication(const json_t *vector, span_t bytes, buf_t *again)
{
    publication_t publication;
    hash_t coalition;
    fault_t fault;
    buf_t topic = vector_bytes(vector, "topic");
    vector_fixed(vector, "coalition", coalition.bytes, HASH_SIZE);
    err_t err = publication_decode(buf_span(&topic), bytes, &coalition, &publication, &fault);
    if (!err)
        *again = encode_publication(&publication);
    publication_clear(&publication);
    buf_free(&topic);
    return err;
}

static err_t decode_run(const json_t *vector, span_t bytes, buf_t *again)
{
    run_t run;
    fault_t fault;
    (void)vector;
    err_t err = run_decode(bytes, &run, &fault);
    if (!err) {
        *again = run_encode(&run.feed, run.commits, run.count);
        run_clear(&run);
    }
    return err;
}

static err_t decode_card(const json_t *vector, span_t bytes, buf_t *again)
{
    card_t *card = NULL;
    fault_t fault;
    (void)vector;
    err_t err = card_decode(bytes, &card, &fault);
    if (!err)
        *again = card_encode(card);
    card_destroy(&card);
    return err;
}

static err_t decode_roster(const json_t *vector, span_t bytes, buf_t *again)
{
    roster_t *roster = NULL;
    fault_t fault;
    (void)vector;
    err_t err = roster_decode(bytes, &roster, &fault);
    if (!err)
        *again = roster_encode(roster);
    roster_destroy(&roster);
    return err;
}

// The file's cards may come in any order, and are written as they were taken up.
static err_t decode_charter(const json_t *vector, span_t bytes, buf_t *again)
{
    charter_t *charter = NULL;
    fault_t fault;
    (void)vector;
    err_t err = charter_decode(bytes, &charter, &fault);
    if (!err)
        *again = charter_encode(charter->roster, charter->cards, charter->card_count);
    charter_destroy(&charter);
    return err;
}

static err_t decode_beacon(const json_t *vector, span_t bytes, buf_t *again)
{
    beacon_t *beacon = NULL;
    fault_t fault;
    (void)vector;
    err_t err = beacon_decode(bytes, &beacon, &fault);
    if (!err)
        *again = buf_copy(buf_span(&beacon->signed_form));
    beacon_destroy(&beacon);
    return err;
}

static const struct {
    const char *type;
    decode_fn decode;
} decoders[] = {
    {"link", decode_link},     {"publication", decode_publication}, {"run", decode_run},
    {"card", decode_card},     {"roster", decode_roster},           {"charter", decode_charter},
    {"beacon", decode_beacon},
};

static char *check_decoder(const json_t *vector, decode_fn decode)
{
    buf_t bytes = vector_bytes(vector, "bytes"), again = {0};
    err_t err = decode(vector, buf_span(&bytes), &again);
    char *differs = vector_compare_reason(vector, err);
    if (!err && !differs && !json_is_true(json_object_get(vector, "lossy")))
        differs = vector_compare_bytes("encoded again", buf_span(&again), buf_span(&bytes));
    buf_free(&bytes);
    buf_free(&again);
    return differs;
}

static char *check_bytes(const json_t *vector)
{
    const char *type = vector_text(vector, "type");
    for (size_t i = 0; i < sizeof decoders / sizeof *decoders; i++)
        if (strcmp(type, decoders[i].type) == 0)
            return check_decoder(vector, decoders[i].decode);
    return mem_format("no such type: %s", type);
}

static void bytes(void **state)
{
    (void)state;
    vectors_run("bytes", check_bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes),
        cmocka_unit_test(armour),
        cmocka_unit_test(bytes),
    };
    return cmocka_run_group_tests_name("vectors", tests, start, NULL);
}
