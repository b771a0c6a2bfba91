// Questions as the reader threads answer them, page by page.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "daemon/control/page.h"
#include "daemon/control/query.h"
#include "daemon/control/views.h"
#include "house.h"
#include "lib/control.h"
#include "lib/mem.h"

typedef Enlace__V1__ControlRequest request_t;
typedef Enlace__V1__ControlReply reply_t;
#define CASE(symbol) ENLACE__V1__CONTROL_REQUEST__BODY_##symbol

typedef struct {
    house_t house;
    query_t query;
    reply_t *reply; // the last one
    bool nothing;
    uint64_t last;
    uint64_t since; // of the next tail
    bool read_only;
    const char *lang;
} scene_t;

static int set_up(void **state)
{
    scene_t *scene = mem_alloc(sizeof *scene);
    fault_t fault;
    house_open(&scene->house);
    scene->lang = "es";
    scene->query = (query_t){.database = scene->house.database, .own = "CR"};
    assert_int_equal(reader_open(scene->house.database, &scene->query.reader, &fault), ERR_OK);
    assert_int_equal(reader_roster(scene->query.reader, &scene->query.roster, &fault), ERR_OK);
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    scene_t *scene = *state;
    if (scene->reply)
        bounded_free(&scene->reply->base);
    finder_destroy(&scene->query.finder);
    reader_close(&scene->query.reader);
    roster_destroy(&scene->query.roster);
    house_close(&scene->house);
    mem_free(scene);
    return 0;
}

// ---- asking ----

// As it would come over the socket, so that the job owns what it gets.
static request_t *copy_of(const request_t *request)
{
    ProtobufCMessage *copy;
    buf_t bytes = bounded_pack(&request->base);
    assert_int_equal(bounded_unpack(request->base.descriptor, buf_span(&bytes),
                                    &control_request_limits, &copy, NULL),
                     ERR_OK);
    buf_free(&bytes);
    return (request_t *)copy;
}

static const reply_t *run(scene_t *scene, void (*fn)(job_t *, query_t *), const request_t *request)
{
    ask_t *ask = ask_new(fn, true, copy_of(request));
    ProtobufCMessage *reply = NULL;
    ask->id = 77;
    ask->sealed = !scene->read_only;
    ask->since = scene->since;
    snprintf(ask->lang, sizeof ask->lang, "%s", scene->lang);
    fn(&ask->job, &scene->query);
    scene->nothing = ask->nothing;
    scene->last = ask->last;
    if (scene->reply)
        bounded_free(&scene->reply->base);
    assert_int_equal(bounded_unpack(&enlace__v1__control_reply__descriptor, buf_span(&ask->reply),
                                    &control_reply_limits, &reply, NULL),
                     ERR_OK);
    scene->reply = (reply_t *)reply;
    assert_int_equal(scene->reply->id, 77);
    ask->job.destroy(&ask->job);
    return scene->reply;
}

static const Enlace__V1__RecordPage *page_of(const reply_t *reply, int line)
{
    if (reply->body_case != ENLACE__V1__CONTROL_REPLY__BODY_PAGE)
        fail_msg("line %d: no page but %d: %s", line, (int)reply->body_case,
                 reply->body_case == ENLACE__V1__CONTROL_REPLY__BODY_REFUSAL
                     ? err_name((err_t)reply->refusal->reason)
                     : "");
    return reply->page;
}

static void expect_refusal(const reply_t *reply, err_t reason, const char *field, int line)
{
    if (reply->body_case != ENLACE__V1__CONTROL_REPLY__BODY_REFUSAL)
        fail_msg("line %d: not refused", line);
    const char *given = reply->refusal->field ? reply->refusal->field : "";
    if ((err_t)reply->refusal->reason != reason || strcmp(given, field) != 0)
        fail_msg("line %d: %s at '%s' instead of %s at '%s'", line,
                 err_name((err_t)reply->refusal->reason), given, err_name(reason), field);
}
#define REFUSED(reply, reason, field) expect_refusal(reply, reason, field, __LINE__)

