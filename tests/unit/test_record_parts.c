#include "tests/unit/record_helpers.h"

#include "lib/fields.h"
#include "lib/text.h"
#include "lib/wire.h"

// ---- at a glance ----

static span_t glance_bytes(const char *json, buf_t *bytes)
{
    record_t *record = good_record(json);
    *bytes = record_encode(record);
    record_destroy(&record);
    return buf_span(bytes);
}

static void test_a_glance_sees_what_is_there(void **state)
{
    record_glance_t glance;
    buf_t bytes;
    (void)state;
    span_t whole = glance_bytes("{'kind':'body','key':'k','label':'TLP:RED','example':true,"
                                "'name':{'es':'S'}}",
                                &bytes);
    assert_int_equal(record_glance(whole, &glance), ERR_OK);
    assert_int_equal(glance.kind, kind_by_name("body")->tag);
    assert_true(span_equal(glance.key, span_text("k")));
    assert_true(span_equal(glance.label, span_text("TLP:RED")));
    assert_true(glance.example && glance.plain);
    // Cut short anywhere it is refused, or was cut between two fields.
    for (size_t size = 0; size < whole.size; size++) {
        record_t *record = NULL;
        buf_t part = buf_copy(span_of(whole.data, size));
        assert_int_equal(record_glance(buf_span(&part), &glance),
                         record_decode(buf_span(&part), &record, NULL));
        record_destroy(&record);
        buf_free(&part);
    }
    buf_free(&bytes);
    whole = glance_bytes("{'kind':'membership','member':'@AA:a'}", &bytes);
    assert_int_equal(record_glance(whole, &glance), ERR_OK);
    assert_false(glance.plain || glance.example);
    assert_null(glance.key.data);
    assert_null(glance.label.data);
    buf_free(&bytes);
}

// A list of 300 entries may be more than unpacking allows: that is not for a glance.
static void test_much_is_not_plain(void **state)
{
    record_glance_t glance;
    buf_t body = {0}, bytes = {0};
    (void)state;
    for (size_t i = 0; i < 300; i++)
        buf_append(&body, span_of((const uint8_t[]){0xfa, 0x3f, 0x00}, 3)); // unknown field 1023
    wire_append(&bytes, kind_by_name("body")->tag, buf_span(&body));
    assert_int_equal(record_glance(buf_span(&bytes), &glance), ERR_OK);
    assert_false(glance.plain);
    buf_free(&body);
    buf_free(&bytes);
}

static void look_at_sizes(const ProtobufCMessageDescriptor *type)
{
    assert_true(type->sizeof_message < 4096);
    for (unsigned i = 0; i < type->n_fields; i++)
        if (type->fields[i].type == PROTOBUF_C_TYPE_MESSAGE)
            look_at_sizes(type->fields[i].descriptor);
}

static void test_messages_are_small(void **state)
{
    (void)state;
    look_at_sizes(&enlace__v1__record__descriptor);
}

// ---- defaults, titles ----

static void test_defaults(void **state)
{
    record_t *record = record_new(kind_by_name("agreement"));
    (void)state;
    assert_non_null(record_body(record));
    assert_null(record->label);
    record_apply_defaults(record);
    assert_string_equal(record->label, "TLP:GREEN");
    mem_free(record->label);
    record->label = mem_copy_string("TLP:RED");
    record_apply_defaults(record);
    assert_string_equal(record->label, "TLP:RED");
    record_destroy(&record);
}

static void test_every_kind_can_be_made(void **state)
{
    (void)state;
    for (size_t i = 0; i < kind_count(); i++) {
        record_t *record = record_new(kind_at(i));
        assert_ptr_equal(record_kind(record), kind_at(i));
        assert_ptr_equal(record_body(record)->descriptor, kind_at(i)->type);
        assert_string_equal(record_title(record, "es"), "");
        buf_t bytes = record_encode(record);
        // Two bytes of tag, one of length 0.
        assert_int_equal(bytes.size, 3);
        buf_free(&bytes);
        record_destroy(&record);
    }
}

