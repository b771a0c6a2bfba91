#include "tests/unit/record_helpers.h"

#include "lib/commit.h"
#include "lib/fields.h"
#include "lib/text.h"

// ---- bytes ----

// Encoded by hand: key "k1", label "TLP:GREEN", example false, membership (35)
// { member @CR:comite-cr, class OBSERVER, from 2018-04 }.
static const uint8_t membership_bytes[] = {
    0x0a, 0x02, 'k',  '1',                                        // 1: key
    0x12, 0x09, 'T',  'L',  'P',  ':',  'G',  'R', 'E', 'E', 'N', // 2: label
    0x20, 0x00,                                                   // 4: example
    0x9a, 0x02, 0x1a,                                             // 35, 26 bytes
    0x0a, 0x0f, 0x0a, 0x02, 'C',  'R',                            // member: owner
    0x12, 0x09, 'c',  'o',  'm',  'i',  't',  'e', '-', 'c', 'r', // member: key
    0x18, 0x02,                                                   // class
    0x22, 0x05, 0x08, 0xe2, 0x0f, 0x10, 0x04,                     // from
};

static void test_bytes_are_those_of_the_schema(void **state)
{
    fault_t fault = {0};
    record_t *record = NULL;
    (void)state;
    assert_int_equal(
        record_decode(span_of(membership_bytes, sizeof membership_bytes), &record, &fault), ERR_OK);
    assert_string_equal(record_kind(record)->name, "membership");
    assert_json(record,
                "{'kind': 'membership', 'key': 'k1', 'label': 'TLP:GREEN', 'example': false,"
                " 'member': '@CR:comite-cr', 'class': 'OBSERVER', 'from': '2018-04'}");
    assert_int_equal(record_check(record, &fault), ERR_OK);
    buf_t again = record_encode(record);
    assert_bytes(again, span_of(membership_bytes, sizeof membership_bytes));
    buf_free(&again);
    record_destroy(&record);
    assert_null(record);
    record_destroy(&record);
}

static void test_every_prefix_is_refused_or_read(void **state)
{
    (void)state;
    for (size_t size = 0; size < sizeof membership_bytes; size++) {
        record_t *record = NULL;
        fault_t fault = {0};
        uint8_t *exact = malloc(size ? size : 1); // so that a read beyond it is seen
        memcpy(exact, membership_bytes, size);
        err_t err = record_decode(span_of(exact, size), &record, &fault);
        assert_int_equal(err == ERR_OK, record != NULL);
        // Whole fields only: after the key, the label, example.
        bool whole = size == 0 || size == 4 || size == 15 || size == 17;
        assert_int_equal(err == ERR_OK, whole);
        record_destroy(&record);
        free(exact);
    }
}

static void test_hostile_bytes(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        err_t err;
    } hostile[] = {
        {"\x0a\x01\x00", 3, ERR_NUL_IN_TEXT},
        {"\x0a\x01\xff", 3, ERR_BAD_UTF8},
        {"\x0a\x03\xed\xa0\x80", 5, ERR_BAD_UTF8},
        {"\x0a\x01\x61\x0a\x01\x62", 6, ERR_DUPLICATE_FIELD}, // key twice
        {"\x82\x02\x00\x8a\x02\x00", 6, ERR_DUPLICATE_FIELD}, // two kinds
        {"\x08\x01", 2, ERR_BAD_WIRE_TYPE},                   // key as a number
        {"\x20\x80\x00", 3, ERR_BAD_VARINT},                  // padded
        {"\x00\x00", 2, ERR_BAD_TAG},
        {"\x0a\x7f\x61", 3, ERR_TRUNCATED},
        {"\x0b\x0c", 2, ERR_BAD_WIRE_TYPE}, // a group
    };
    (void)state;
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        record_t *record = NULL;
        fault_t fault = {0};
        err_t err = record_decode(span_of(hostile[i].bytes, hostile[i].size), &record, &fault);
        char number[16];
        snprintf(number, sizeof number, "case %zu", i);
        assert_err_name(err, hostile[i].err, number);
        assert_null(record);
    }
}

