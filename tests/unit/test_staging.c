// Lines of an import while they wait: their keys, their order, their text.
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "daemon/control/line_keys.h"
#include "daemon/control/spool.h"
#include "daemon/control/staging.h"

static fault_t fault;

static const char odd_key[] = "k'; DROP TABLE line; --";

static void add_line(staging_t *staging, uint64_t number, const char *node, const char *kind,
                     const char *text, uint64_t taken_by)
{
    uint64_t taken = 0;
    bool mine = strcmp(node, "GT") == 0;
    staged_line_t line = {
        .number = number,
        .node = node,
        .kind = kind,
        .key = odd_key,
        .mine = mine,
        .text = span_text(text),
    };
    err_t err = staging_add(staging, &line, &taken, &fault);
    assert_int_equal(err, taken_by ? ERR_KEY_TAKEN : ERR_OK);
    assert_int_equal(taken, taken_by);
}

static staged_line_t next_line(staging_t *staging, staging_at_t *at)
{
    staged_line_t line;
    assert_int_equal(staging_next(staging, at, &line, &fault), ERR_OK);
    return line;
}

static void staging_keeps_keys_and_text(void **state)
{
    (void)state;
    staging_t *staging = staging_new();
    staging_at_t at = {0};
    uint64_t taken;
    code_t first;
    add_line(staging, 4, "GT", "body", "four", 0);
    add_line(staging, 7, "SV", "project", "7", 0);
    add_line(staging, 8, "GT", "body", "eight", 4);
    staged_line_t line = {.number = 9,
                          .node = "GT",
                          .kind = "body",
                          .mine = true,
                          .encoded = true,
                          .outcome = {true, AUTHORED_EDIT, {2, 1, 70}},
                          .text = span_of("n\0ne", 4)};
    assert_int_equal(staging_add(staging, &line, &taken, &fault), ERR_OK);
    assert_int_equal(staging_owners(staging, odd_key, &first), 2);
    assert_string_equal(first.text, "GT");
    assert_int_equal(staging_owners(staging, "none", &first), 0);
    assert_string_equal(staging_kind(staging, "SV", odd_key), "project");
    assert_null(staging_kind(staging, "CR", odd_key));
    assert_null(staging_kind(staging, "GT", "none"));
    line = next_line(staging, &at);
    assert_int_equal(line.number, 4);
    assert_false(line.encoded || line.outcome.known);
    assert_true(span_equal(line.text, span_text("four")));
    line = next_line(staging, &at);
    assert_int_equal(line.number, 9); // 7 is somebody else's
    assert_true(line.encoded && line.outcome.known);
    assert_int_equal(line.outcome.act, AUTHORED_EDIT);
    assert_true(position_equal(line.outcome.id, (position_t){2, 1, 70}));
    assert_true(span_equal(line.text, span_of("n\0ne", 4)));
    assert_int_equal(next_line(staging, &at).number, 0);
    staging_destroy(&staging);
    assert_null(staging);
}

static void what_is_settled_takes_the_place_of_what_came(void **state)
{
    (void)state;
    staging_t *staging = staging_new();
    uint64_t taken;
    outcome_t created = {true, AUTHORED_CREATE, {0}}, edited = {true, AUTHORED_EDIT, {1, 1, 3}};
    for (uint64_t i = 1; i <= 4; i++) {
        staged_line_t line = {.number = 10 * i, .node = "CR", .mine = true, .kind = "body"};
        line.text = span_text("came");
        line.encoded = i == 4;
        assert_int_equal(staging_add(staging, &line, &taken, &fault), ERR_OK);
    }
    // While they are gone through; the first of them is left as it was.
    staging_at_t at = {0};
    for (staged_line_t line = next_line(staging, &at); line.number;
         line = next_line(staging, &at)) {
        assert_false(line.outcome.known);
        if (line.number > 10)
            staging_settle(staging, line.number, line.number == 20 ? &created : &edited,
                           line.number == 40 ? span_of(NULL, 0) : span_text("settled"), &fault);
    }
    static const char *const texts[] = {"came", "settled", "settled", "came"};
    at = (staging_at_t){0};
    for (uint64_t i = 1; i <= 4; i++) {
        staged_line_t line = next_line(staging, &at);
        assert_int_equal(line.number, 10 * i);
        assert_int_equal(line.outcome.known, i > 1);
        assert_int_equal(line.encoded, i > 1);
        assert_int_equal(line.outcome.id.number, i > 2 ? 3 : 0);
        assert_true(span_equal(line.text, span_text(texts[i - 1])));
    }
    assert_int_equal(next_line(staging, &at).number, 0);
    staging_destroy(&staging);
}

