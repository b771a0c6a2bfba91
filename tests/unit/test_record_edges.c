// Records at the edges of what can be said: shapes, lengths, paths.
#include "tests/unit/record_helpers.h"

#include "lib/assign.h"
#include "lib/bounded.h"
#include "lib/roster.h"
#include "lib/value.h"
#include "lib/wire.h"

static void only_an_object_is_a_record(void **state)
{
    record_t *record = NULL;
    fault_t fault = {0};
    json_t *list = json_array();
    (void)state;
    assert_int_equal(record_from_json(list, &reading_cr, &record, &fault), ERR_WRONG_TYPE);
    assert_null(record);
    json_decref(list);
    assert_int_equal(read_record("{'kind':7}", &record, &fault), ERR_WRONG_TYPE);
    assert_string_equal(fault.where, "kind");
    assert_int_equal(read_record("{'_unknown':{}}", &record, &fault), ERR_MISSING_FIELD);
    assert_int_equal(read_record("{'kind':'body','_unknown':[7]}", &record, &fault),
                     ERR_WRONG_TYPE);
    assert_int_equal(
        read_record("{'kind':'body','_unknown':[{'tag':1,'wire':9,'data':''}]}", &record, &fault),
        ERR_BAD_VALUE);
}

// A name that is longer than jansson's sentence about it.
static void a_long_name_given_twice_is_refused(void **state)
{
    char name[300], text[700];
    json_t *object = NULL;
    fault_t fault = {0};
    (void)state;
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    snprintf(text, sizeof text, "{\"%s\":1,\"%s\":2}", name, name);
    assert_int_equal(json_parse(text, strlen(text), &object, &fault), ERR_DUPLICATE_NAME);
    assert_null(object);
    snprintf(text, sizeof text, "{\"a\":1,\"a\":2}");
    assert_int_equal(json_parse(text, strlen(text), &object, &fault), ERR_DUPLICATE_NAME);
    assert_string_equal(fault.where, "a");
}

static void a_text_has_a_bound(void **state)
{
    record_t *record = good_record("{'kind':'body','name':'x'}");
    Enlace__V1__Text__Entry *entry = record->body->name->entries[0];
    fault_t fault = {0};
    (void)state;
    mem_free(entry->text);
    entry->text = mem_alloc(RECORD_STRING_MAX + 2);
    memset(entry->text, 'x', RECORD_STRING_MAX);
    assert_int_equal(record_check(record, &fault), ERR_OK);
    entry->text[RECORD_STRING_MAX] = 'x';
    assert_int_equal(record_check(record, &fault), ERR_TOO_BIG);
    assert_string_equal(fault.where, "name");
    record_destroy(&record);
}

// Where no scheme goes without saying, a bare code is none.
static void a_bare_code_needs_a_scheme(void **state)
{
    Enlace__V1__Code code = ENLACE__V1__CODE__INIT;
    const value_type_t *type = value_type_of(&enlace__v1__code__descriptor);
    site_t site = {.kind = "body", .reading = &reading_cr};
    fault_t fault = {0};
    (void)state;
    trail_name(&site.trail, "anything");
    assert_int_equal(type->from_text("1", &site, &code.base, &fault), ERR_WRONG_TYPE);
    assert_null(code.code);
    site = (site_t){.kind = "project", .reading = &reading_cr};
    trail_name(&site.trail, "status");
    assert_int_equal(type->from_text("\xff", &site, &code.base, &fault), ERR_BAD_UTF8);
    assert_null(code.code);
    assert_int_equal(type->from_text("2", &site, &code.base, &fault), ERR_OK);
    assert_string_equal(code.scheme, "iati-activity-status");
    mem_free(code.scheme);
    mem_free(code.code);
}

// Paths are for messages: what does not fit is cut at a whole character.
static void a_trail_ends_at_its_bound(void **state)
{
    trail_t trail = {{0}, {0}, 0, 0};
    (void)state;
    for (int i = 0; i < 40; i++)
        trail_name(&trail, "ñandú");
    assert_true(trail.path_size < TRAIL_TEXT && strlen(trail.path) == trail.path_size);
    assert_true(utf8_valid(span_text(trail.path)));
    assert_memory_equal(trail.path, "ñandú.ñandú.", 16);
    trail_mark_t mark = trail_name(&trail, "more");
    trail_back(&trail, mark);
    assert_true(utf8_valid(span_text(trail.path)));
}

static void nothing_is_found_in_nothing(void **state)
{
    roster_t roster = {0};
    origin_t origin = {{0}};
    secret_t *none = NULL;
    (void)state;
    assert_null(roster_by_code(&roster, "CR"));
    assert_null(roster_member(&roster, &origin));
    assert_null(roster_code_of(&roster, &origin));
    assert_false(roster_origin_of(&roster, "CR", &origin));
    secret_destroy(&none);
    secret_destroy(NULL);
    assert_int_equal(span_text(NULL).size, 0);
}

// A head that is not there: told once, and later steps do nothing.
static void a_head_that_is_missing(void **state)
{
    fault_t fault = {0};
    wire_t wire = {.fault = &fault, .name = "publication"};
    head_t head = {.number = 7};
    (void)state;
    wire_head(&wire, "head", WIRE_NO_PLACE, NULL, &head);
    assert_int_equal(wire.err, ERR_MISSING_FIELD);
    assert_string_equal(fault.where, "publication.head");
    wire_head(&wire, "other", WIRE_NO_PLACE, NULL, &head);
    assert_string_equal(fault.where, "publication.head");
    assert_int_equal(head.number, 7);
}

// A path that leads nowhere shows nothing.
static void a_path_that_cannot_be(void **state)
{
    record_t *record = good_record("{'kind':'body','name':'x'}");
    char *cell = record_cell(record, "name..", "es");
    bool matches = true;
    fault_t fault = {0};
    (void)state;
    assert_string_equal(cell, "");
    assert_int_equal(record_matches(record, "name.", "x", &reading_cr, &matches, &fault),
                     ERR_UNKNOWN_FIELD);
    assert_false(matches);
    mem_free(cell);
    record_destroy(&record);
}

// An entry of several fields has no text to compare with; whether there is one can
// be asked all the same. `enlace list project participants=` once ended the daemon.
static void a_filter_may_ask_whether_entries_are_there(void **state)
{
    record_t *without = good_record("{'kind':'project','title':'x'}");
    record_t *with = good_record("{'kind':'project','participants':[{'name':'UE'}]}");
    bool matches = false;
    fault_t fault = {0};
    (void)state;
    assert_int_equal(record_matches(without, "participants", "", &reading_cr, &matches, &fault),
                     ERR_OK);
    assert_true(matches);
    assert_int_equal(record_matches(with, "participants", "", &reading_cr, &matches, &fault),
                     ERR_OK);
    assert_false(matches);
    assert_int_equal(record_matches(with, "participants", "UE", &reading_cr, &matches, &fault),
                     ERR_WRONG_TYPE);
    record_destroy(&with);
    record_destroy(&without);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_an_object_is_a_record),
        cmocka_unit_test(a_long_name_given_twice_is_refused),
        cmocka_unit_test(a_text_has_a_bound),
        cmocka_unit_test(a_bare_code_needs_a_scheme),
        cmocka_unit_test(a_trail_ends_at_its_bound),
        cmocka_unit_test(nothing_is_found_in_nothing),
        cmocka_unit_test(a_head_that_is_missing),
        cmocka_unit_test(a_path_that_cannot_be),
        cmocka_unit_test(a_filter_may_ask_whether_entries_are_there),
    };
    return cmocka_run_group_tests_name("record edges", tests, NULL, NULL);
}
