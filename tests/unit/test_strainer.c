// A list with filters says the same with the index and without, whatever is in the records.
#include "tests/unit/record_random.h"
#include "tests/unit/thin.h"

#include <sqlite3.h>

#include "daemon/control/query.h"
#include "daemon/store/internal.h"
#include "house.h"
#include "lib/control.h"
#include "lib/field_path.h"
#include "lib/record_walk.h"

typedef Enlace__V1__ControlRequest request_t;
typedef Enlace__V1__ControlReply reply_t;

enum { RECORDS_MAX = 600, FILTERS = 3 };

typedef struct {
    house_t house;
    query_t indexed, plain;
    char *path;
    search_t *search;
    dice_t dice;
    size_t count;
    record_t *records[RECORDS_MAX]; // all that were ever written, to draw filters from
} scene_t;

static void open_query(scene_t *scene, search_t *search, query_t *query)
{
    fault_t fault;
    *query = (query_t){.database = scene->house.database, .own = "CR", .search = search};
    assert_int_equal(reader_open(scene->house.database, &query->reader, &fault), ERR_OK);
    assert_int_equal(reader_roster(query->reader, &query->roster, &fault), ERR_OK);
}

static void close_query(query_t *query)
{
    finder_destroy(&query->finder);
    reader_close(&query->reader);
    roster_destroy(&query->roster);
}

static int set_up(void **state)
{
    scene_t *scene = mem_alloc(sizeof *scene);
    house_open(&scene->house);
    scene->path = mem_format("%s/search.db", scene->house.dir);
    search_options_t options = {.database = scene->house.database, .path = scene->path};
    search_start(&options, &scene->search);
    open_query(scene, scene->search, &scene->indexed);
    open_query(scene, NULL, &scene->plain);
    scene->dice.state = 5;
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    scene_t *scene = *state;
    search_stop(&scene->search);
    close_query(&scene->indexed);
    close_query(&scene->plain);
    house_close(&scene->house);
    for (size_t i = 0; i < scene->count; i++)
        record_destroy(&scene->records[i]);
    mem_free(scene->path);
    mem_free(scene);
    return 0;
}

// ---- records ----

// Values of few sorts, so that they repeat; keys are unique, or nothing could be revised.
static void append(scene_t *scene, house_member_t who, record_t *record, uint64_t target)
{
    buf_t body = record_encode(record);
    draft_t draft = {.type = CHANGE_RECORD,
                     .has_target = target > 0,
                     .min_reader = SCHEMA_VERSION,
                     .body = buf_span(&body)};
    if (target)
        draft.target = (position_t){1, LANE_COALITION, target};
    house_append(&scene->house, who, &draft, 1);
    house_commit(&scene->house);
    buf_free(&body);
    assert_true(scene->count < RECORDS_MAX);
    scene->records[scene->count++] = record;
}

static record_t *draw(scene_t *scene)
{
    const kind_t *kind = kind_at(below(&scene->dice, kind_count()));
    record_t *record = random_record(kind, roll(&scene->dice));
    mem_free(record->key);
    record->key = NULL;
    return record;
}

// The payload of a change goes as an erasure would take it; the retraction tells of it.
static void erase(scene_t *scene, house_member_t who, uint64_t number)
{
    static const char update[] =
        "UPDATE commit_log SET payloads = ?2 WHERE first = ?3 AND feed IN (SELECT f.ix FROM feed f"
        " JOIN origin o ON o.ix = f.origin WHERE o.code = ?1 AND f.lane = 1)";
    store_t *store = scene->house.store;
    change_t gone = {.state = PAYLOAD_ERASED};
    buf_t payloads = {0};
    commit_put_payload(&payloads, &gone);
    assert_int_equal(sql_run(store->sql, update,
                             SQL_ROW(sql_text(scene->house.feeds[who].code.text),
                                     sql_blob(payloads.data, payloads.size), sql_u64(number)),
                             NULL),
                     ERR_OK);
    assert_int_equal(store_rebuild(store, NULL), ERR_OK);
    assert_int_equal(store_commit(store, NULL), ERR_OK);
    buf_free(&payloads);
    house_retract(&scene->house, who, number);
}

// What is aimed at may be no record: then what is said of it counts for nothing.
static void change_one(scene_t *scene, house_member_t who, uint64_t target)
{
    switch (below(&scene->dice, 12)) {
    case 0:
        erase(scene, who, target);
        break;
    case 1:
        house_revise_newer(&scene->house, who, target);
        break;
    case 2:
    case 3:
        house_retract(&scene->house, who, target);
        break;
    default:
        append(scene, who, draw(scene), target);
    }
}

