// Answers to a search are those of a look at every record: fed, not fed, half fed, or without a
// file.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/control/query.h"
#include "house.h"
#include "lib/control.h"
#include "lib/mem.h"

typedef Enlace__V1__ControlRequest request_t;
typedef Enlace__V1__ControlReply reply_t;
typedef Enlace__V1__SearchRequest asked_search_t;

enum { RECORDS = 120, WORDS = 6 };
static const char *const vocabulary[WORDS] = {"alfa", "beta", "gama", "delta", "sigma", "omega"};
static const char *const kinds[] = {"body", "organisation"};

// What the test itself knows of a record, in the order in which they were put.
typedef struct {
    house_member_t owner;
    uint64_t number;
    unsigned kind, words; // a bit a word
    bool retracted;
} known_record_t;

typedef struct {
    house_t house;
    query_t query;
    char *path;
    search_t *search;
    size_t count;
    known_record_t records[RECORDS];
    uint64_t state;
} scene_t;

// splitmix64 (Steele, Lea, Flood 2014).
static size_t below(scene_t *scene, size_t count)
{
    uint64_t z = scene->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (size_t)((z ^ (z >> 31)) % count);
}

static int set_up(void **state)
{
    scene_t *scene = mem_alloc(sizeof *scene);
    fault_t fault;
    nonce_t none = {{0}};
    house_open(&scene->house);
    scene->path = mem_format("%s/search.db", scene->house.dir);
    search_options_t options = {scene->house.database, scene->path, none, 0};
    search_start(&options, &scene->search);
    scene->query =
        (query_t){.database = scene->house.database, .own = "CR", .search = scene->search};
    assert_int_equal(reader_open(scene->house.database, &scene->query.reader, &fault), ERR_OK);
    assert_int_equal(reader_roster(scene->query.reader, &scene->query.roster, &fault), ERR_OK);
    scene->state = 11;
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    scene_t *scene = *state;
    search_stop(&scene->search);
    finder_destroy(&scene->query.finder);
    reader_close(&scene->query.reader);
    roster_destroy(&scene->query.roster);
    house_close(&scene->house);
    mem_free(scene->path);
    mem_free(scene);
    return 0;
}

// ---- writing ----

static void text_of(unsigned words, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "texto");
    for (size_t i = 0; i < WORDS; i++)
        if (words & 1u << i)
            used += (size_t)snprintf(text + used, size - used, " %s", vocabulary[i]);
}

static void put(scene_t *scene)
{
    known_record_t *record = &scene->records[scene->count++];
    char text[100], json[200];
    *record = (known_record_t){.owner = (house_member_t)below(scene, HOUSE_MEMBERS),
                               .kind = (unsigned)below(scene, 2),
                               .words = (unsigned)below(scene, 1u << WORDS)};
    text_of(record->words, text, sizeof text);
    snprintf(json, sizeof json, "{'kind':'%s','name':{'es':'%s'}}", kinds[record->kind], text);
    record->number = house_put(&scene->house, record->owner, json);
}

static void change(scene_t *scene)
{
    known_record_t *record = &scene->records[below(scene, scene->count)];
    char text[100], json[200];
    if (record->retracted)
        return;
    if (below(scene, 3) == 0) {
        house_retract(&scene->house, record->owner, record->number);
        record->retracted = true;
        return;
    }
    record->words = (unsigned)below(scene, 1u << WORDS);
    text_of(record->words, text, sizeof text);
    snprintf(json, sizeof json, "{'kind':'%s','name':{'es':'%s'}}", kinds[record->kind], text);
    house_revise(&scene->house, record->owner, record->number, json);
}

// ---- asking ----