// Filters "field=value"; at most four.
typedef struct {
    const char *kind, *owner;
    const char *filters[4];
    uint32_t limit;
    bool retracted;
    const ProtobufCBinaryData *cursor;
} wanted_t;

static const reply_t *list(scene_t *scene, const wanted_t *wanted)
{
    request_t request = ENLACE__V1__CONTROL_REQUEST__INIT;
    Enlace__V1__ListRequest body = ENLACE__V1__LIST_REQUEST__INIT;
    Enlace__V1__Assignment items[4];
    Enlace__V1__Assignment *pointers[4];
    char fields[4][64];
    for (; body.n_filters < 4 && wanted->filters[body.n_filters]; body.n_filters++) {
        size_t i = body.n_filters;
        snprintf(fields[i], sizeof fields[i], "%s", wanted->filters[i]);
        char *sign = strchr(fields[i], '=');
        *sign = '\0';
        enlace__v1__assignment__init(&items[i]);
        items[i].field = fields[i];
        items[i].value = sign + 1;
        pointers[i] = &items[i];
    }
    body.filters = pointers;
    body.kind = (char *)wanted->kind;
    body.owner = (char *)wanted->owner;
    body.has_limit = wanted->limit > 0;
    body.limit = wanted->limit;
    body.has_retracted = body.retracted = wanted->retracted;
    body.has_cursor = wanted->cursor != NULL;
    if (wanted->cursor)
        body.cursor = *wanted->cursor;
    request.body_case = CASE(LIST);
    request.list = &body;
    return run(scene, query_list, &request);
}
#define LIST(scene, ...) list(scene, &(wanted_t){__VA_ARGS__})
#define PAGE(scene, ...) page_of(LIST(scene, __VA_ARGS__), __LINE__)

static const reply_t *show(scene_t *scene, const char *id, bool history)
{
    request_t request = ENLACE__V1__CONTROL_REQUEST__INIT;
    Enlace__V1__ShowRequest body = ENLACE__V1__SHOW_REQUEST__INIT;
    body.id = (char *)id;
    body.has_history = body.history = history;
    request.body_case = CASE(SHOW);
    request.show = &body;
    return run(scene, query_show, &request);
}
#define SHOW(scene, id, history) page_of(show(scene, id, history), __LINE__)

static const Enlace__V1__TailPage *tail(scene_t *scene, bool has_since, uint64_t since)
{
    request_t request = ENLACE__V1__CONTROL_REQUEST__INIT;
    Enlace__V1__TailRequest body = ENLACE__V1__TAIL_REQUEST__INIT;
    scene->since = since;
    body.has_since = has_since;
    body.since = since;
    request.body_case = CASE(TAIL);
    request.tail = &body;
    const reply_t *reply = run(scene, query_tail, &request);
    assert_int_equal(reply->body_case, ENLACE__V1__CONTROL_REPLY__BODY_TAIL);
    return reply->tail;
}

// ---- list ----

static void a_list_is_in_order_of_owner_and_number(void **state)
{
    scene_t *scene = *state;
    house_put(&scene->house, HOUSE_SV, "{'kind':'body','key':'s','name':'S'}");
    house_put(&scene->house, HOUSE_GT, "{'kind':'body','key':'g','name':'G'}");
    house_put(&scene->house, HOUSE_CR, "{'kind':'project','title':'P'}");
    house_put(&scene->house, HOUSE_CR, "{'kind':'body','key':'c','name':'C'}");
    const Enlace__V1__RecordPage *page = PAGE(scene, .kind = "body");
    assert_int_equal(page->n_records, 3);
    assert_string_equal(page->records[0]->id, "CR:2");
    assert_string_equal(page->records[1]->id, "GT:1");
    assert_string_equal(page->records[2]->id, "SV:1");
    assert_false(page->has_cursor);
    const Enlace__V1__RecordView *view = page->records[1];
    assert_string_equal(view->node, "GT");
    assert_string_equal(view->kind, "body");
    assert_string_equal(view->key, "g");
    assert_string_equal(view->label, "TLP:RED"); // none was given: counts as RED
    assert_string_equal(view->state, "standing");
    assert_int_equal(view->revision, 1);
    assert_int_equal(view->created_ms, 1700000000001); // the first change of its owner
    assert_null(view->note);
    assert_false(view->has_apply);
    page = PAGE(scene, .kind = "body", .owner = "SV");
    assert_int_equal(page->n_records, 1);
    assert_string_equal(page->records[0]->id, "SV:1");
    assert_int_equal(PAGE(scene, .kind = "guideline")->n_records, 0);
}