static void write_some(scene_t *scene, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        house_member_t who = (house_member_t)below(&scene->dice, HOUSE_MEMBERS);
        uint64_t last = scene->house.feeds[who].head.number;
        if (last && below(&scene->dice, 3) == 0)
            change_one(scene, who, 1 + below(&scene->dice, last));
        else
            append(scene, who, draw(scene), 0);
    }
}

// ---- filters: mostly what some record has ----

typedef struct {
    dice_t *dice;
    size_t seen;
    char path[TRAIL_TEXT], value[1000];
} drawn_t;

static void shape_value(dice_t *dice, char *value)
{
    size_t size = strlen(value);
    if (size >= 7 && value[4] == '-' && below(dice, 2))
        value[below(dice, 2) ? 7 : 4] = '\0'; // a month, a year
    else if (below(dice, 12) == 0)
        value[0] = '\0'; // what is not set
    else if (below(dice, 12) == 0 && size < 900)
        memcpy(value + size, "x", 2); // what nobody has
}

// One of all values, each as likely as the other.
static err_t visit(void *context, const visit_t *visit, fault_t *fault)
{
    drawn_t *drawn = context;
    const value_type_t *type = NULL;
    (void)fault;
    if (visit->field->type == PROTOBUF_C_TYPE_MESSAGE)
        type = value_type_of(visit->field->descriptor);
    if ((visit->field->type == PROTOBUF_C_TYPE_MESSAGE && !type) ||
        below(drawn->dice, ++drawn->seen) != 0)
        return ERR_OK;
    const char *langs[] = {"es", "en", NULL};
    const trail_t *trail = &visit->site->trail;
    char *text =
        type ? type->to_text(*(ProtobufCMessage *const *)visit->value, langs[below(drawn->dice, 3)])
             : scalar_to_text(visit->field, visit->value);
    bool prefixed = type && below(drawn->dice, 4) == 0;
    snprintf(drawn->value, sizeof drawn->value, "%s%s", prefixed ? "es:" : "", text);
    snprintf(drawn->path, sizeof drawn->path, "%s",
             below(drawn->dice, 3) ? trail->field : trail->path);
    mem_free(text);
    return ERR_OK;
}

static void draw_filter(scene_t *scene, const record_t *from, drawn_t *drawn)
{
    *drawn = (drawn_t){.dice = &scene->dice};
    record_walk(from, visit, drawn, NULL);
    if (!drawn->seen || below(&scene->dice, 15) == 0) {
        static const char *const labels[] = {"TLP:RED", "TLP:GREEN", ""};
        snprintf(drawn->path, sizeof drawn->path, "label");
        snprintf(drawn->value, sizeof drawn->value, "%s", labels[below(&scene->dice, 3)]);
        return;
    }
    shape_value(&scene->dice, drawn->value);
}

// ---- lists ----

// One answer, as it came: rows, whether there is more, or the refusal.
static reply_t *ask_once(query_t *query, Enlace__V1__ListRequest *list)
{
    request_t request = ENLACE__V1__CONTROL_REQUEST__INIT;
    ProtobufCMessage *copy, *reply = NULL;
    request.body_case = ENLACE__V1__CONTROL_REQUEST__BODY_LIST;
    request.list = list;
    buf_t bytes = bounded_pack(&request.base);
    assert_int_equal(bounded_unpack(request.base.descriptor, buf_span(&bytes),
                                    &control_request_limits, &copy, NULL),
                     ERR_OK);
    buf_free(&bytes);
    ask_t *ask = ask_new(query_list, true, (request_t *)copy);
    snprintf(ask->lang, sizeof ask->lang, "es");
    ask->sealed = list->n_filters & 1; // restricted lanes are in no list, for nobody
    query_list(&ask->job, query);
    assert_int_equal(bounded_unpack(&enlace__v1__control_reply__descriptor, buf_span(&ask->reply),
                                    &control_reply_limits, &reply, NULL),
                     ERR_OK);
    ask->job.destroy(&ask->job);
    return (reply_t *)reply;
}

static void tell_page(const Enlace__V1__RecordPage *page, buf_t *told)
{
    for (size_t i = 0; i < page->n_records; i++) {
        buf_append(told, span_text(page->records[i]->id));
        buf_append(told, span_text(" "));
    }
}