static reply_t *ask_once(scene_t *scene, const asked_search_t *asked)
{
    request_t request = ENLACE__V1__CONTROL_REQUEST__INIT;
    ProtobufCMessage *copy, *reply = NULL;
    request.body_case = ENLACE__V1__CONTROL_REQUEST__BODY_SEARCH;
    request.search = (asked_search_t *)(uintptr_t)asked;
    buf_t bytes = bounded_pack(&request.base);
    assert_int_equal(bounded_unpack(request.base.descriptor, buf_span(&bytes),
                                    &control_request_limits, &copy, NULL),
                     ERR_OK);
    buf_free(&bytes);
    ask_t *ask = ask_new(query_search, true, (request_t *)copy);
    snprintf(ask->lang, sizeof ask->lang, "es");
    query_search(&ask->job, &scene->query);
    assert_int_equal(bounded_unpack(&enlace__v1__control_reply__descriptor, buf_span(&ask->reply),
                                    &control_reply_limits, &reply, NULL),
                     ERR_OK);
    ask->job.destroy(&ask->job);
    return (reply_t *)reply;
}

static void refused(scene_t *scene, const asked_search_t *asked, err_t reason, int line)
{
    reply_t *reply = ask_once(scene, asked);
    if (reply->body_case != ENLACE__V1__CONTROL_REPLY__BODY_REFUSAL ||
        (err_t)reply->refusal->reason != reason)
        fail_msg("line %d: not refused with %s", line, err_name(reason));
    bounded_free(&reply->base);
}

// All pages of it, "GT:3 CR:1"; *unsearched of the last one.
static buf_t ask_all(scene_t *scene, asked_search_t *asked, uint64_t *unsearched)
{
    buf_t ids = {0}, cursor = {0};
    bool more = true;
    for (size_t pages = 0; more; pages++) {
        asked->has_cursor = pages > 0;
        asked->cursor = (ProtobufCBinaryData){cursor.size, cursor.data};
        reply_t *reply = ask_once(scene, asked);
        if (reply->body_case != ENLACE__V1__CONTROL_REPLY__BODY_PAGE)
            fail_msg("refused: %s: %s", err_name((err_t)reply->refusal->reason),
                     reply->refusal->detail);
        assert_true(pages < 200);
        assert_true(!asked->has_limit || reply->page->n_records <= asked->limit);
        for (size_t i = 0; i < reply->page->n_records; i++) {
            buf_append(&ids, span_text(reply->page->records[i]->id));
            buf_append(&ids, span_text(" "));
        }
        more = reply->page->has_cursor;
        *unsearched = reply->page->unsearched;
        buf_free(&cursor);
        cursor = buf_copy(span_of(reply->page->cursor.data, more ? reply->page->cursor.len : 0));
        bounded_free(&reply->base);
    }
    asked->has_cursor = false;
    buf_free(&cursor);
    buf_append(&ids, span_of("", 1));
    return ids;
}

// ---- what it must be: from what the test knows, not from any index ----

typedef struct {
    unsigned words;
    int owner, kind; // -1: any
    bool retracted;
    uint32_t limit; // 0: none
} wish_t;

static const char *const codes[] = {"CR", "GT", "SV"};

static buf_t expected(const scene_t *scene, const wish_t *wish)
{
    buf_t ids = {0};
    for (size_t i = scene->count; i > 0; i--) {
        const known_record_t *record = &scene->records[i - 1];
        char id[40];
        if ((record->words & wish->words) != wish->words ||
            (record->retracted && !wish->retracted) ||
            (wish->owner >= 0 && (int)record->owner != wish->owner) ||
            (wish->kind >= 0 && (int)record->kind != wish->kind))
            continue;
        snprintf(id, sizeof id, "%s:%llu ", codes[record->owner],
                 (unsigned long long)record->number);
        buf_append(&ids, span_text(id));
    }
    buf_append(&ids, span_of("", 1));
    return ids;
}

static void expect_wish(scene_t *scene, const wish_t *wish)
{
    asked_search_t asked = ENLACE__V1__SEARCH_REQUEST__INIT;
    char *words[WORDS + 1] = {(char[]){"Téxto"}};
    uint64_t unsearched;
    asked.words = words;
    asked.n_words = 1;
    for (size_t i = 0; i < WORDS; i++)
        if (wish->words & 1u << i)
            words[asked.n_words++] = (char *)(uintptr_t)vocabulary[i];
    asked.owner = wish->owner >= 0 ? (char *)(uintptr_t)codes[wish->owner] : NULL;
    asked.kind = wish->kind >= 0 ? (char *)(uintptr_t)kinds[wish->kind] : NULL;
    asked.has_retracted = asked.retracted = wish->retracted;
    asked.has_limit = wish->limit > 0;
    asked.limit = wish->limit;
    buf_t got = ask_all(scene, &asked, &unsearched), want = expected(scene, wish);
    assert_string_equal((char *)got.data, (char *)want.data);
    assert_int_equal(unsearched, 0);
    buf_free(&got);
    buf_free(&want);
}

