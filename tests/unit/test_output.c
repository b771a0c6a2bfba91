// JSON and CSV for programs.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/output.h"
#include "client/record_print.h"
#include "lib/mem.h"
#include "lib/record_json.h"

static char *json_line(json_t *object)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    output_json(out, object);
    fclose(out);
    json_decref(object);
    return text;
}

static void test_one_object_is_one_line(void **state)
{
    (void)state;
    char *text = json_line(json_pack("{s:s, s:i, s:b}", "name", "two\nlines", "n", 7, "ok", 1));
    assert_string_equal(text, "{\"name\":\"two\\nlines\",\"n\":7,\"ok\":true}\n");
    free(text);
}

static void test_json_commands_no_terminal_and_stays_the_same(void **state)
{
    (void)state;
    static const char tricky[] = "esc \033 del \x7f csi \xc2\x9b é \xc2\xa0 end";
    char *text = json_line(json_pack("{s:s}", "t", tricky));
    assert_null(strchr(text, '\033'));
    assert_null(strchr(text, 0x7f));
    assert_null(strstr(text, "\xc2\x9b"));
    assert_non_null(strstr(text, "é \xc2\xa0"));
    json_t *back = json_loads(text, 0, NULL);
    assert_non_null(back);
    assert_string_equal(json_string_value(json_object_get(back, "t")), tricky);
    json_decref(back);
    free(text);
}

static void test_csv_by_rfc_4180(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    output_csv(out, "plain", true);
    output_csv(out, "with, comma", false);
    output_csv(out, "a \"quote\"", false);
    output_csv(out, "two\nlines", false);
    output_csv(out, NULL, false);
    output_csv(out, " edge ", false);
    output_csv_end(out);
    fclose(out);
    assert_string_equal(text,
                        "plain,\"with, comma\",\"a \"\"quote\"\"\",\"two\nlines\",,\" edge \"\r\n");
    free(text);
}

static void test_control_messages_by_descriptor(void **state)
{
    (void)state;
    Enlace__V1__DigestReply digest = ENLACE__V1__DIGEST_REPLY__INIT;
    Enlace__V1__DigestReply__FeedLine feed = ENLACE__V1__DIGEST_REPLY__FEED_LINE__INIT;
    Enlace__V1__DigestReply__FeedLine *feeds[] = {&feed};
    uint8_t hash[] = {0x00, 0xab, 0xff};
    char node[] = "CR";
    feed.node = node;
    feed.has_epoch = 1;
    feed.epoch = 1;
    feed.has_number = 1;
    feed.number = UINT64_C(9007199254740992);
    feed.has_hash = 1;
    feed.hash = (ProtobufCBinaryData){sizeof hash, hash};
    digest.n_feeds = 1;
    digest.feeds = feeds;
    char *text = json_line(output_message(&digest.base));
    assert_string_equal(text, "{\"feeds\":[{\"node\":\"CR\",\"epoch\":1,"
                              "\"number\":9007199254740992,\"hash\":\"00abff\"}]}\n");
    free(text);
    Enlace__V1__StatusReply status = ENLACE__V1__STATUS_REPLY__INIT;
    status.has_synced = 1;
    text = json_line(output_message(&status.base));
    assert_string_equal(
        text, "{\"peers\":[],\"feeds\":[],\"counters\":[],\"synced\":false,\"missing\":[]}\n");
    free(text);
}

// ---- records ----

typedef struct {
    view_t view;
    buf_t bytes;
    char id[8], node[4], kind[16], key[16], label[16], state[16];
} sample_t;

static void make_sample(sample_t *sample, const char *json)
{
    json_t *object = NULL;
    record_t *record = NULL;
    json_reading_t reading = {.own = "CR", .lang = "es"};
    fault_t fault = {0};
    assert_int_equal(json_parse(json, strlen(json), &object, &fault), ERR_OK);
    err_t err = record_from_json(object, &reading, &record, &fault);
    if (err)
        fail_msg("%s %s %s", err_name(err), fault.where, fault.detail);
    *sample = (sample_t){.view = ENLACE__V1__RECORD_VIEW__INIT,
                         .id = "CR:42",
                         .node = "CR",
                         .kind = "",
                         .key = "comite-cr",
                         .label = "TLP:GREEN",
                         .state = "standing"};
    snprintf(sample->kind, sizeof sample->kind, "%s", record_kind(record)->name);
    sample->bytes = record_encode(record);
    view_t *view = &sample->view;
    view->id = sample->id;
    view->node = sample->node;
    view->kind = sample->kind;
    view->key = sample->key;
    view->label = sample->label;
    view->state = sample->state;
    view->has_created_ms = view->has_changed_ms = view->has_revision = view->has_record = 1;
    view->created_ms = UINT64_C(1522920600007);
    view->changed_ms = UINT64_C(1522920660000);
    view->revision = 2;
    view->record = (ProtobufCBinaryData){sample->bytes.size, sample->bytes.data};
    json_decref(object);
    record_destroy(&record);
}