static void test_too_big_to_decode(void **state)
{
    record_t *record = NULL;
    fault_t fault = {0};
    buf_t bytes = {0};
    (void)state;
    // An unknown field (tag 20, bytes) that takes the record one byte over the bound.
    uint8_t head[] = {0xa2, 0x01, 0xfc, 0xff, 0x03}; // 65532 bytes follow
    buf_append(&bytes, span_of(head, sizeof head));
    buf_extend(&bytes, PAYLOAD_BYTES_MAX + 1 - sizeof head);
    memset(bytes.data + sizeof head, 'x', bytes.size - sizeof head);
    assert_int_equal(record_decode(buf_span(&bytes), &record, &fault), ERR_TOO_BIG);
    bytes.size--;
    bytes.data[2] = 0xfb;
    assert_int_equal(record_decode(buf_span(&bytes), &record, &fault), ERR_OK);
    record_destroy(&record);
    buf_free(&bytes);
}

// 64 KiB of empty entries: a flood of pointers must not follow.
static void test_memory_is_bounded(void **state)
{
    record_t *record = NULL;
    fault_t fault = {0};
    buf_t bytes = {0};
    (void)state;
    // meeting (37) with 32000 empty agenda texts (field 9).
    uint8_t head[] = {0xaa, 0x02, 0x80, 0xf4, 0x03}; // 64000 bytes
    buf_append(&bytes, span_of(head, sizeof head));
    for (size_t i = 0; i < 32000; i++)
        buf_append(&bytes, span_of("\x4a\x00", 2));
    err_t err = record_decode(buf_span(&bytes), &record, &fault);
    assert_true(err == ERR_OVER_BUDGET || err == ERR_TOO_MANY);
    assert_null(record);
    buf_free(&bytes);
}

// A kind, fields and an enum value of a later version come back byte for byte.
static void test_what_is_unknown_survives(void **state)
{
    static const uint8_t later[] = {
        0x0a, 0x01, 'k',              // key
        0x92, 0x02, 0x06,             // committee is 33: this is 34, organisation
        0x28, 0x63,                   // sector 99
        0xf2, 0x3f, 0x01, 'z',        // field 1022, bytes
        0xa2, 0x01, 0x02, 'h',  'i',  // Record's field 20
        0xa2, 0x02, 0x02, 0x08, 0x01, // kind 36, not known here: two members in the
                                      // eyes of a later version, one field more to us
    };
    record_t *record = NULL;
    fault_t fault = {0};
    (void)state;
    assert_int_equal(record_decode(span_of(later, sizeof later), &record, &fault), ERR_OK);
    buf_t again = record_encode(record);
    assert_bytes(again, span_of(later, sizeof later));
    buf_free(&again);
    assert_int_equal(((Enlace__V1__Organisation *)record_body(record))->sector, 99);
    assert_int_equal(record_check(record, &fault), ERR_BAD_ENUM);
    assert_string_equal(fault.where, "sector");
    record_destroy(&record);
}

static void test_a_kind_unknown_here(void **state)
{
    static const uint8_t role[] = {0x0a, 0x01, 'k', 0xa2, 0x02, 0x02, 0x08, 0x01};
    record_t *record = NULL;
    fault_t fault = {0};
    ref_at_t *refs = NULL;
    (void)state;
    assert_int_equal(record_decode(span_of(role, sizeof role), &record, &fault), ERR_OK);
    assert_null(record_kind(record));
    assert_null(record_body(record));
    assert_string_equal(record_title(record, "es"), "");
    assert_int_equal(record_refs(record, &refs), 0);
    mem_free(refs);
    assert_int_equal(record_check(record, &fault), ERR_UNKNOWN_KIND);
    record_apply_defaults(record);
    assert_null(record->label);
    record_destroy(&record);
}

// ---- what an author must keep to ----