// All pages, or why it is refused. *scanned: how many records were looked at.
static buf_t ask_all(query_t *query, Enlace__V1__ListRequest *list, uint64_t *scanned)
{
    buf_t told = {0}, cursor = {0};
    bool more = true;
    *scanned = 0;
    for (size_t pages = 0; more; pages++) {
        assert_true(pages < 1000);
        list->has_cursor = pages > 0;
        list->cursor = (ProtobufCBinaryData){cursor.size, cursor.data};
        reply_t *reply = ask_once(query, list);
        more = reply->body_case == ENLACE__V1__CONTROL_REPLY__BODY_PAGE && reply->page->has_cursor;
        if (reply->body_case == ENLACE__V1__CONTROL_REPLY__BODY_PAGE) {
            tell_page(reply->page, &told);
            *scanned += reply->page->scanned;
        } else {
            buf_append(&told, span_text(err_name((err_t)reply->refusal->reason)));
        }
        buf_free(&cursor);
        cursor = buf_copy(
            span_of(more ? reply->page->cursor.data : NULL, more ? reply->page->cursor.len : 0));
        bounded_free(&reply->base);
    }
    buf_append(&told, span_of("", 1));
    buf_free(&cursor);
    return told;
}

typedef struct {
    size_t lists, found;
    uint64_t indexed, plain; // records looked at
} sums_t;

static void compare_one(scene_t *scene, sums_t *sums)
{
    static const char *const codes[] = {"CR", "GT", "SV"};
    const record_t *from = scene->records[below(&scene->dice, scene->count)];
    const kind_t *kind = record_kind(from);
    Enlace__V1__ListRequest list = ENLACE__V1__LIST_REQUEST__INIT;
    Enlace__V1__Assignment filters[FILTERS], *pointers[FILTERS];
    drawn_t drawn[FILTERS];
    uint64_t scanned[2];
    if (!kind)
        return;
    list.kind = (char *)(uintptr_t)kind->name;
    list.n_filters = 1 + below(&scene->dice, FILTERS);
    list.filters = pointers;
    for (size_t i = 0; i < list.n_filters; i++) {
        draw_filter(scene, from, &drawn[i]);
        enlace__v1__assignment__init(&filters[i]);
        filters[i].field = drawn[i].path;
        filters[i].value = drawn[i].value;
        pointers[i] = &filters[i];
    }
    list.owner = below(&scene->dice, 4) ? NULL : (char *)(uintptr_t)codes[below(&scene->dice, 3)];
    list.has_retracted = list.retracted = below(&scene->dice, 2) == 0;
    list.has_limit = below(&scene->dice, 2) == 0;
    list.limit = 1 + (uint32_t)below(&scene->dice, 5);
    buf_t with = ask_all(&scene->indexed, &list, &scanned[0]);
    buf_t without = ask_all(&scene->plain, &list, &scanned[1]);
    if (strcmp((char *)with.data, (char *)without.data) != 0)
        fail_msg("list %s %s='%s' (%zu filters): '%s' instead of '%s'", list.kind, drawn[0].path,
                 drawn[0].value, list.n_filters, (char *)with.data, (char *)without.data);
    sums->lists++;
    sums->found += strchr((char *)with.data, ':') != NULL;
    sums->indexed += scanned[0];
    sums->plain += scanned[1];
    buf_free(&with);
    buf_free(&without);
}

static void compare_some(scene_t *scene, size_t count, sums_t *sums)
{
    for (size_t i = 0; i < count; i++)
        compare_one(scene, sums);
}

static void a_list_is_the_same_with_the_index(void **state)
{
    scene_t *scene = *state;
    sums_t sums = {0}, fed = {0};
    for (int i = 0; i < 12; i++) {
        write_some(scene, 40);
        compare_some(scene, 40 / thin(8), &sums); // part of it, or nothing, is fed
        if (below(&scene->dice, 2))
            assert_int_equal(search_settle(scene->search), ERR_OK);
        compare_some(scene, 40 / thin(8), &sums);
    }
    assert_int_equal(search_settle(scene->search), ERR_OK);
    compare_some(scene, 400 / thin(8), &fed);
    // Or it would say nothing: many lists find something, and the index spares most of the looks.
    assert_true(sums.found > sums.lists / 5);
    assert_true(fed.found > fed.lists / 5);
    assert_true(fed.indexed * 2 < fed.plain);
}

// ---- what is looked at: no more than what has the values, in its field, kind and feed ----

typedef struct {
    const char *kind, *owner, *field, *value, *other_field, *other_value;
    const char *want;
} asked_for_t;