static void test_titles(void **state)
{
    static const struct {
        const char *json, *lang, *title;
    } cases[] = {
        {"{'kind':'body','name':{'es':'S','en':'E','pt':'P'}}", "pt", "P"},
        {"{'kind':'body','name':{'es':'S','en':'E'}}", "pt", "S"},
        {"{'kind':'body','name':{'en':'E','pt':'P'}}", "kek", "E"},
        {"{'kind':'body','name':{'kek':'K','pt':'P'}}", "es", "K"},
        {"{'kind':'body','name':{'es':'S','pt':'P'}}", "pt-BR", "P"},
        {"{'kind':'body','name':{'es-CO':'S','en':'E'}}", "es", "S"},
        {"{'kind':'body','name':{'est':'no','en':'E'}}", "es", "E"},
        {"{'kind':'body','name':{'es':'','en':'E'}}", "es", "E"},
        {"{'kind':'body','name':{'es':'S','en':'E'}}", NULL, "S"},
        {"{'kind':'body','name':{}}", "es", ""},
        {"{'kind':'body','contact':'x'}", "es", ""},
        {"{'kind':'agreement','text':{'es':'Crear'}}", "en", "Crear"},
        {"{'kind':'training','title':{'es':'Seminario'}}", "es", "Seminario"},
        {"{'kind':'membership','class':'MEMBER'}", "es", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        record_t *record = good_record(cases[i].json);
        assert_string_equal(record_title(record, cases[i].lang), cases[i].title);
        record_destroy(&record);
    }
}

// ---- references ----

static void test_references_are_found_in_order(void **state)
{
    static const struct {
        const char *path, *field, *text;
    } want[] = {
        {"coalition", "coalition", "@CRM:coalicion-regional"},
        {"attendance.1.organisation", "attendance.organisation", "@CR:uno"},
        {"attendance.3.organisation", "attendance.organisation", "@CR:dos"},
        {"with.1", "with", "@CRM:ocam"},
        {"with.2", "with", "CR.2/3:7"},
        {"minutes", "minutes", "CR:42"},
    };
    record_t *record = good_record(
        "{'kind':'meeting','minutes':'CR:42','with':['@CRM:ocam','CR.2/3:7'],"
        " 'attendance':[{'organisation':'@uno'},{'head_count':2},{'organisation':'@dos'}],"
        " 'coalition':'@CRM:coalicion-regional'}");
    ref_at_t *refs = NULL;
    size_t count = record_refs(record, &refs);
    (void)state;
    assert_int_equal(count, sizeof want / sizeof *want);
    for (size_t i = 0; i < count; i++) {
        char *text = ref_format(refs[i].ref);
        assert_string_equal(refs[i].path, want[i].path);
        assert_string_equal(refs[i].field, want[i].field);
        assert_string_equal(text, want[i].text);
        mem_free(text);
    }
    // They are the record's own: changed there, changed in it.
    mem_free(refs[0].ref->owner);
    refs[0].ref->owner = mem_copy_string("GT");
    mem_free(refs);
    char *text = ref_format(((Enlace__V1__Meeting *)record_body(record))->coalition);
    assert_string_equal(text, "@GT:coalicion-regional");
    mem_free(text);
    record_destroy(&record);
}

static void test_references_as_text(void **state)
{
    static const struct {
        const char *text, *own, *formatted;
    } good[] = {
        {"@comite", "CR", "@CR:comite"},    {"@GT:comite", "CR", "@GT:comite"},
        {"@GT:comite", NULL, "@GT:comite"}, {"@CO-BOG:a.b_c-1", "CR", "@CO-BOG:a.b_c-1"},
        {"CR:42", "GT", "CR:42"},           {"CR.2:42", NULL, "CR.2:42"},
        {"CR/3:7", NULL, "CR/3:7"},         {"CR.2/3:7", NULL, "CR.2/3:7"},
    };
    static const char *const bad[] = {
        "",
        "@",
        "@:",
        "@:key",
        "@GT:",
        "@gt:key",
        "@GT:Key",
        "@Key",
        "@GT:a:b",
        "@a b",
        "@GT:ñ",
        "GT",
        "GT:",
        "GT:0",
        "GT:-1",
        "GT:+1",
        "GT:01",
        "gt:1",
        "GT:1 ",
        " GT:1",
        "GT.0:1",
        "GT:1x",
        "@-key",
        "GT:18446744073709551616",
        "comite",
        "@@key",
        "@ABCDEFGHIJKLMNOPQ:key",
        "@ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMNOPQRSTUVWXYZ:key",
    };
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        Enlace__V1__Ref *ref = (Enlace__V1__Ref *)message_new(&enlace__v1__ref__descriptor);
        assert_err_name(ref_parse(good[i].text, good[i].own, ref), ERR_OK, good[i].text);
        char *text = ref_format(ref);
        assert_string_equal(text, good[i].formatted);
        mem_free(text);
        message_free(&ref->base);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Enlace__V1__Ref *ref = (Enlace__V1__Ref *)message_new(&enlace__v1__ref__descriptor);
        assert_err_name(ref_parse(bad[i], "CR", ref), ERR_BAD_REF, bad[i]);
        assert_true(message_is_empty(&ref->base));
        message_free(&ref->base);
    }
    Enlace__V1__Ref nobody = ENLACE__V1__REF__INIT;
    assert_int_equal(ref_parse("@key", NULL, &nobody), ERR_BAD_REF);
}