// What a filter cannot be held against for damage is told, not left out without a word.
static void damaged_records_are_told_whatever_the_filter(void **state)
{
    scene_t *scene = *state;
    house_put(&scene->house, HOUSE_CR, "{'kind':'body','key':'a','name':'A'}");
    house_put(&scene->house, HOUSE_CR, "{'kind':'body','key':'b','name':'B'}");
    house_put(&scene->house, HOUSE_CR, "{'kind':'body','key':'c','name':'C'}");
    sqlite3 *handle = NULL;
    assert_int_equal(sqlite3_open(scene->house.database, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle,
                                  "UPDATE commit_log SET payloads = x'ff'"
                                  " WHERE id = (SELECT id FROM record WHERE key = 'b')",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(handle);
    const Enlace__V1__RecordPage *page = PAGE(scene, .kind = "body", .filters = {"key=c"});
    assert_int_equal(page->n_records, 2);
    assert_string_equal(page->records[0]->key, "b");
    assert_string_equal(page->records[0]->note, "damaged");
    assert_false(page->records[0]->has_record);
    assert_string_equal(page->records[1]->key, "c");
    page = SHOW(scene, "CR:2", false);
    assert_string_equal(page->records[0]->note, "damaged");
}

static void filters_compare_fields(void **state)
{
    scene_t *scene = *state;
    house_put(
        &scene->house, HOUSE_CR,
        "{'kind':'committee','key':'a','country':'CR','lead_sector':'POLICE','since':'2018-04'}");
    house_put(&scene->house, HOUSE_GT,
              "{'kind':'committee','key':'b','country':'GT','lead_sector':'POLICE'}");
    house_put(&scene->house, HOUSE_SV,
              "{'kind':'committee','key':'c','country':'SV','lead_sector':'INTERIOR'}");
    assert_int_equal(PAGE(scene, .kind = "committee", .filters = {"lead_sector=POLICE"})->n_records,
                     2);
    const Enlace__V1__RecordPage *page =
        PAGE(scene, .kind = "committee", .filters = {"lead_sector=POLICE", "country=GT"});
    assert_int_equal(page->n_records, 1);
    assert_string_equal(page->records[0]->id, "GT:1");
    assert_int_equal(page->scanned, 3);
    assert_int_equal(PAGE(scene, .kind = "committee", .filters = {"since=2018"})->n_records, 1);
}

static void bad_lists_are_refused(void **state)
{
    scene_t *scene = *state;
    static uint8_t garbage[64] = {0xff, 0xfe, 0xfd};
    REFUSED(LIST(scene, .kind = "comittee"), ERR_UNKNOWN_KIND, "comittee");
    REFUSED(LIST(scene, .kind = NULL), ERR_UNKNOWN_KIND, "kind");
    // Without any row there, too.
    REFUSED(LIST(scene, .kind = "committee", .filters = {"nmae=X"}), ERR_UNKNOWN_FIELD, "nmae");
    REFUSED(LIST(scene, .kind = "committee", .owner = "HN"), ERR_UNKNOWN_MEMBER, "HN");
    for (size_t size = 1; size <= sizeof garbage; size++) {
        ProtobufCBinaryData cursor = {size, garbage};
        const reply_t *reply = LIST(scene, .kind = "committee", .cursor = &cursor);
        assert_true(reply->body_case == ENLACE__V1__CONTROL_REPLY__BODY_REFUSAL ||
                    reply->page->n_records == 0);
    }
    static uint8_t long_cursor[1000];
    ProtobufCBinaryData cursor = {sizeof long_cursor, long_cursor};
    REFUSED(LIST(scene, .kind = "committee", .cursor = &cursor), ERR_BAD_VALUE, "cursor");
}

static void retracted_records_are_listed_when_asked(void **state)
{
    scene_t *scene = *state;
    house_put(&scene->house, HOUSE_CR, "{'kind':'body','key':'a','name':'A'}");
    house_put(&scene->house, HOUSE_CR, "{'kind':'body','key':'b','name':'B'}");
    house_retract(&scene->house, HOUSE_CR, 1);
    const Enlace__V1__RecordPage *page = PAGE(scene, .kind = "body");
    assert_int_equal(page->n_records, 1);
    assert_string_equal(page->records[0]->key, "b");
    page = PAGE(scene, .kind = "body", .retracted = true);
    assert_int_equal(page->n_records, 2);
    assert_string_equal(page->records[0]->state, "retracted");
    assert_string_equal(page->records[0]->key, "a");
}

// Goes through all pages; returns how many there were.
static size_t count_pages(scene_t *scene, uint32_t limit, size_t *records, size_t *largest)
{
    uint8_t kept[256];
    ProtobufCBinaryData cursor = {0, kept};
    size_t pages = 0;
    char before[64] = "";
    *records = *largest = 0;
    do {
        const Enlace__V1__RecordPage *page =
            PAGE(scene, .kind = "body", .limit = limit, .cursor = pages ? &cursor : NULL);
        buf_t packed = bounded_pack(&page->base);
        *largest = packed.size > *largest ? packed.size : *largest;
        buf_free(&packed);
        pages++;
        *records += page->n_records;
        for (size_t i = 0; i < page->n_records; i++) {
            assert_string_not_equal(page->records[i]->id, before); // none twice in a row
            snprintf(before, sizeof before, "%s", page->records[i]->id);
        }
        cursor.len = page->has_cursor ? page->cursor.len : 0;
        if (page->has_cursor)
            memcpy(kept, page->cursor.data, page->cursor.len);
    } while (cursor.len);
    return pages;
}

static void put_many(scene_t *scene, house_member_t who, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char text[96];
        snprintf(text, sizeof text, "{'kind':'body','key':'k%zu','name':'N%zu'}", i, i);
        house_put(&scene->house, who, text);
    }
}

static void a_long_list_comes_in_pages(void **state)
{
    scene_t *scene = *state;
    size_t records;
    size_t largest;
    put_many(scene, HOUSE_CR, 150);
    put_many(scene, HOUSE_GT, 100);
    size_t pages = count_pages(scene, 0, &records, &largest);
    assert_int_equal(records, 250);
    assert_in_range(pages, 2, 3); // 200 and 50; the end may be told by an empty page
    pages = count_pages(scene, 7, &records, &largest);
    assert_int_equal(records, 250);
    assert_in_range(pages, 36, 37);
    pages = count_pages(scene, 100000, &records, &largest); // no more than 200 a page
    assert_in_range(pages, 2, 3);
}

static void a_page_is_bounded_by_bytes(void **state)
{
    scene_t *scene = *state;
    size_t records;
    size_t largest;
    char note[15001];
    memset(note, 'x', 15000);
    note[15000] = '\0';
    for (int i = 0; i < 40; i++) {
        char *text = mem_format("{'kind':'body','key':'k%d','name':'N','note':'%s'}", i, note);
        house_put(&scene->house, HOUSE_CR, text);
        mem_free(text);
    }
    size_t pages = count_pages(scene, 0, &records, &largest);
    assert_int_equal(records, 40);
    assert_in_range(pages, 3, 4); // 600 kB by 256 KiB
    assert_in_range(largest, 200 * 1024, VIEWS_BYTES_MAX + 64 * 1024);
}

// What passes no filter counts for how long a page may take.
static void looking_is_bounded_by_bytes(void **state)
{
    enum { RECORDS = 80, BYTES = 15000 };
    scene_t *scene = *state;
    char *text = mem_alloc(BYTES + 1), *json;
    memset(text, 'x', BYTES);
    json = mem_format("{'kind':'body','name':{'en':'%s','es':'%s','fr':'%s','pt':'%s'}}", text,
                      text, text, text);
    for (int i = 0; i < RECORDS; i++)
        house_put(&scene->house, HOUSE_CR, json);
    house_put(&scene->house, HOUSE_GT, "{'kind':'body','name':'N','contact':'X'}");
    wanted_t wanted = {.kind = "body", .filters = {"contact=X"}};
    const Enlace__V1__RecordPage *page = page_of(list(scene, &wanted), __LINE__);
    assert_int_equal(page->n_records, 0);
    assert_in_range(page->scanned, 1, PAGE_LOOKED_BYTES / (4 * BYTES) + 1);
    assert_true(page->has_cursor);
    buf_t cursor = buf_copy(span_of(page->cursor.data, page->cursor.len));
    ProtobufCBinaryData given = {cursor.size, cursor.data};
    wanted.cursor = &given;
    page = page_of(list(scene, &wanted), __LINE__);
    assert_int_equal(page->n_records, 1);
    assert_string_equal(page->records[0]->id, "GT:1");
    buf_free(&cursor);
    mem_free(text);
    mem_free(json);
}

// ---- references ----

static const Enlace__V1__ResolvedRef *ref_of(const Enlace__V1__RecordView *view, const char *field)
{
    for (size_t i = 0; i < view->n_refs; i++)
        if (strcmp(view->refs[i]->field, field) == 0)
            return view->refs[i];
    fail_msg("no reference %s", field);
    return NULL;
}

static void references_are_resolved_for_people(void **state)
{
    scene_t *scene = *state;
    house_put(&scene->house, HOUSE_GT,
              "{'kind':'organisation','key':'a','name':{'es':'Uno','en':'One'}}");
    house_put(&scene->house, HOUSE_GT, "{'kind':'body','key':'b','name':'Cuerpo'}");
    house_put(&scene->house, HOUSE_GT, "{'kind':'organisation','key':'r','name':'Retirada'}");
    house_put(&scene->house, HOUSE_GT, "{'kind':'organisation','key':'d','name':'D'}");
    house_put(&scene->house, HOUSE_GT, "{'kind':'organisation','key':'d','name':'D'}");
    house_retract(&scene->house, HOUSE_GT, 3);
    house_put(&scene->house, HOUSE_CR,
              "{'kind':'meeting','key':'m','title':'M','attendance':["
              "{'organisation':'@GT:a'},{'organisation':'GT:1'},{'organisation':'@GT:b'},"
              "{'organisation':'@GT:r'},{'organisation':'@GT:d'},{'organisation':'@SV:nada'},"
              "{'organisation':'SV:9'},{'organisation':'@HN:x'}],'with':['@GT:b']}");
    const Enlace__V1__RecordView *view = SHOW(scene, "@m", false)->records[0];
    static const struct {
        const char *field, *given, *id, *title, *why;
    } wanted[] = {
        {"attendance.1.organisation", "@GT:a", "GT:1", "Uno", NULL},
        {"attendance.2.organisation", "GT:1", "GT:1", "Uno", NULL},
        {"attendance.3.organisation", "@GT:b", "GT:2", "Cuerpo", "wrong-kind"},
        {"attendance.4.organisation", "@GT:r", "GT:3", "Retirada", "retracted"},
        {"attendance.5.organisation", "@GT:d", NULL, NULL, "ambiguous-key"},
        {"attendance.6.organisation", "@SV:nada", NULL, NULL, "not-yet-here"},
        {"attendance.7.organisation", "SV:9", NULL, NULL, "not-yet-here"},
        {"attendance.8.organisation", "@HN:x", NULL, NULL, "unknown-member"},
        {"with.1", "@GT:b", "GT:2", "Cuerpo", NULL},
    };
    assert_int_equal(view->n_refs, sizeof wanted / sizeof *wanted);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        const Enlace__V1__ResolvedRef *ref = ref_of(view, wanted[i].field);
        assert_string_equal(ref->given, wanted[i].given);
        assert_string_equal(ref->id ? ref->id : "-", wanted[i].id ? wanted[i].id : "-");
        assert_string_equal(ref->title ? ref->title : "-", wanted[i].title ? wanted[i].title : "-");
        assert_string_equal(ref->why ? ref->why : "-", wanted[i].why ? wanted[i].why : "-");
    }
    scene->lang = "en";
    view = PAGE(scene, .kind = "meeting")->records[0];
    assert_string_equal(ref_of(view, "attendance.1.organisation")->title, "One");
}