static char *ask_for(query_t *query, const asked_for_t *asked, uint32_t limit, uint64_t *scanned)
{
    Enlace__V1__ListRequest list = ENLACE__V1__LIST_REQUEST__INIT;
    Enlace__V1__Assignment one = ENLACE__V1__ASSIGNMENT__INIT, other = one,
                           *both[] = {&one, &other};
    list.kind = (char *)(uintptr_t)asked->kind;
    list.owner = (char *)(uintptr_t)asked->owner;
    list.filters = both;
    list.n_filters = asked->other_field ? 2 : 1;
    list.has_limit = limit > 0;
    list.limit = limit;
    one.field = (char *)(uintptr_t)asked->field;
    one.value = (char *)(uintptr_t)asked->value;
    other.field = (char *)(uintptr_t)asked->other_field;
    other.value = (char *)(uintptr_t)asked->other_value;
    return (char *)ask_all(query, &list, scanned).data;
}

static size_t rows_in(const char *told)
{
    size_t rows = 0;
    while ((told = strchr(told, ':')))
        rows++, told++;
    return rows;
}

static void expect_rows(scene_t *scene, const asked_for_t *asked)
{
    uint64_t indexed, plain;
    char *with = ask_for(&scene->indexed, asked, 0, &indexed);
    char *without = ask_for(&scene->plain, asked, 0, &plain);
    assert_string_equal(without, asked->want);
    assert_string_equal(with, asked->want);
    assert_int_equal(indexed, rows_in(asked->want)); // none in vain
    mem_free(with);
    mem_free(without);
}

static void what_looks_alike_elsewhere_is_not_looked_at(void **state)
{
    static const asked_for_t asked[] = {
        {"organisation", NULL, "city", "PA", NULL, NULL, "CR:1 CR:4 GT:1 GT:2 "},
        {"organisation", "GT", "city", "PA", NULL, NULL, "GT:1 GT:2 "},
        {"organisation", "SV", "city", "PA", NULL, NULL, ""},
        {"organisation", NULL, "country", "PA", NULL, NULL, "CR:2 CR:4 GT:2 SV:1 "},
        {"organisation", NULL, "city", "PA", "country", "PA", "CR:4 GT:2 "},
        {"organisation", "CR", "city", "PA", "country", "PA", "CR:4 "},
        {"organisation", NULL, "country", "PA", "city", "PA", "CR:4 GT:2 "},
        {"organisation", NULL, "country", "GT", "city", "PA", "GT:1 "},
        {"committee", NULL, "country", "PA", NULL, NULL, "CR:3 "},
        {"organisation", NULL, "acronym", "PA", NULL, NULL, "SV:2 "},
        {"organisation", NULL, "acronym", "P", "city", "A", ""},
    };
    scene_t *scene = *state;
    house_t *house = &scene->house;
    house_put(house, HOUSE_CR, "{'kind':'organisation','city':'PA','country':'CR'}");
    house_put(house, HOUSE_CR, "{'kind':'organisation','city':'CR','country':'PA'}");
    house_put(house, HOUSE_CR, "{'kind':'committee','country':'PA'}");
    house_put(house, HOUSE_CR, "{'kind':'organisation','city':'PA','country':'PA'}");
    house_put(house, HOUSE_GT, "{'kind':'organisation','city':'PA','country':'GT'}");
    house_put(house, HOUSE_GT, "{'kind':'organisation','city':'PA','country':'PA'}");
    house_put(house, HOUSE_SV, "{'kind':'organisation','city':'SV','country':'PA'}");
    house_put(house, HOUSE_SV, "{'kind':'organisation','acronym':'PA','city':'A'}");
    house_put(house, HOUSE_SV, "{'kind':'organisation','acronym':'P','city':'PAA'}");
    assert_int_equal(search_settle(scene->search), ERR_OK);
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
        expect_rows(scene, &asked[i]);
    // What was is not found any more, and what becomes of it is.
    house_revise(house, HOUSE_GT, 1, "{'kind':'organisation','city':'GT','country':'PA'}");
    assert_int_equal(search_settle(scene->search), ERR_OK);
    expect_rows(scene, &(asked_for_t){"organisation", "GT", "city", "PA", NULL, NULL, "GT:2 "});
    expect_rows(scene,
                &(asked_for_t){"organisation", "GT", "country", "PA", NULL, NULL, "GT:1 GT:2 "});
}