// What others may have written must be printable, whatever is missing.
static void test_odd_references_have_a_text(void **state)
{
    char long_owner[300];
    char *text = NULL;
    (void)state;
    Enlace__V1__Ref ref = ENLACE__V1__REF__INIT;
    text = ref_format(&ref);
    assert_string_equal(text, "");
    mem_free(text);
    ref.has_number = 1;
    ref.number = UINT64_MAX;
    text = ref_format(&ref);
    assert_string_equal(text, ":18446744073709551615");
    mem_free(text);
    memset(long_owner, 'A', sizeof long_owner - 1);
    long_owner[sizeof long_owner - 1] = '\0';
    ref.owner = long_owner;
    text = ref_format(&ref);
    assert_int_equal(strlen(text), 299 + 21);
    mem_free(text);
    ref.owner = NULL;
    ref.key = "k";
    text = ref_format(&ref);
    assert_string_equal(text, "@k");
    mem_free(text);
}

static void test_fields_by_name(void **state)
{
    record_t *record = record_new(kind_by_name("body"));
    ProtobufCMessage *holder = NULL;
    (void)state;
    assert_string_equal(record_field(record, "source", 6, &holder)->name, "source");
    assert_ptr_equal(holder, &record->base);
    assert_string_equal(record_field(record, "contact", 7, &holder)->name, "contact");
    assert_ptr_equal(holder, record_body(record));
    assert_null(record_field(record, "conta", 5, NULL));
    assert_null(record_field(record, "body", 4, NULL)); // the member of the oneof
    assert_null(record_field(record, "coalition", 9, NULL));
    assert_null(record_field(record, "", 0, NULL));
    record_destroy(&record);
}

static void test_texts_stay_sorted(void **state)
{
    Enlace__V1__Text *text = (Enlace__V1__Text *)message_new(&enlace__v1__text__descriptor);
    (void)state;
    text_set(text, "pt", "P");
    text_set(text, "en", "E");
    text_set(text, "es", "S");
    text_set(text, "en", "E2");
    assert_int_equal(text->n_entries, 3);
    assert_string_equal(text->entries[0]->lang, "en");
    assert_string_equal(text->entries[0]->text, "E2");
    assert_string_equal(text->entries[1]->lang, "es");
    assert_string_equal(text->entries[2]->lang, "pt");
    assert_true(text_canonical(text));
    text_set(text, "es", text->entries[1]->text); // from within itself
    assert_string_equal(text_in(text, "es"), "S");
    text_drop(text, "es");
    assert_null(text_in(text, "es"));
    assert_int_equal(text->n_entries, 2);
    text_drop(text, "xx");
    assert_int_equal(text->n_entries, 2);
    message_free(&text->base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_glance_sees_what_is_there),
        cmocka_unit_test(test_much_is_not_plain),
        cmocka_unit_test(test_messages_are_small),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_every_kind_can_be_made),
        cmocka_unit_test(test_titles),
        cmocka_unit_test(test_references_are_found_in_order),
        cmocka_unit_test(test_references_as_text),
        cmocka_unit_test(test_odd_references_have_a_text),
        cmocka_unit_test(test_fields_by_name),
        cmocka_unit_test(test_texts_stay_sorted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