static void a_long_title_ends_with_a_whole_letter(void **state)
{
    scene_t *scene = *state;
    char letters[2 * 200 + 1] = "";
    for (size_t i = 0; i < 200; i++)
        memcpy(letters + 2 * i, "ñ", 3);
    char *text = mem_format("{'kind':'organisation','key':'a','name':'x%s'}", letters);
    house_put(&scene->house, HOUSE_CR, text);
    mem_free(text);
    house_put(&scene->house, HOUSE_CR, "{'kind':'membership','key':'m','member':'@a'}");
    const Enlace__V1__RecordView *view = SHOW(scene, "@m", false)->records[0];
    const char *title = ref_of(view, "member")->title;
    assert_int_equal(strlen(title), 119); // x and 59 letters of two bytes
    assert_true(utf8_valid(span_text(title)));
}

// ---- show ----

static void one_record_is_shown(void **state)
{
    scene_t *scene = *state;
    house_put(&scene->house, HOUSE_CR, "{'kind':'body','key':'a','label':'TLP:AMBER','name':'A'}");
    house_put(&scene->house, HOUSE_GT, "{'kind':'body','key':'a','name':'G'}");
    house_revise(&scene->house, HOUSE_GT, 1, "{'kind':'body','key':'a','name':'H'}");
    assert_string_equal(SHOW(scene, "@a", false)->records[0]->id, "CR:1");
    assert_string_equal(SHOW(scene, "@CR:a", false)->records[0]->label, "TLP:AMBER");
    const Enlace__V1__RecordView *view = SHOW(scene, "@GT:a", false)->records[0];
    assert_string_equal(view->id, "GT:1");
    assert_int_equal(view->revision, 2);
    record_t *record = NULL;
    assert_int_equal(record_decode(span_of(view->record.data, view->record.len), &record, NULL),
                     ERR_OK);
    assert_string_equal(record->body->name->entries[0]->text, "H");
    record_destroy(&record);
    REFUSED(show(scene, "@b", false), ERR_NO_SUCH_RECORD, "@b");
    REFUSED(show(scene, "CR:2", false), ERR_NO_SUCH_RECORD, "CR:2");
    REFUSED(show(scene, "GT:2", false), ERR_NO_SUCH_RECORD, "GT:2"); // creates nothing
    REFUSED(show(scene, "HN:1", false), ERR_UNKNOWN_MEMBER, "HN");
    REFUSED(show(scene, "nada", false), ERR_BAD_REF, "nada");
    REFUSED(show(scene, NULL, false), ERR_MISSING_FIELD, "id");
    house_put(&scene->house, HOUSE_CR, "{'kind':'body','key':'a','name':'B'}");
    REFUSED(show(scene, "@a", false), ERR_AMBIGUOUS_KEY, "@a");
}