static const char committee[] =
    "{\"kind\": \"committee\", \"key\": \"comite-cr\", \"country\": \"CR\","
    " \"name\": {\"es\": \"Coalición Nacional\", \"en\": \"National Coalition\"},"
    " \"lead_institution\": {\"es\": \"Migración\"}, \"lead_sector\": \"MIGRATION\","
    " \"sectors\": [\"MIGRATION\", \"CSO\"], \"source\": \"004, p. 2\"}";

static void test_a_record_as_json_is_envelope_and_fields(void **state)
{
    (void)state;
    sample_t sample;
    record_t *record = NULL;
    make_sample(&sample, committee);
    assert_int_equal(view_record(&sample.view, &record, NULL), ERR_OK);
    json_t *object = view_to_json(&sample.view, record);
    json_t *expected = json_loads(
        "{\"id\": \"CR:42\", \"node\": \"CR\", \"kind\": \"committee\", \"key\": \"comite-cr\","
        " \"label\": \"TLP:GREEN\", \"state\": \"standing\","
        " \"created_at\": \"2018-04-05T09:30:00.007Z\","
        " \"changed_at\": \"2018-04-05T09:31:00.000Z\", \"revision\": 2, \"country\": \"CR\","
        " \"name\": {\"es\": \"Coalición Nacional\", \"en\": \"National Coalition\"},"
        " \"lead_institution\": {\"es\": \"Migración\"}, \"lead_sector\": \"MIGRATION\","
        " \"sectors\": [\"MIGRATION\", \"CSO\"], \"source\": \"004, p. 2\"}",
        0, NULL);
    assert_non_null(expected);
    assert_true(json_equal(object, expected));
    json_decref(expected);
    json_decref(object);
    record_destroy(&record);
    buf_free(&sample.bytes);
}

static void test_what_is_shown_as_json_can_be_put_back(void **state)
{
    (void)state;
    sample_t sample;
    record_t *record = NULL, *back = NULL;
    json_reading_t reading = {.own = "CR", .lang = "es"};
    fault_t fault = {0};
    make_sample(&sample, committee);
    assert_int_equal(view_record(&sample.view, &record, NULL), ERR_OK);
    json_t *object = view_to_json(&sample.view, record);
    err_t err = record_from_json(object, &reading, &back, &fault);
    if (err)
        fail_msg("%s %s %s", err_name(err), fault.where, fault.detail);
    json_decref(object);
    record_destroy(&record);
    record_destroy(&back);
    buf_free(&sample.bytes);
}

static char *shown(sample_t *sample, const char *lang)
{
    char *text = NULL;
    size_t size = 0;
    screen_t screen = {0};
    record_t *record = NULL;
    FILE *out = open_memstream(&text, &size);
    assert_int_equal(view_record(&sample->view, &record, NULL), ERR_OK);
    view_print(out, &screen, &sample->view, record, lang);
    fclose(out);
    record_destroy(&record);
    return text;
}

static void test_show_names_every_field_and_language(void **state)
{
    (void)state;
    sample_t sample;
    make_sample(&sample, committee);
    char *text = shown(&sample, "en");
    assert_string_equal(text, "id                     CR:42\n"
                              "node                   CR\n"
                              "kind                   committee\n"
                              "key                    comite-cr\n"
                              "label                  TLP:GREEN\n"
                              "state                  standing\n"
                              "created_at             2018-04-05T09:30:00.007Z\n"
                              "changed_at             2018-04-05T09:31:00.000Z\n"
                              "revision               2\n"
                              "country                CR\n"
                              "name (en)              National Coalition\n"
                              "name (es)              Coalición Nacional\n"
                              "lead_institution (es)  Migración\n"
                              "lead_sector            MIGRATION\n"
                              "sectors                MIGRATION; CSO\n"
                              "source                 004, p. 2\n");
    free(text);
    buf_free(&sample.bytes);
}

