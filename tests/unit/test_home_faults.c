// A node's directory on a disk, and under rights, that fail: the first, the second,
// the third ... system call fails, until everything passes. Whatever fails, it is
// told with a reason, and what was there before is there still, whole.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/home.h"
#include "lib/keys.h"
#include "lib/marker.h"
#include "lib/mem.h"
#include "tests/unit/failing_calls.h"
#include "tests/unit/scratch.h"

enum { CALLS_MAX = 400 };

static config_t *make_config(void)
{
    config_t *config = config_new();
    assert_int_equal(config_set(config, "node/code", "CR", NULL), ERR_OK);
    assert_int_equal(config_set(config, "node/name", "Costa Rica", NULL), ERR_OK);
    return config;
}

static void expect_refused(err_t err, const fault_t *fault, const char *call)
{
    if (err != ERR_OK && strcmp(err_name(err), "unknown-reason") != 0 && fault->err == err)
        return;
    fail_msg("%s failed: %s, told as %s", call, err_name(err), err_name(fault->err));
}

// ---- making one ----

// A place for each round: nothing of the one before is in its way.
static char *fresh(const void *state, const char *what, unsigned nth)
{
    char *name = mem_format("%s-%u", what, nth);
    scratch_mkdir(state, name);
    char *place = scratch_path(state, name);
    mem_free(name);
    return place;
}

static bool is_whole(const char *dir)
{
    keys_t *keys = NULL;
    config_t *config = NULL;
    fault_t fault = {0};
    bool whole = home_keys(dir, true, &keys, &fault) == ERR_OK && keys->root &&
                 home_config(dir, &config, &fault) == ERR_OK;
    keys_destroy(&keys);
    config_destroy(&config);
    return whole;
}

// Nothing, or an empty directory, as before, and nothing beside it; or, where only
// the last sync failed, the whole node.
static void expect_all_or_nothing(const char *place, const char *dir, bool was_there,
                                  const char *call)
{
    bool whole = is_whole(dir);
    int inside = access(dir, F_OK) == 0 ? scratch_entries(dir, ".") : 0;
    if (!whole && inside != 0)
        fail_msg("%s failed: half a node is left", call);
    if (scratch_entries(place, ".") != (whole || was_there ? 1 : 0))
        fail_msg("%s failed: something is left beside", call);
}

static void make_until_it_passes(void *state, bool was_there, int number, err_t expected)
{
    config_t *config = make_config();
    const char *call = "";
    bool told = false;
    for (unsigned nth = 1; call; nth++) {
        char *place = fresh(state, "node", nth), *dir = home_path(place, "CR");
        fault_t fault = {0};
        assert_true(nth < CALLS_MAX);
        if (was_there)
            scratch_mkdir(place, "CR");
        failing_calls_begin(nth, number);
        err_t err = home_create(dir, config, &fault);
        call = failing_calls_end();
        if (err)
            expect_refused(err, &fault, call);
        told = told || err == expected;
        expect_all_or_nothing(place, dir, was_there, call);
        assert_true(call || !err);
        mem_free(place);
        mem_free(dir);
    }
    assert_true(told);
    config_destroy(&config);
}

static void a_node_is_made_whole_or_not_at_all(void **state)
{
    make_until_it_passes(*state, false, ENOSPC, ERR_DISK_FULL);
}

static void an_empty_directory_stays_empty_or_is_a_node(void **state)
{
    make_until_it_passes(*state, true, EIO, ERR_CANNOT_WRITE);
}

// ---- files ----

static void a_file_is_the_old_one_or_the_new_one(void **state)
{
    const char *call = "";
    bool full = false;
    for (unsigned nth = 1; call; nth++) {
        fault_t fault = {0};
        char *place = fresh(*state, "file", nth), *path = home_path(place, "name");
        buf_t bytes = {0};
        assert_true(nth < CALLS_MAX);
        scratch_write(place, "name", "old", 0600);
        failing_calls_begin(nth, nth % 2 ? ENOSPC : EDQUOT);
        err_t err = file_write(path, span_text("the new one"), 0600, &fault);
        call = failing_calls_end();
        if (err)
            expect_refused(err, &fault, call);
        full = full || err == ERR_DISK_FULL;
        assert_int_equal(file_read(path, 100, &bytes, NULL), ERR_OK);
        assert_true(span_equal(buf_span(&bytes), span_text("the new one")) ||
                    (err && span_equal(buf_span(&bytes), span_text("old"))));
        assert_int_equal(scratch_entries(place, "."), 1);
        buf_free(&bytes);
        mem_free(place);
        mem_free(path);
    }
    assert_true(full);
}