// Far more than stays in memory, of sizes that end anywhere, read twice over.
static void a_long_file_is_read_as_it_came(void **state)
{
    enum { LINES = 6000 };
    (void)state;
    staging_t *staging = staging_new();
    static char text[1000];
    uint64_t taken;
    size_t bytes = 0;
    for (uint64_t i = 1; i <= LINES; i++) {
        char key[24];
        size_t size = (size_t)(i * i * 31 % 997);
        memset(text, (int)('a' + i % 26), size);
        snprintf(key, sizeof key, "key-%llu", (unsigned long long)i);
        staged_line_t line = {.number = i, .node = "CR", .kind = "body", .key = key, .mine = true};
        line.text = span_of(text, size);
        bytes += size;
        assert_int_equal(staging_add(staging, &line, &taken, &fault), ERR_OK);
    }
    assert_true(bytes > 4 * (size_t)SPOOL_TAIL);
    for (int round = 0; round < 2; round++) {
        staging_at_t at = {0};
        for (uint64_t i = 1; i <= LINES; i++) {
            staged_line_t line = next_line(staging, &at);
            size_t size = (size_t)(i * i * 31 % 997);
            memset(text, (int)('a' + i % 26), size);
            assert_int_equal(line.number, i);
            assert_true(span_equal(line.text, span_of(text, size)));
        }
        assert_int_equal(next_line(staging, &at).number, 0);
    }
    code_t first;
    assert_int_equal(staging_owners(staging, "key-1", &first), 1);
    assert_int_equal(staging_owners(staging, "key-6000", &first), 1);
    assert_int_equal(staging_owners(staging, "key-6001", &first), 0);
    staging_destroy(&staging);
}

// ---- keys ----

static char *key_of(char text[24], size_t i)
{
    snprintf(text, 24, "key-%zu", i);
    return text;
}

// More than the table begins with, from nodes that come by turns.
static void every_key_is_found_again(void **state)
{
    enum { NODES = 7, KEYS = 5000 };
    (void)state;
    line_keys_t *keys = line_keys_new();
    char key[24], node[24], kind[24];
    code_t first;
    for (size_t i = 0; i < KEYS; i++)
        for (size_t n = 0; n < 1 + i % NODES; n++) {
            snprintf(node, sizeof node, "N%zu", n);
            snprintf(kind, sizeof kind, "kind_%zu", i % 100);
            assert_int_equal(line_keys_add(keys, node, key_of(key, i), kind, 10 * i + n + 1), 0);
        }
    for (size_t i = 0; i < KEYS; i++) {
        size_t owners = 1 + i % NODES;
        assert_int_equal(line_keys_owners(keys, key_of(key, i), &first), owners > 1 ? 2 : 1);
        assert_string_equal(first.text, "N0");
        for (size_t n = 0; n < NODES; n++) {
            snprintf(node, sizeof node, "N%zu", n);
            snprintf(kind, sizeof kind, "kind_%zu", i % 100);
            const char *found = line_keys_kind(keys, node, key);
            if (n < owners)
                assert_string_equal(found, kind);
            else
                assert_null(found);
            if (n < owners)
                assert_int_equal(line_keys_add(keys, node, key, kind, 99999), 10 * i + n + 1);
        }
    }
    assert_int_equal(line_keys_owners(keys, key_of(key, KEYS), &first), 0);
    line_keys_destroy(&keys);
    assert_null(keys);
}

// ---- no room ----

// The limit counts as a disk without room does (EFBIG).
static void a_file_that_cannot_grow_is_a_full_disk(void **state)
{
    static const uint8_t frame[60000];
    (void)state;
    struct rlimit before, limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = 600000;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    spool_t *spool = spool_new();
    err_t err = ERR_OK;
    size_t frames = 0;
    for (; !err && frames < 20; frames++)
        err = spool_append(spool, span_of(frame, 10), span_of(frame, sizeof frame), &fault);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(err, ERR_DISK_FULL);
    assert_non_null(strstr(fault.detail, "temporary file"));
    assert_in_range(frames, 600000 / 60010, 19);
    spool_destroy(&spool);
    assert_null(spool);
}

int main(void)
{
    if (crypto_start())
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(staging_keeps_keys_and_text),
        cmocka_unit_test(what_is_settled_takes_the_place_of_what_came),
        cmocka_unit_test(a_long_file_is_read_as_it_came),
        cmocka_unit_test(every_key_is_found_again),
        cmocka_unit_test(a_file_that_cannot_grow_is_a_full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