static void a_newer_revision_is_told_of(void **state)
{
    scene_t *scene = *state;
    house_put(&scene->house, HOUSE_GT, "{'kind':'body','key':'a','name':'A'}");
    house_revise_newer(&scene->house, HOUSE_GT, 1);
    const Enlace__V1__RecordView *view = SHOW(scene, "GT:1", false)->records[0];
    assert_string_equal(view->note, "needs-newer-reader");
    assert_true(view->has_record); // the one before
    assert_int_equal(view->revision, 2);
    assert_string_equal(view->kind, "body");
}

static void history_tells_every_revision(void **state)
{
    scene_t *scene = *state;
    house_put(&scene->house, HOUSE_CR, "{'kind':'body','key':'a','name':'A'}");
    house_put(&scene->house, HOUSE_CR, "{'kind':'body','key':'b','name':'B'}");
    house_revise(&scene->house, HOUSE_CR, 1, "{'kind':'body','key':'a','name':'AA'}");
    house_retract(&scene->house, HOUSE_CR, 1);
    const Enlace__V1__RecordPage *page = SHOW(scene, "@a", true);
    assert_int_equal(page->n_records, 3);
    static const char *const changes[] = {"CR:1", "CR:3", "CR:4"};
    static const char *const types[] = {"record", "record", "retract"};
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(page->records[i]->id, "CR:1");
        assert_string_equal(page->records[i]->change, changes[i]);
        assert_string_equal(page->records[i]->type, types[i]);
        assert_int_equal(page->records[i]->revision, i + 1);
    }
    assert_int_equal(SHOW(scene, "CR:1", true)->n_records, 3);
    REFUSED(show(scene, "@c", true), ERR_NO_SUCH_RECORD, "@c");
    REFUSED(show(scene, "CR:7", true), ERR_NO_SUCH_RECORD, "CR:7");
}