// An interrupted call is made again; any other failure is told.
static void a_file_is_read_or_it_is_not(void **state)
{
    char *path = scratch_path(*state, "name");
    const char *call = "";
    scratch_write(*state, "name", "content", 0600);
    for (unsigned nth = 1; call; nth++) {
        fault_t fault = {0};
        buf_t bytes = {0};
        failing_calls_begin(nth, EIO);
        err_t err = file_read(path, 100, &bytes, &fault);
        call = failing_calls_end();
        assert_int_equal(err, call ? ERR_CANNOT_READ : ERR_OK);
        assert_true(err || span_equal(buf_span(&bytes), span_text("content")));
        assert_true(!err || !bytes.data);
        buf_free(&bytes);
    }
    buf_t bytes = {0};
    failing_calls_begin(2, EINTR); // the first read, after open
    assert_int_equal(file_read(path, 100, &bytes, NULL), ERR_OK);
    assert_string_equal(failing_calls_end(), "read");
    assert_true(span_equal(buf_span(&bytes), span_text("content")));
    buf_free(&bytes);
    mem_free(path);
}

static void a_write_that_is_interrupted_goes_on(void **state)
{
    char *path = scratch_path(*state, "name");
    const char *call = "";
    unsigned writes = 0;
    for (unsigned nth = 1; call; nth++) {
        failing_calls_begin(nth, EINTR);
        err_t err = file_write(path, span_text("content"), 0600, NULL);
        call = failing_calls_end();
        bool interrupted = call && strcmp(call, "write") == 0;
        writes += interrupted;
        assert_true(!interrupted || err == ERR_OK);
    }
    assert_int_equal(writes, 1);
    mem_free(path);
}

// ---- the boot marker ----

static void a_marker_is_the_old_one_or_the_new_one(void **state)
{
    const char *call = "";
    for (unsigned nth = 1; call; nth++) {
        fault_t fault = {0};
        marker_t before = {.nonce_count = 1, .nonces = {{{1}}}}, found;
        marker_t after = {.nonce_count = 2, .nonces = {{{1}}, {{2}}}, .sequence = 5};
        marker_place_t where;
        bool there = false;
        char *place = fresh(*state, "marker", nth);
        assert_int_equal(marker_write(place, &before, NULL), ERR_OK);
        failing_calls_begin(nth, EIO);
        err_t err = marker_write(place, &after, &fault);
        call = failing_calls_end();
        if (err)
            expect_refused(err, &fault, call);
        assert_int_equal(marker_read(place, &found, &where, &there, NULL), ERR_OK);
        assert_true(there && (found.nonce_count == 2 || (err && found.nonce_count == 1)));
        assert_int_equal(scratch_entries(place, "."), 1);
        mem_free(place);
    }
}

static void a_marker_is_read_or_it_is_not(void **state)
{
    const char *call = "";
    marker_t marker = {.nonce_count = 1}, found;
    assert_int_equal(marker_write(*state, &marker, NULL), ERR_OK);
    for (unsigned nth = 1; call; nth++) {
        fault_t fault = {0};
        marker_place_t where;
        bool there = false;
        failing_calls_begin(nth, EIO);
        err_t err = marker_read(*state, &found, &where, &there, &fault);
        call = failing_calls_end();
        assert_int_equal(err, call ? ERR_CANNOT_READ : ERR_OK);
        assert_int_equal(there, !call);
    }
}

static void heads_of_a_marker_are_written_or_it_is_told(void **state)
{
    const char *call = "";
    marker_t marker = {.nonce_count = 1}, found;
    marker_place_t where;
    bool there = false, synced = false;
    assert_int_equal(marker_write(*state, &marker, NULL), ERR_OK);
    for (unsigned nth = 1; call; nth++) {
        fault_t fault = {0};
        position_t head = {1, 1, nth};
        marker_set_heads(&marker, &head, 1, true);
        failing_calls_begin(nth, ENOSPC);
        err_t err = marker_update(*state, &marker, &fault);
        call = failing_calls_end();
        assert_true(call ? err == ERR_DISK_FULL || err == ERR_CANNOT_WRITE : !err);
        synced = synced || (call && strcmp(call, "fdatasync") == 0);
        // What one place lost, the other has.
        assert_int_equal(marker_read(*state, &found, &where, &there, NULL), ERR_OK);
        assert_true(there && found.sequence + (call ? 2 : 0) >= marker.sequence);
    }
    assert_int_equal(found.heads[0].number, marker.heads[0].number);
    assert_true(synced); // or a power cut would take them
}

// Sealed by whatever hand, what cannot be is damage.
static void a_marker_has_one_nonce_or_two(void **state)
{
    uint8_t bytes[MARKER_BYTES];
    marker_t marker = {.nonce_count = 0}, read;
    (void)state;
    marker_encode(&marker, bytes);
    assert_int_equal(marker_decode(span_of(bytes, sizeof bytes), &read), ERR_DAMAGED);
    marker.nonce_count = 1;
    marker_encode(&marker, bytes);
    assert_int_equal(marker_decode(span_of(bytes, sizeof bytes), &read), ERR_OK);
    assert_int_equal(marker_decode(span_of(bytes, sizeof bytes - 1), &read), ERR_DAMAGED);
    bytes[20] ^= 1;
    assert_int_equal(marker_decode(span_of(bytes, sizeof bytes), &read), ERR_DAMAGED);
}