// What could not be read when it was fed may be what is looked for: it is told, as it is without
// an index.
static void what_does_not_read_is_told_with_the_index(void **state)
{
    scene_t *scene = *state;
    house_t *house = &scene->house;
    sqlite3 *handle = NULL;
    house_put(house, HOUSE_CR, "{'kind':'organisation','city':'PA','country':'CR'}");
    house_put(house, HOUSE_CR, "{'kind':'organisation','city':'PA','country':'CR'}");
    house_put(house, HOUSE_CR, "{'kind':'committee','country':'PA'}");
    assert_int_equal(sqlite3_open(house->database, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle,
                                  "UPDATE commit_log SET payloads = x'ff' WHERE id >="
                                  " (SELECT min(id) + 1 FROM record)",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(handle);
    assert_int_equal(search_settle(scene->search), ERR_OK);
    expect_rows(scene,
                &(asked_for_t){"organisation", NULL, "city", "PA", "country", "CR", "CR:1 CR:2 "});
    expect_rows(scene, &(asked_for_t){"organisation", NULL, "city", "SV", NULL, NULL, "CR:2 "});
    expect_rows(scene, &(asked_for_t){"organisation", "GT", "city", "SV", NULL, NULL, ""});
}

// Lists so long that the index passes over pages of them to where a page begins.
static void deep_pages_of_long_lists_are_the_same(void **state)
{
    enum { COMMITS = 48, EACH = 256, COUNTRIES = 3, CITIES = 2, BODIES = COUNTRIES * CITIES };
    static const char *const countries[] = {"CR", "GT", "PA"}, *const cities[] = {"León", "David"};
    static const asked_for_t asked[] = {
        {"organisation", NULL, "country", "PA", NULL, NULL, NULL},
        {"organisation", NULL, "city", "David", "country", "PA", NULL},
        {"organisation", NULL, "city", "León", NULL, NULL, NULL},
    };
    scene_t *scene = *state;
    buf_t bodies[BODIES];
    draft_t drafts[EACH];
    uint64_t scanned;
    for (size_t i = 0; i < BODIES; i++) {
        record_t *record = record_new(kind_by_name("organisation"));
        record->organisation->country = mem_copy_string(countries[i % COUNTRIES]);
        record->organisation->city = mem_copy_string(cities[i / COUNTRIES]);
        bodies[i] = record_encode(record);
        record_destroy(&record);
    }
    for (size_t i = 0; i < COMMITS / thin(4); i++) {
        for (size_t k = 0; k < EACH; k++)
            drafts[k] = (draft_t){.type = CHANGE_RECORD,
                                  .min_reader = 1,
                                  .body = buf_span(&bodies[below(&scene->dice, BODIES)])};
        house_append(&scene->house, i % 5 ? HOUSE_GT : HOUSE_CR, drafts, EACH);
        house_commit(&scene->house);
    }
    assert_int_equal(search_settle(scene->search), ERR_OK);
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        char *without = ask_for(&scene->plain, &asked[i], 0, &scanned);
        char *with = ask_for(&scene->indexed, &asked[i], 97, &scanned);
        assert_string_equal(with, without);
        assert_int_equal(scanned, rows_in(without));
        assert_true(scanned > 0);
        mem_free(with);
        mem_free(without);
    }
    for (size_t i = 0; i < BODIES; i++)
        buf_free(&bodies[i]);
}

// Too long a tail is not looked at one by one: then everything is.
static void a_long_tail_leaves_nothing_out(void **state)
{
    enum { COMMITS = TAIL_MAX / 256 + 1, EACH = 256 };
    scene_t *scene = *state;
    Enlace__V1__ListRequest list = ENLACE__V1__LIST_REQUEST__INIT;
    Enlace__V1__Assignment filter = ENLACE__V1__ASSIGNMENT__INIT, *filters[] = {&filter};
    record_t *record = record_new(kind_by_name("organisation"));
    draft_t drafts[EACH];
    uint64_t scanned;
    size_t found = 0;
    record->organisation->city = (char[]){"Cartago"};
    buf_t body = record_encode(record);
    record->organisation->city = NULL;
    for (size_t i = 0; i < EACH; i++)
        drafts[i] = (draft_t){.type = CHANGE_RECORD, .min_reader = 1, .body = buf_span(&body)};
    for (size_t i = 0; i < COMMITS; i++)
        house_append(&scene->house, HOUSE_GT, drafts, EACH);
    house_commit(&scene->house);
    list.kind = (char[]){"organisation"};
    list.filters = filters;
    list.n_filters = 1;
    filter.field = (char[]){"city"};
    filter.value = (char[]){"Cartago"};
    buf_t told = ask_all(&scene->plain, &list, &scanned);
    for (const char *at = (char *)told.data; (at = strchr(at, ':')); at++)
        found++;
    assert_int_equal(found, COMMITS * EACH);
    buf_free(&told);
    buf_free(&body);
    record_destroy(&record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_list_is_the_same_with_the_index, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_looks_alike_elsewhere_is_not_looked_at, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_does_not_read_is_told_with_the_index, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(deep_pages_of_long_lists_are_the_same, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_long_tail_leaves_nothing_out, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