// ---- tail ----

static void a_tail_follows_what_is_applied(void **state)
{
    scene_t *scene = *state;
    tail(scene, true, 0);
    assert_true(scene->nothing);
    assert_int_equal(scene->last, 0);
    house_put(&scene->house, HOUSE_GT, "{'kind':'body','key':'a','name':'A'}");
    house_put(&scene->house, HOUSE_CR, "{'kind':'body','key':'b','name':'B'}");
    house_retract(&scene->house, HOUSE_GT, 1);
    const Enlace__V1__TailPage *page = tail(scene, true, 0);
    assert_false(scene->nothing);
    assert_int_equal(page->n_changes, 3);
    static const char *const changes[] = {"GT:1", "CR:1", "GT:2"};
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(page->changes[i]->change, changes[i]);
    assert_string_equal(page->changes[2]->type, "retract");
    assert_string_equal(page->changes[2]->id, "GT:1");
    assert_true(page->changes[0]->apply < page->changes[1]->apply);
    assert_int_equal(page->last, page->changes[2]->apply);
    uint64_t last = page->last;
    uint64_t middle = page->changes[1]->apply;
    page = tail(scene, true, middle);
    assert_int_equal(page->n_changes, 1);
    tail(scene, true, last);
    assert_true(scene->nothing);
    assert_int_equal(scene->last, last);
    // From now on, and from a number that is not here yet: answered at once.
    page = tail(scene, false, 0);
    assert_false(scene->nothing);
    assert_int_equal(page->n_changes, 0);
    assert_int_equal(page->last, last);
    page = tail(scene, true, UINT64_MAX);
    assert_false(scene->nothing);
    assert_int_equal(page->last, last);
}

