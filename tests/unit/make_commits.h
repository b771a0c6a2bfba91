// Commits with fixed keys, for the tests of the store: members AA, BB, CC ... of
// protocol_samples.h, each with a signing key and as many feeds as are asked for.
//
// A writer follows one feed: what it writes comes next. Salts depend on the feed
// and the number alone, so that a commit is the same whenever it is made.
#ifndef ENLACE_TESTS_UNIT_MAKE_COMMITS_H
#define ENLACE_TESTS_UNIT_MAKE_COMMITS_H

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/store/internal.h"
#include "daemon/store/reader.h"
#include "lib/mem.h"
#include "lib/record_json.h"
#include "tests/unit/protocol_samples.h"
#include "tests/unit/scratch.h"

#define UNUSED_HERE __attribute__((unused))

enum { MEMBERS = 3, DRAFTS_MAX = 16 };

#define assert_ok(call)              assert_reason(call, ERR_OK, #call)
#define assert_refused(call, reason) assert_reason(call, reason, #call)

UNUSED_HERE static void assert_reason(err_t got, err_t want, const char *call)
{
    if (got != want)
        fail_msg("%s: %s instead of %s", call, err_name(got), err_name(want));
}

// ---- the coalition: a charter of three, a first card each; AA's second card starts epoch 2 ----

UNUSED_HERE static card_t *make_card(uint8_t member, uint32_t number)
{
    static const char *const codes[] = {"AA", "BB", "CC"};
    card_t *card = sample_card(codes[member - 1], member);
    if (number == 1)
        return card;
    card_t *next = sample_card_after(card, member);
    pubkey_t key;
    secret_t *root = sample_secret(member, &key);
    next->epoch = 2;
    card_sign(next, root);
    secret_destroy(&root);
    card_destroy(&card);
    return next;
}

// Made once: signing takes its time under valgrind.
typedef struct {
    roster_t *charter;
    card_t *cards[MEMBERS + 1];
} coalition_t;

UNUSED_HERE static const coalition_t *the_coalition(void)
{
    static coalition_t made;
    if (made.charter)
        return &made;
    made.charter = sample_charter(MEMBERS, 2);
    for (uint8_t member = 1; member <= MEMBERS; member++)
        made.cards[member - 1] = make_card(member, 1);
    made.cards[MEMBERS] = make_card(1, 2);
    return &made;
}

UNUSED_HERE static hash_t make_coalition(void)
{
    return the_coalition()->charter->hash;
}

UNUSED_HERE static origin_t origin_of_member(uint8_t member)
{
    return the_coalition()->cards[member - 1]->origin;
}

UNUSED_HERE static void found_coalition(store_t *store)
{
    const coalition_t *coalition = the_coalition();
    assert_ok(store_add_roster(store, coalition->charter, NULL));
    for (size_t i = 0; i <= MEMBERS; i++)
        assert_ok(store_add_card(store, coalition->cards[i], NULL));
    assert_ok(store_commit(store, NULL));
}

// Runs it in a process of its own and returns what it returned. That process ends
// by SIGKILL, so that nothing looks at what it leaves behind.
UNUSED_HERE static int in_a_child(int (*run)(const char *path), const char *path)
{
    int *result =
        mmap(NULL, sizeof *result, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(result != MAP_FAILED);
    *result = -1;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        *result = run(path);
        kill(getpid(), SIGKILL);
    }
    int status = 0, got;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    got = *result;
    munmap(result, sizeof *result);
    return got;
}

// ---- writers ----

typedef struct {
    uint8_t member;
    feed_t feed;
    uint64_t next; // number of the change that comes next
    hash_t previous;
    uint64_t time_ms; // of the next commit; the test's to set
    size_t count;
    draft_t drafts[DRAFTS_MAX];
    buf_t bodies[DRAFTS_MAX];
} writer_t;

UNUSED_HERE static writer_t writer_of(uint8_t member, uint32_t epoch, uint32_t lane)
{
    writer_t writer = {.member = member, .next = 1};
    const card_t *card = the_coalition()->cards[epoch == 1 ? member - 1 : MEMBERS];
    writer.feed = (feed_t){card->origin, epoch, lane};
    writer.previous = card->hash;
    writer.time_ms = 1000 * epoch;
    return writer;
}

UNUSED_HERE static draft_t *write_change(writer_t *writer, uint32_t type, span_t body)
{
    assert_true(writer->count < DRAFTS_MAX);
    buf_t *copy = &writer->bodies[writer->count];
    buf_free(copy);
    *copy = buf_copy(body);
    draft_t *draft = &writer->drafts[writer->count++];
    *draft = (draft_t){.type = type, .min_reader = 1, .body = buf_span(copy)};
    return draft;
}

UNUSED_HERE static void aim(draft_t *draft, uint32_t epoch, uint32_t lane, uint64_t number)
{
    draft->has_target = number != 0;
    draft->target = (position_t){epoch, lane, number};
}