static void test_checks(void **state)
{
    static const struct {
        const char *json;
        err_t err;
        const char *where;
    } cases[] = {
        {"{'kind':'body','name':{'es':'OCAM'}}", ERR_OK, ""},
        {"{'kind':'body','key':'k','label':'TLP:RED','source':'004'}", ERR_EMPTY_RECORD, ""},
        {"{'kind':'body'}", ERR_EMPTY_RECORD, ""},
        {"{'kind':'body','key':'','contact':'x'}", ERR_BAD_VALUE, "key"},
        {"{'kind':'body','key':'K','contact':'x'}", ERR_BAD_VALUE, "key"},
        {"{'kind':'body','key':'a:b','contact':'x'}", ERR_BAD_VALUE, "key"},
        {"{'kind':'body','key':'-a','contact':'x'}", ERR_BAD_VALUE, "key"},
        {"{'kind':'body','key':'a b','contact':'x'}", ERR_BAD_VALUE, "key"},
        {"{'kind':'body','key':'a.b_c-9','contact':'x'}", ERR_OK, ""},
        {"{'kind':'body','label':'RED','contact':'x'}", ERR_BAD_LABEL, "label"},
        {"{'kind':'body','contact':'x','review_on':{'year':2018,'month':13}}", ERR_BAD_DATE,
         "review_on"},
        {"{'kind':'body','contact':'x','erase_after':{}}", ERR_BAD_DATE, "erase_after"},
        {"{'kind':'body','name':{}}", ERR_BAD_VALUE, "name"},
        {"{'kind':'body','name':{'es':''}}", ERR_BAD_VALUE, "name"},
        {"{'kind':'body','name':{'entries':[{'lang':'ES','text':'x'}]}}", ERR_BAD_LANGUAGE, "name"},
        {"{'kind':'body','name':{'entries':[{'text':'x'}]}}", ERR_BAD_LANGUAGE, "name"},
        {"{'kind':'body','name':{'entries':[{'lang':'es','text':'x'},{'lang':'en','text':'y'}]}}",
         ERR_BAD_VALUE, "name"},
        {"{'kind':'body','name':{'entries':[{'lang':'es','text':'x'},{'lang':'es','text':'y'}]}}",
         ERR_BAD_VALUE, "name"},
        {"{'kind':'committee','country':'GT'}", ERR_OK, ""},
        {"{'kind':'committee','country':'gt'}", ERR_BAD_COUNTRY, "country"},
        {"{'kind':'committee','country':'INTERNATIONAL'}", ERR_BAD_COUNTRY, "country"},
        {"{'kind':'instrument','country':'INTERNATIONAL'}", ERR_OK, ""},
        {"{'kind':'instrument','country':'CR'}", ERR_OK, ""},
        {"{'kind':'instrument','country':'XX'}", ERR_BAD_COUNTRY, "country"},
        {"{'kind':'project','countries':['CR','ZZ']}", ERR_BAD_COUNTRY, "countries.2"},
        {"{'kind':'document','lang':'es-CO'}", ERR_OK, ""},
        {"{'kind':'document','lang':'Spanish'}", ERR_BAD_LANGUAGE, "lang"},
        {"{'kind':'project','budget':{'amount_minor':1}}", ERR_BAD_MONEY, "budget"},
        {"{'kind':'project','budget':{'currency':'EUR'}}", ERR_BAD_MONEY, "budget"},
        {"{'kind':'project','budget':{}}", ERR_BAD_MONEY, "budget"},
        {"{'kind':'project','budget':{'amount_minor':1,'currency':'eur'}}", ERR_BAD_MONEY,
         "budget"},
        {"{'kind':'project','budget':{'amount_minor':-1,'currency':'EUR'}}", ERR_OK, ""},
        {"{'kind':'project','budget':{'amount_minor':9007199254740991,'currency':'EUR'}}", ERR_OK,
         ""},
        {"{'kind':'project','budget':{'amount_minor':'9007199254740992','currency':'EUR'}}",
         ERR_NUMBER_RANGE, "budget"},
        {"{'kind':'document','size':'9007199254740992'}", ERR_NUMBER_RANGE, "size"},
        {"{'kind':'project','status':'6'}", ERR_OK, ""},
        {"{'kind':'project','status':'7'}", ERR_BAD_VALUE, "status"},
        {"{'kind':'project','status':{'scheme':'iati-activity-status','version':'3','code':'7'}}",
         ERR_OK, ""},
        {"{'kind':'project','status':{'scheme':'other','code':'whatever'}}", ERR_OK, ""},
        {"{'kind':'project','status':{'code':'2'}}", ERR_BAD_VALUE, "status"},
        {"{'kind':'project','status':{'scheme':'other'}}", ERR_BAD_VALUE, "status"},
        {"{'kind':'project','status':{'scheme':'Other One','code':'2'}}", ERR_BAD_VALUE, "status"},
        {"{'kind':'project','status':''}", ERR_BAD_VALUE, "status"},
        {"{'kind':'organisation','city_code':'11001'}", ERR_OK, ""},
        {"{'kind':'organisation','city_code':'1101'}", ERR_BAD_VALUE, "city_code"},
        {"{'kind':'organisation','services':['Legal','Magic']}", ERR_BAD_VALUE, "services.2"},
        {"{'kind':'project','participants':[{'name':'UE','role':'1'},{'role':'9'}]}", ERR_BAD_VALUE,
         "participants.2.role"},
        {"{'kind':'project','participants':[{}]}", ERR_BAD_VALUE, "participants.1"},
        {"{'kind':'membership','class':9}", ERR_BAD_ENUM, "class"},
        {"{'kind':'training','professions':['JUDGE',77]}", ERR_BAD_ENUM, "professions.2"},
        {"{'kind':'membership','member':{'owner':'CR'}}", ERR_BAD_REF, "member"},
        {"{'kind':'membership','member':{'key':'x'}}", ERR_BAD_REF, "member"},
        {"{'kind':'membership','member':{'owner':'cr','key':'x'}}", ERR_BAD_REF, "member"},
        {"{'kind':'membership','member':{'owner':'CR','key':'x','number':2}}", ERR_BAD_REF,
         "member"},
        {"{'kind':'membership','member':{'owner':'CR','number':2}}", ERR_BAD_REF, "member"},
        {"{'kind':'membership','member':{'owner':'CR','epoch':1,'lane':1,'number':2}}", ERR_OK, ""},
        {"{'kind':'membership','member':{'owner':'CR','epoch':1,'lane':1,'number':0}}", ERR_BAD_REF,
         "member"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fault_t fault = {0};
        record_t *record = good_record(cases[i].json);
        assert_err_name(record_check(record, &fault), cases[i].err, cases[i].json);
        if (cases[i].err != ERR_OK)
            assert_string_equal(fault.where, cases[i].where);
        record_destroy(&record);
    }
}

static void test_lengths_are_checked(void **state)
{
    fault_t fault = {0};
    record_t *record = good_record("{'kind':'body','contact':'x'}");
    Enlace__V1__Body *body = (Enlace__V1__Body *)record_body(record);
    (void)state;
    char *text = mem_alloc(RECORD_STRING_MAX + 2);
    memset(text, 'a', RECORD_STRING_MAX);
    mem_free(body->contact);
    body->contact = text;
    assert_int_equal(record_check(record, &fault), ERR_OK);
    text[RECORD_STRING_MAX] = 'a';
    assert_int_equal(record_check(record, &fault), ERR_TOO_BIG);
    assert_string_equal(fault.where, "contact");
    text[1] = '\xff';
    text[RECORD_STRING_MAX] = '\0';
    assert_int_equal(record_check(record, &fault), ERR_BAD_UTF8);
    record_destroy(&record);

    char key[RECORD_KEY_MAX + 2];
    memset(key, 'k', sizeof key - 1);
    key[RECORD_KEY_MAX + 1] = '\0';
    assert_false(record_key_valid(key));
    key[RECORD_KEY_MAX] = '\0';
    assert_true(record_key_valid(key));
}

static void test_lists_are_bounded(void **state)
{
    fault_t fault = {0};
    record_t *record =
        good_record("{'kind':'meeting','hosts':['a'],'attendance':[{'head_count':1}]}");
    ProtobufCMessage *body = record_body(record);
    (void)state;
    const ProtobufCFieldDescriptor *hosts = field_named(body->descriptor, "hosts", 5);
    const ProtobufCFieldDescriptor *attendance = field_named(body->descriptor, "attendance", 10);
    while (field_count(body, hosts) < RECORD_LIST_MAX)
        *(char **)field_add(body, hosts) = mem_copy_string("b");
    assert_int_equal(record_check(record, &fault), ERR_OK);
    *(char **)field_add(body, hosts) = mem_copy_string("c");
    assert_int_equal(record_check(record, &fault), ERR_TOO_MANY);
    assert_string_equal(fault.where, "hosts.1001");
    field_remove(body, hosts, 500);
    assert_string_equal(*(char **)field_value(body, hosts, 999), "c");
    assert_int_equal(record_check(record, &fault), ERR_OK);
    while (field_count(body, attendance) <= RECORD_LIST_MAX) {
        Enlace__V1__Meeting__Attendance *entry =
            *(Enlace__V1__Meeting__Attendance **)field_add(body, attendance);
        entry->has_head_count = 1;
    }
    assert_int_equal(record_check(record, &fault), ERR_TOO_MANY);
    assert_string_equal(fault.where, "attendance.1001");
    record_destroy(&record);
}

// The largest that passes the check decodes; one byte more is refused.
static void test_a_record_fits_its_payload(void **state)
{
    fault_t fault = {0};
    record_t *record = good_record("{'kind':'meeting','hosts':[]}");
    ProtobufCMessage *body = record_body(record);
    const ProtobufCFieldDescriptor *hosts = field_named(body->descriptor, "hosts", 5);
    char host[RECORD_STRING_MAX + 1];
    (void)state;
    memset(host, 'h', sizeof host);
    host[RECORD_STRING_MAX] = '\0';
    for (int i = 0; i < 3; i++)
        *(char **)field_add(body, hosts) = mem_copy_string(host);
    // Three entries of 1 + 3 + 16384 bytes; the fourth, of 1 + 2 and what is left
    // beside them and the kind's own 2 + 3.
    size_t left = PAYLOAD_BYTES_MAX - 3 * (RECORD_STRING_MAX + 4) - 3 - 5;
    host[left] = '\0';
    *(char **)field_add(body, hosts) = mem_copy_string(host);
    buf_t bytes = record_encode(record);
    assert_int_equal(bytes.size, PAYLOAD_BYTES_MAX);
    buf_free(&bytes);
    assert_int_equal(record_check(record, &fault), ERR_OK);
    host[left] = 'h';
    host[left + 1] = '\0';
    *(char **)field_renew(body, hosts, 3) = mem_copy_string(host);
    assert_int_equal(record_check(record, &fault), ERR_TOO_BIG);
    record_destroy(&record);
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
        "",        "@",     "@:",
        "@:key",   "@GT:",  "@gt:key",
        "@GT:Key", "@Key",  "@GT:a:b",
        "@a b",    "@GT:ñ", "GT",
        "GT:",     "GT:0",  "GT:-1",
        "GT:+1",   "GT:01", "gt:1",
        "GT:1 ",   " GT:1", "GT.0:1",
        "GT:1x",   "@-key", "GT:18446744073709551616",
        "comite",  "@@key", "@ABCDEFGHIJKLMNOPQ:key",
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
        cmocka_unit_test(test_bytes_are_those_of_the_schema),
        cmocka_unit_test(test_every_prefix_is_refused_or_read),
        cmocka_unit_test(test_hostile_bytes),
        cmocka_unit_test(test_too_big_to_decode),
        cmocka_unit_test(test_memory_is_bounded),
        cmocka_unit_test(test_what_is_unknown_survives),
        cmocka_unit_test(test_a_kind_unknown_here),
        cmocka_unit_test(test_checks),
        cmocka_unit_test(test_lengths_are_checked),
        cmocka_unit_test(test_lists_are_bounded),
        cmocka_unit_test(test_a_record_fits_its_payload),
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