static void test_references_are_shown_as_resolved(void **state)
{
    (void)state;
    sample_t sample;
    make_sample(&sample, "{\"kind\": \"membership\", \"key\": \"m\", \"member\": \"@comite-cr\","
                         " \"coalition\": \"@CRM:coalicion-regional\", \"class\": \"MEMBER\"}");
    Enlace__V1__ResolvedRef member = ENLACE__V1__RESOLVED_REF__INIT;
    Enlace__V1__ResolvedRef coalition = ENLACE__V1__RESOLVED_REF__INIT;
    Enlace__V1__ResolvedRef *refs[] = {&member, &coalition};
    char member_field[] = "member", member_given[] = "@CR:comite-cr", id[] = "CR:1";
    char title[] = "Coalición Nacional", coalition_field[] = "coalition";
    char coalition_given[] = "@CRM:coalicion-regional", why[] = "not-yet-here";
    member.field = member_field;
    member.given = member_given;
    member.id = id;
    member.title = title;
    coalition.field = coalition_field;
    coalition.given = coalition_given;
    coalition.why = why;
    sample.view.n_refs = 2;
    sample.view.refs = refs;
    char *text = shown(&sample, NULL);
    assert_non_null(strstr(text, "member      @CR:comite-cr = CR:1: Coalición Nacional\n"));
    assert_non_null(strstr(text, "coalition   @CRM:coalicion-regional (not yet here)\n"));
    assert_non_null(strstr(text, "class       MEMBER\n"));
    free(text);
    buf_free(&sample.bytes);
}

static void test_lists_and_nested_fields_are_counted(void **state)
{
    (void)state;
    sample_t sample;
    make_sample(&sample, "{\"kind\": \"meeting\", \"key\": \"m\", \"ordinal\": 1,"
                         " \"title\": {\"es\": \"Reunión\"}, \"from\": \"2018-04\","
                         " \"agenda\": [{\"es\": \"Uno\"}, {\"es\": \"Dos\"}],"
                         " \"attendance\": [{\"organisation\": \"@org\", \"head_count\": 2}]}");
    char *text = shown(&sample, NULL);
    assert_non_null(strstr(text, "agenda.1 (es)              Uno\n"));
    assert_non_null(strstr(text, "agenda.2 (es)              Dos\n"));
    assert_non_null(strstr(text, "attendance.1.organisation  @CR:org\n"));
    assert_non_null(strstr(text, "attendance.1.head_count    2\n"));
    assert_non_null(strstr(text, "from                       2018-04\n"));
    free(text);
    buf_free(&sample.bytes);
}

static void test_what_cannot_be_read_is_shown_with_its_reason(void **state)
{
    (void)state;
    view_t view = ENLACE__V1__RECORD_VIEW__INIT;
    char id[] = "GT:3", note[] = "needs-newer-reader";
    char *text = NULL;
    size_t size = 0;
    screen_t screen = {0};
    view.id = id;
    view.note = note;
    FILE *out = open_memstream(&text, &size);
    view_print(out, &screen, &view, NULL, NULL);
    fclose(out);
    assert_string_equal(text,
                        "id    GT:3\n"
                        "note  needs-newer-reader: written by a newer version than this one\n");
    free(text);
}

static void test_csv_has_all_fields_of_the_kind(void **state)
{
    (void)state;
    sample_t sample;
    record_t *record = NULL;
    char *text = NULL;
    size_t size = 0;
    make_sample(&sample, committee);
    assert_int_equal(view_record(&sample.view, &record, NULL), ERR_OK);
    FILE *out = open_memstream(&text, &size);
    view_csv_head(out, kind_by_name("committee"));
    view_csv(out, kind_by_name("committee"), &sample.view, record, "es");
    fclose(out);
    assert_string_equal(text,
                        "id,node,kind,key,label,state,created_at,changed_at,revision,"
                        "country,name,lead_institution,lead_sector,sectors,legal_basis,since,"
                        "source,example,review_on,erase_after\r\n"
                        "CR:42,CR,committee,comite-cr,TLP:GREEN,standing,2018-04-05T09:30:00.007Z,"
                        "2018-04-05T09:31:00.000Z,2,CR,Coalición Nacional,Migración,MIGRATION,"
                        "MIGRATION; CSO,,,\"004, p. 2\",,,\r\n");
    free(text);
    record_destroy(&record);
    buf_free(&sample.bytes);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_object_is_one_line),
        cmocka_unit_test(test_json_commands_no_terminal_and_stays_the_same),
        cmocka_unit_test(test_csv_by_rfc_4180),
        cmocka_unit_test(test_control_messages_by_descriptor),
        cmocka_unit_test(test_a_record_as_json_is_envelope_and_fields),
        cmocka_unit_test(test_what_is_shown_as_json_can_be_put_back),
        cmocka_unit_test(test_show_names_every_field_and_language),
        cmocka_unit_test(test_references_are_shown_as_resolved),
        cmocka_unit_test(test_lists_and_nested_fields_are_counted),
        cmocka_unit_test(test_what_cannot_be_read_is_shown_with_its_reason),
        cmocka_unit_test(test_csv_has_all_fields_of_the_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