static void a_long_tail_comes_in_pages(void **state)
{
    scene_t *scene = *state;
    put_many(scene, HOUSE_CR, 250);
    const Enlace__V1__TailPage *page = tail(scene, true, 0);
    assert_int_equal(page->n_changes, 200);
    assert_int_equal(page->last, page->changes[199]->apply);
    page = tail(scene, true, page->last);
    assert_int_equal(page->n_changes, 50);
    assert_string_equal(page->changes[49]->key, "k249");
}

static void a_consent_is_told_of(void **state)
{
    scene_t *scene = *state;
    feed_t lane0 = {scene->house.feeds[HOUSE_GT].card->origin, 1, LANE_CONTROL};
    draft_t draft = {.type = CHANGE_CONSENT, .min_reader = 1, .body = span_text("\x10\x01")};
    uint8_t seed[32] = {1};
    commit_t *commit =
        commit_author(&lane0, 1, &scene->house.feeds[HOUSE_GT].card->hash, 1700000000000, 1, &draft,
                      1, seed, scene->house.feeds[HOUSE_GT].signing, &scene->house.roster->hash);
    fault_t fault;
    assert_int_equal(store_append(scene->house.store, commit, 1, &fault), ERR_OK);
    commit_destroy(&commit);
    house_commit(&scene->house);
    const Enlace__V1__TailPage *page = tail(scene, true, 0);
    assert_int_equal(page->n_changes, 1);
    assert_string_equal(page->changes[0]->type, "consent");
    assert_string_equal(page->changes[0]->change, "GT/0:1");
    assert_null(page->changes[0]->kind);
}

// ---- restricted lanes, at the read-only socket ----