static void ask_at_random(scene_t *scene)
{
    size_t some = below(scene, 1u << WORDS);
    wish_t wish = {.words = (unsigned)(some & below(scene, 1u << WORDS)),
                   .owner = (int)below(scene, 4) - 1,
                   .kind = (int)below(scene, 3) - 1,
                   .retracted = below(scene, 2) == 0,
                   .limit = (uint32_t)below(scene, 2) * (1 + (uint32_t)below(scene, 7))};
    expect_wish(scene, &wish);
}

static void an_answer_is_that_of_a_look_at_everything(void **state)
{
    scene_t *scene = *state;
    while (scene->count < RECORDS) {
        put(scene);
        if (below(scene, 2))
            change(scene);
        if (below(scene, 8) == 0)
            assert_int_equal(search_settle(scene->search), ERR_OK);
        ask_at_random(scene);
    }
    assert_int_equal(search_settle(scene->search), ERR_OK);
    for (int i = 0; i < 100; i++)
        ask_at_random(scene);
}

static void without_a_file_answers_are_the_same(void **state)
{
    scene_t *scene = *state;
    scene->query.search = NULL;
    for (int i = 0; i < 40; i++)
        put(scene);
    for (int i = 0; i < 40; i++)
        ask_at_random(scene);
}

// Damage in the pages of the index, under a reader that has it open.
static void a_damaged_index_is_done_without_and_made_anew(void **state)
{
    scene_t *scene = *state;
    search_state_t told;
    for (int i = 0; i < RECORDS; i++)
        put(scene);
    assert_int_equal(search_settle(scene->search), ERR_OK);
    search_stop(&scene->search); // and with it the WAL: everything is in the one file
    FILE *file = fopen(scene->path, "r+e");
    assert_non_null(file);
    assert_int_equal(fseek(file, 2L * 4096, SEEK_SET), 0);
    for (int i = 0; i < 60 * 4096; i++)
        fputc(0xa5, file);
    assert_int_equal(fclose(file), 0);
    nonce_t none = {{0}};
    search_options_t options = {scene->house.database, scene->path, none, 0};
    search_start(&options, &scene->search);
    scene->query.search = scene->search;
    ask_at_random(scene);
    for (int i = 0; i < 20; i++)
        ask_at_random(scene);
    assert_int_equal(search_settle(scene->search), ERR_OK);
    search_state(scene->search, &told);
    assert_true(told.made_anew > 0);
    assert_int_equal(told.fed, RECORDS);
    ask_at_random(scene);
}

static void what_is_not_looked_at_is_told(void **state)
{
    scene_t *scene = *state;
    asked_search_t asked = ENLACE__V1__SEARCH_REQUEST__INIT;
    char *words[] = {(char[]){"alfa"}};
    uint64_t unsearched;
    draft_t drafts[64];
    buf_t bodies[64];
    record_t *record = record_new(kind_by_name("body"));
    asked.words = words;
    asked.n_words = 1;
    scene->query.search = NULL;
    for (size_t i = 0; i < 64; i++) {
        bodies[i] = record_encode(record);
        drafts[i] = (draft_t){.type = CHANGE_RECORD, .min_reader = 1, .body = buf_span(&bodies[i])};
    }
    for (size_t i = 0; i < TAIL_MAX / 64; i++)
        house_append(&scene->house, HOUSE_GT, drafts, 64);
    house_commit(&scene->house);
    buf_t got = ask_all(scene, &asked, &unsearched);
    assert_int_equal(unsearched, 0); // TAIL_MAX of them are
    buf_free(&got);
    house_put(&scene->house, HOUSE_CR, "{'kind':'body','name':{'es':'alfa'}}");
    got = ask_all(scene, &asked, &unsearched);
    assert_int_equal(unsearched, TAIL_MAX + 1);
    assert_string_equal((char *)got.data, "");
    buf_free(&got);
    scene->query.search = scene->search;
    finder_destroy(&scene->query.finder);
    assert_int_equal(search_settle(scene->search), ERR_OK);
    got = ask_all(scene, &asked, &unsearched);
    assert_int_equal(unsearched, 0);
    assert_string_equal((char *)got.data, "CR:1 ");
    buf_free(&got);
    for (size_t i = 0; i < 64; i++)
        buf_free(&bodies[i]);
    record_destroy(&record);
}