// A record from JSON (with ' for "); `target` 0 creates, else revises that number of this feed.
UNUSED_HERE static draft_t *write_record(writer_t *writer, uint64_t target, const char *json)
{
    json_reading_t reading = {.own = "AA", .lang = "es"};
    char *text = mem_copy_string(json);
    json_t *object = NULL;
    record_t *record = NULL;
    for (char *at = text; (at = strchr(at, '\''));)
        *at = '"';
    assert_ok(json_parse(text, strlen(text), &object, NULL));
    assert_ok(record_from_json(object, &reading, &record, NULL));
    buf_t body = record_encode(record);
    draft_t *draft = write_change(writer, CHANGE_RECORD, buf_span(&body));
    aim(draft, writer->feed.epoch, writer->feed.lane, target);
    buf_free(&body);
    record_destroy(&record);
    json_decref(object);
    mem_free(text);
    return draft;
}

UNUSED_HERE static draft_t *write_retraction(writer_t *writer, uint32_t epoch, uint64_t target)
{
    draft_t *draft = write_change(writer, CHANGE_RETRACT, (span_t){NULL, 0});
    aim(draft, epoch, writer->feed.lane, target);
    return draft;
}

// Signs what was written as one commit; the caller destroys it.
UNUSED_HERE static commit_t *seal_commit(writer_t *writer)
{
    uint8_t seed[32] = {0};
    pubkey_t key;
    hash_t coalition = make_coalition();
    seed[0] = writer->member;
    seed[1] = (uint8_t)writer->feed.epoch;
    seed[2] = (uint8_t)writer->feed.lane;
    seed[3] = (uint8_t)writer->next;
    seed[4] = (uint8_t)(writer->next >> 8);
    secret_t *signing = sample_secret((uint8_t)(100 + writer->member), &key);
    commit_t *commit =
        commit_author(&writer->feed, writer->next, &writer->previous, writer->time_ms,
                      writer->feed.epoch, writer->drafts, writer->count, seed, signing, &coalition);
    secret_destroy(&signing);
    writer->next = commit->last + 1;
    writer->previous = commit->hash;
    writer->time_ms += 10;
    writer->count = 0;
    return commit;
}

// Takes a payload out of a commit, as where the sender did not have it.
UNUSED_HERE static void lose_payload(commit_t *commit, size_t index, payload_state_t state)
{
    change_t *change = &commit->changes[index];
    change->state = state;
    memset(change->salt, 0, SALT_SIZE);
    change->body = (span_t){NULL, 0};
}

UNUSED_HERE static void writer_clear(writer_t *writer)
{
    for (size_t i = 0; i < DRAFTS_MAX; i++)
        buf_free(&writer->bodies[i]);
}

// Seals, appends and forgets.
UNUSED_HERE static void append_written(store_t *store, writer_t *writer)
{
    commit_t *commit = seal_commit(writer);
    assert_ok(store_append(store, commit, 5000, NULL));
    commit_destroy(&commit);
}

// The number that the feed has come to.
UNUSED_HERE static uint64_t held_of(store_t *store, const feed_t *feed)
{
    feed_place_t place;
    assert_ok(feed_find(store->sql, feed, &place, NULL));
    return place.number;
}

// ---- what the view says, by position, so that two stores can be compared ----

UNUSED_HERE static void dump_rows(sql_t *sql, const char *text, buf_t *to)
{
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_prepare_v2(sql_handle(sql), text, -1, &statement, NULL), SQLITE_OK);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            const char *value = (const char *)sqlite3_column_text(statement, i);
            buf_append(to, span_text(i ? " " : ""));
            buf_append(to, span_text(value ? value : "-"));
        }
        buf_append(to, span_text("\n"));
    }
    sqlite3_finalize(statement);
}

// One line a record, one a reference, one a parked change, the digest. Caller frees.
UNUSED_HERE static char *dump_view(store_t *store)
{
    buf_t text = {0};
    char digest[2 * HASH_SIZE + 1];
#define AT(change)                                                                                 \
    "(SELECT f.epoch || '/' || f.lane || ':' || (m.first + " change " - m.id) FROM commit_log m"   \
    " JOIN feed f ON f.ix = m.feed WHERE m.id = (SELECT max(id) FROM commit_log WHERE id "         \
    "<= " change "))"
    dump_rows(store->sql,
              "SELECT o.code, " AT("r.id") ", r.number, 'stands', " AT("stands") ", 'newest', " AT(
                  "newest") ", 'content', " AT("content") ", state, revision, created_ms, "
                                                          "changed_ms, note,"
                                                          " kind, example, key, label FROM record "
                                                          "r JOIN origin o ON o.ix = r.origin"
                                                          " ORDER BY 1, 2",
              &text);
    dump_rows(store->sql,
              "SELECT 'ref', o.code, " AT(
                  "record") ", place, path, owner, e.key, e.epoch, e.lane,"
                            " e.number FROM reference e JOIN record r ON r.id = e.record"
                            " JOIN origin o ON o.ix = r.origin ORDER BY 1, 2, 3, 4",
              &text);
    dump_rows(store->sql,
              "SELECT 'parked', o.code, " AT(
                  "p.change") ", reason FROM parked p JOIN commit_log n"
                              " ON n.id = (SELECT max(id) FROM commit_log WHERE id <= p.change)"
                              " JOIN feed g ON g.ix = n.feed"
                              " JOIN origin o ON o.ix = g.origin ORDER BY 2, 3",
              &text);
#undef AT
    hash_t stored;
    assert_ok(read_digest(store->sql, &stored, NULL));
    hex_format(stored.bytes, HASH_SIZE, digest);
    buf_append(&text, span_text("digest "));
    buf_append(&text, span_of(digest, sizeof digest));
    return (char *)text.data;
}

#endif