static void restricted_lanes_stay_inside(void **state)
{
    (void)state;
    row_t row = {.owner = "GT", .id = {1, 2, 5}, .change = {1, 2, 5}};
    views_t views;
    views_new(&views, 4);
    assert_false(views_allow(&views, &row));
    row.id.lane = LANE_COALITION; // a change in one about a record outside: neither
    assert_false(views_allow(&views, &row));
    row.change.lane = LANE_CONTROL;
    assert_true(views_allow(&views, &row));
    views.sealed = true;
    row.id.lane = row.change.lane = 3;
    assert_true(views_allow(&views, &row));
    views_clear(&views);
}

// ---- digest, verify ----

static void a_digest_names_every_feed_with_a_change(void **state)
{
    scene_t *scene = *state;
    request_t request = ENLACE__V1__CONTROL_REQUEST__INIT;
    Enlace__V1__DigestRequest body = ENLACE__V1__DIGEST_REQUEST__INIT;
    request.body_case = CASE(DIGEST);
    request.digest = &body;
    house_put(&scene->house, HOUSE_SV, "{'kind':'body','key':'a','name':'A'}");
    house_put(&scene->house, HOUSE_CR, "{'kind':'body','key':'b','name':'B'}");
    house_put(&scene->house, HOUSE_CR, "{'kind':'body','key':'c','name':'C'}");
    const reply_t *reply = run(scene, query_digest, &request);
    assert_int_equal(reply->body_case, ENLACE__V1__CONTROL_REPLY__BODY_DIGEST);
    assert_int_equal(reply->digest->n_feeds, 2);
    const Enlace__V1__DigestReply__FeedLine *line = reply->digest->feeds[0];
    assert_string_equal(line->node, "CR");
    assert_int_equal(line->epoch, 1);
    assert_int_equal(line->lane, 1);
    assert_int_equal(line->number, 2);
    assert_memory_equal(line->hash.data, scene->house.feeds[HOUSE_CR].head.hash.bytes, HASH_SIZE);
    assert_string_equal(reply->digest->feeds[1]->node, "SV");
    assert_int_equal(reply->digest->digest.len, HASH_SIZE);
}

static void verify_counts_what_it_looked_at(void **state)
{
    scene_t *scene = *state;
    request_t request = ENLACE__V1__CONTROL_REQUEST__INIT;
    Enlace__V1__VerifyRequest body = ENLACE__V1__VERIFY_REQUEST__INIT;
    request.body_case = CASE(VERIFY);
    request.verify = &body;
    put_many(scene, HOUSE_CR, 5);
    put_many(scene, HOUSE_GT, 2);
    const reply_t *reply = run(scene, query_verify, &request);
    assert_int_equal(reply->body_case, ENLACE__V1__CONTROL_REPLY__BODY_VERIFY);
    assert_true(reply->verify->ok);
    assert_int_equal(reply->verify->commits, 7);
    assert_int_equal(reply->verify->changes, 7);
    assert_int_equal(reply->verify->records, 7);
    assert_int_equal(reply->verify->n_findings, 0);
    scene->query.database = "/nowhere/enlace.db";
    reply = run(scene, query_verify, &request);
    assert_int_equal(reply->body_case, ENLACE__V1__CONTROL_REPLY__BODY_REFUSAL);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(a_list_is_in_order_of_owner_and_number),
        T(filters_compare_fields),
        T(damaged_records_are_told_whatever_the_filter),
        T(bad_lists_are_refused),
        T(retracted_records_are_listed_when_asked),
        T(a_long_list_comes_in_pages),
        T(a_page_is_bounded_by_bytes),
        T(looking_is_bounded_by_bytes),
        T(references_are_resolved_for_people),
        T(a_long_title_ends_with_a_whole_letter),
        T(one_record_is_shown),
        T(a_newer_revision_is_told_of),
        T(history_tells_every_revision),
        T(a_tail_follows_what_is_applied),
        T(a_long_tail_comes_in_pages),
        T(a_consent_is_told_of),
        cmocka_unit_test(restricted_lanes_stay_inside),
        T(a_digest_names_every_feed_with_a_change),
        T(verify_counts_what_it_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
