#include "tests/unit/record_helpers.h"

#include "lib/commit.h"
#include "lib/fields.h"

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

static const struct {
    const char *json;
    err_t err;
    const char *where;
} checks[] = {
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
    {"{'kind':'project','budget':{'amount_minor':1,'currency':'eur'}}", ERR_BAD_MONEY, "budget"},
    {"{'kind':'project','budget':{'amount_minor':-1,'currency':'EUR'}}", ERR_OK, ""},
    {"{'kind':'project','budget':{'amount_minor':9007199254740991,'currency':'EUR'}}", ERR_OK, ""},
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
    {"{'kind':'membership','member':{'owner':'CR','key':'x','number':2}}", ERR_BAD_REF, "member"},
    {"{'kind':'membership','member':{'owner':'CR','number':2}}", ERR_BAD_REF, "member"},
    {"{'kind':'membership','member':{'owner':'CR','epoch':1,'lane':1,'number':2}}", ERR_OK, ""},
    {"{'kind':'membership','member':{'owner':'CR','epoch':1,'lane':1,'number':0}}", ERR_BAD_REF,
     "member"},
};

static void test_checks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        fault_t fault = {0};
        record_t *record = good_record(checks[i].json);
        assert_err_name(record_check(record, &fault), checks[i].err, checks[i].json);
        if (checks[i].err != ERR_OK)
            assert_string_equal(fault.where, checks[i].where);
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