// Records as long as may be, of one who means ill, none of them fed: a page of them ends before
// it has taken long, and the next goes on behind it.
static void long_records_make_no_long_page(void **state)
{
    enum { LONG = 40, BYTES = 15000 };
    scene_t *scene = *state;
    asked_search_t asked = ENLACE__V1__SEARCH_REQUEST__INIT;
    char *words[] = {(char[]){"alfa"}};
    char *text = mem_alloc(BYTES + 1), *json;
    uint64_t unsearched;
    for (size_t i = 0; i < BYTES; i++)
        text[i] = i % 8 == 7 ? ' ' : (char)('b' + i % 11);
    json = mem_format("{'kind':'body','name':{'en':'%s','es':'%s','fr':'%s','pt':'%s'}}", text,
                      text, text, text);
    house_put(&scene->house, HOUSE_CR, "{'kind':'body','name':{'es':'alfa'}}");
    for (size_t i = 0; i < LONG; i++)
        house_put(&scene->house, HOUSE_GT, json);
    scene->query.search = NULL;
    asked.words = words;
    asked.n_words = 1;
    reply_t *reply = ask_once(scene, &asked);
    assert_int_equal(reply->body_case, ENLACE__V1__CONTROL_REPLY__BODY_PAGE);
    assert_int_equal(reply->page->n_records, 0);
    assert_true(reply->page->has_cursor);
    assert_in_range(reply->page->scanned, 1, 1024 * 1024 / (4 * BYTES) + 1);
    bounded_free(&reply->base);
    buf_t got = ask_all(scene, &asked, &unsearched);
    assert_string_equal((char *)got.data, "CR:1 ");
    buf_free(&got);
    mem_free(text);
    mem_free(json);
}

static void what_is_asked_is_checked(void **state)
{
    scene_t *scene = *state;
    asked_search_t none = ENLACE__V1__SEARCH_REQUEST__INIT, asked = none;
    char *words[] = {(char[]){"alfa"}};
    uint8_t bytes[9] = {0, 0, 0, 0, 0, 0, 0, 0x80, 0};
    refused(scene, &none, ERR_BAD_VALUE, __LINE__);
    asked.words = words;
    asked.n_words = 1;
    asked.kind = (char[]){"nada"};
    refused(scene, &asked, ERR_UNKNOWN_KIND, __LINE__);
    asked.kind = NULL;
    asked.owner = (char[]){"XX"};
    refused(scene, &asked, ERR_UNKNOWN_MEMBER, __LINE__);
    asked.owner = NULL;
    asked.has_cursor = true;
    for (size_t size = 1; size <= 9; size++) { // of another size, 0 or negative
        asked.cursor = (ProtobufCBinaryData){size, bytes};
        refused(scene, &asked, ERR_BAD_VALUE, __LINE__);
    }
    bytes[7] = 0;
    asked.cursor = (ProtobufCBinaryData){8, bytes};
    refused(scene, &asked, ERR_BAD_VALUE, __LINE__);
}

int main(void)
{
#define CASE_OF(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE_OF(an_answer_is_that_of_a_look_at_everything),
        CASE_OF(without_a_file_answers_are_the_same),
        CASE_OF(a_damaged_index_is_done_without_and_made_anew),
        CASE_OF(what_is_not_looked_at_is_told),
        CASE_OF(long_records_make_no_long_page),
        CASE_OF(what_is_asked_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