// ---- the signing key of a new epoch ----

// Made, found by the key that the card names, and then the signing key or still pending.
static void a_pending_key_is_promoted_or_still_pending(void **state)
{
    const char *call = "";
    for (unsigned nth = 1; call; nth++) {
        char *place = fresh(*state, "keys", nth);
        secret_t *made = NULL, *found = NULL;
        pubkey_t key, other;
        fault_t fault = {0};
        scratch_mkdir(place, "keys");
        assert_int_equal(key_create_pending(place, &made, &key, &fault), ERR_OK);
        assert_int_equal(key_load_pending(place, &key, &found, &fault), ERR_OK);
        assert_memory_equal(secret_bytes(made), secret_bytes(found), 64);
        failing_calls_begin(nth, EIO);
        err_t err = key_promote_pending(place, &key, &fault);
        call = failing_calls_end();
        if (err)
            expect_refused(err, &fault, call);
        secret_destroy(&found);
        bool pending = key_load_pending(place, &key, &found, &fault) == ERR_OK;
        secret_destroy(&found);
        bool promoted = key_load(place, KEY_SIGNING, &found, &other, &fault) == ERR_OK;
        assert_true(pending != promoted && (promoted || err));
        assert_true(!promoted || key_equal(&key, &other));
        secret_destroy(&found);
        key_drop_pending(place, &key);
        assert_int_equal(key_load_pending(place, &key, &found, &fault), ERR_BAD_KEY_FILE);
        assert_null(found);
        secret_destroy(&made);
        mem_free(place);
    }
}

static char *pending_file(const char *dir, const pubkey_t *key)
{
    char hex[17];
    hex_format(key->bytes, 8, hex);
    return mem_format("%s/keys/pending-%s.key", dir, hex);
}

// A file under the right name with another key in it is not the card's.
static void a_pending_key_is_the_one_that_is_named(void **state)
{
    secret_t *first = NULL, *second = NULL, *found = NULL;
    pubkey_t one, two;
    fault_t fault = {0};
    scratch_mkdir(*state, "keys");
    assert_int_equal(key_create_pending(*state, &first, &one, &fault), ERR_OK);
    assert_int_equal(key_create_pending(*state, &second, &two, &fault), ERR_OK);
    assert_int_equal(scratch_entries(*state, "keys"), 2);
    char *from = pending_file(*state, &one), *to = pending_file(*state, &two);
    assert_int_equal(rename(from, to), 0);
    assert_int_equal(key_load_pending(*state, &two, &found, &fault), ERR_BAD_KEY_FILE);
    assert_null(found);
    secret_destroy(&first);
    secret_destroy(&second);
    mem_free(from);
    mem_free(to);
}

static void a_pending_key_is_made_or_it_is_told(void **state)
{
    const char *call = "";
    for (unsigned nth = 1; call; nth++) {
        char *place = fresh(*state, "new", nth);
        secret_t *made = NULL;
        pubkey_t key;
        fault_t fault = {0};
        scratch_mkdir(place, "keys");
        failing_calls_begin(nth, ENOSPC);
        err_t err = key_create_pending(place, &made, &key, &fault);
        call = failing_calls_end();
        if (err)
            expect_refused(err, &fault, call);
        assert_true((made == NULL) == (err != ERR_OK));
        secret_destroy(&made);
        mem_free(place);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(a_node_is_made_whole_or_not_at_all),
        SCRATCH_TEST(an_empty_directory_stays_empty_or_is_a_node),
        SCRATCH_TEST(a_file_is_the_old_one_or_the_new_one),
        SCRATCH_TEST(a_file_is_read_or_it_is_not),
        SCRATCH_TEST(a_write_that_is_interrupted_goes_on),
        SCRATCH_TEST(a_marker_is_the_old_one_or_the_new_one),
        SCRATCH_TEST(a_marker_is_read_or_it_is_not),
        SCRATCH_TEST(heads_of_a_marker_are_written_or_it_is_told),
        cmocka_unit_test(a_marker_has_one_nonce_or_two),
        SCRATCH_TEST(a_pending_key_is_promoted_or_still_pending),
        SCRATCH_TEST(a_pending_key_is_the_one_that_is_named),
        SCRATCH_TEST(a_pending_key_is_made_or_it_is_told),
    };
    return crypto_start() ? 1 : cmocka_run_group_tests_name("home faults", tests, NULL, NULL);
}
