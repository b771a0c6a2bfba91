#include "tests/unit/record_helpers.h"

// ---- what is refused, and where ----

static const struct {
    const char *json;
    err_t err;
    const char *where;
} refusals[] = {
    {"{}", ERR_MISSING_FIELD, "kind"},
    {"{'kind':7}", ERR_WRONG_TYPE, "kind"},
    {"{'kind':'nothing'}", ERR_UNKNOWN_KIND, "kind"},
    {"{'kind':'role'}", ERR_UNKNOWN_KIND, "kind"},
    {"{'key':'k'}", ERR_MISSING_FIELD, "kind"},
    {"{'_unknown':[]}", ERR_MISSING_FIELD, "kind"},
    {"{'_unknown':[{'tag':100,'wire':2,'data':''}]}", ERR_MISSING_FIELD, "kind"},
    {"{'_unknown':[{'tag':36,'wire':2,'data':'','record':true},{'tag':100,'wire':2,'data':''}]}",
     ERR_MISSING_FIELD, "kind"},
    {"{'contact':'x','_unknown':[]}", ERR_UNKNOWN_FIELD, "contact"},
    {"{'kind':'body','colour':'red'}", ERR_UNKNOWN_FIELD, "colour"},
    {"{'kind':'body','Contact':'x'}", ERR_UNKNOWN_FIELD, "Contact"},
    {"{'kind':'body','':'x'}", ERR_UNKNOWN_FIELD, ""},
    {"{'kind':'body','coalition':{}}", ERR_UNKNOWN_FIELD, "coalition"},
    {"{'kind':'body','class_':1}", ERR_UNKNOWN_FIELD, "class_"},
    {"{'kind':'meeting','attendance':[{'head_count':1},{'people':1}]}", ERR_UNKNOWN_FIELD,
     "attendance.2.people"},
    {"{'kind':'body','contact':null}", ERR_WRONG_TYPE, "contact"},
    {"{'kind':'body','contact':7}", ERR_WRONG_TYPE, "contact"},
    {"{'kind':'body','contact':['x']}", ERR_WRONG_TYPE, "contact"},
    {"{'kind':'body','name':7}", ERR_WRONG_TYPE, "name"},
    {"{'kind':'body','name':['x']}", ERR_WRONG_TYPE, "name"},
    {"{'kind':'body','name':{'es':7}}", ERR_WRONG_TYPE, "name.es"},
    {"{'kind':'body','name':{'ES':'x'}}", ERR_BAD_LANGUAGE, "name.ES"},
    {"{'kind':'body','name':{'':'x'}}", ERR_BAD_LANGUAGE, "name."},
    {"{'kind':'body','name':{'entries':'x'}}", ERR_BAD_LANGUAGE, "name.entries"},
    {"{'kind':'body','name':{'entries':[{'lang':'es','txt':'x'}]}}", ERR_UNKNOWN_FIELD,
     "name.entries.1.txt"},
    {"{'kind':'meeting','hosts':'x'}", ERR_WRONG_TYPE, "hosts"},
    {"{'kind':'meeting','hosts':['x',7]}", ERR_WRONG_TYPE, "hosts.2"},
    {"{'kind':'meeting','hosts':{'1':'x'}}", ERR_WRONG_TYPE, "hosts"},
    {"{'kind':'meeting','attendance':[7]}", ERR_WRONG_TYPE, "attendance.1"},
    {"{'kind':'meeting','ordinal':'2'}", ERR_WRONG_TYPE, "ordinal"},
    {"{'kind':'meeting','ordinal':2.0}", ERR_WRONG_TYPE, "ordinal"},
    {"{'kind':'meeting','ordinal':true}", ERR_WRONG_TYPE, "ordinal"},
    {"{'kind':'meeting','ordinal':-1}", ERR_NUMBER_RANGE, "ordinal"},
    {"{'kind':'meeting','ordinal':4294967296}", ERR_NUMBER_RANGE, "ordinal"},
    {"{'kind':'meeting','ordinal':'9007199254740992'}", ERR_NUMBER_RANGE, "ordinal"},
    {"{'kind':'meeting','attendance':[{'head_count':-2}]}", ERR_NUMBER_RANGE,
     "attendance.1.head_count"},
    {"{'kind':'document','size':9007199254740992}", ERR_NUMBER_RANGE, "size"},
    {"{'kind':'document','size':-9007199254740992}", ERR_NUMBER_RANGE, "size"},
    {"{'kind':'document','size':9223372036854775808}", ERR_NUMBER_RANGE, ""}, // jansson's
    {"{'kind':'document','size':'7'}", ERR_WRONG_TYPE, "size"},
    {"{'kind':'document','size':'9007199254740991'}", ERR_WRONG_TYPE, "size"},
    {"{'kind':'document','size':'09007199254740992'}", ERR_WRONG_TYPE, "size"},
    {"{'kind':'document','size':'-9007199254740992'}", ERR_NUMBER_RANGE, "size"},
    {"{'kind':'document','size':'18446744073709551616'}", ERR_NUMBER_RANGE, "size"},
    {"{'kind':'document','size':'99999999999999999999999999'}", ERR_NUMBER_RANGE, "size"},
    {"{'kind':'project','budget':{'amount_minor':'9223372036854775808'}}", ERR_NUMBER_RANGE,
     "budget.amount_minor"},
    {"{'kind':'project','budget':'11 EUR'}", ERR_WRONG_TYPE, "budget"},
    {"{'kind':'project','budget':{'amount':1}}", ERR_UNKNOWN_FIELD, "budget.amount"},
    {"{'kind':'coalition','binding':'false'}", ERR_WRONG_TYPE, "binding"},
    {"{'kind':'coalition','binding':0}", ERR_WRONG_TYPE, "binding"},
    {"{'kind':'membership','class':'MEMBERS'}", ERR_BAD_ENUM, "class"},
    {"{'kind':'membership','class':'member'}", ERR_BAD_ENUM, "class"},
    {"{'kind':'membership','class':'MEMBERSHIP_CLASS_MEMBER'}", ERR_BAD_ENUM, "class"},
    {"{'kind':'membership','class':'UNSPECIFIED'}", ERR_BAD_ENUM, "class"},
    {"{'kind':'membership','class':0}", ERR_BAD_ENUM, "class"},
    {"{'kind':'membership','class':2}", ERR_BAD_ENUM, "class"},
    {"{'kind':'membership','class':2147483648}", ERR_BAD_ENUM, "class"},
    {"{'kind':'membership','class':1.5}", ERR_BAD_ENUM, "class"},
    {"{'kind':'membership','class':''}", ERR_BAD_ENUM, "class"},
    {"{'kind':'training','professions':['JUDGE','CLOWN']}", ERR_BAD_ENUM, "professions.2"},
    {"{'kind':'membership','from':'2018-02-30'}", ERR_BAD_DATE, "from"},
    {"{'kind':'membership','from':'yesterday'}", ERR_BAD_DATE, "from"},
    {"{'kind':'membership','from':2018}", ERR_WRONG_TYPE, "from"},
    {"{'kind':'membership','from':{'year':-1}}", ERR_NUMBER_RANGE, "from.year"},
    {"{'kind':'membership','member':'comite-cr'}", ERR_BAD_REF, "member"},
    {"{'kind':'membership','member':7}", ERR_WRONG_TYPE, "member"},
    {"{'kind':'membership','member':{'node':'CR'}}", ERR_UNKNOWN_FIELD, "member.node"},
    {"{'kind':'agreement','responsible':['@a','b']}", ERR_BAD_REF, "responsible.2"},
    {"{'kind':'project','status':2}", ERR_WRONG_TYPE, "status"},
    {"{'kind':'project','status':{'scheme':7}}", ERR_WRONG_TYPE, "status.scheme"},
    {"{'kind':'body','_unknown':7}", ERR_WRONG_TYPE, "_unknown"},
    {"{'kind':'body','name':{'_unknown':7}}", ERR_WRONG_TYPE, "name._unknown"},
};

static void test_refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        record_t *record = NULL;
        fault_t fault = {0};
        err_t err = read_record(refusals[i].json, &record, &fault);
        assert_err_name(err, refusals[i].err, refusals[i].json);
        if (strcmp(fault.where, refusals[i].where) != 0)
            fail_msg("%s: at %s instead of %s", refusals[i].json, fault.where, refusals[i].where);
        assert_null(record);
    }
}

static void test_refusals_say_what_can_be(void **state)
{
    record_t *record = NULL;
    fault_t fault = {0};
    (void)state;
    read_record("{'kind':'membership','class':'MEMBERS'}", &record, &fault);
    assert_string_equal(fault.detail, "one of MEMBER, OBSERVER, SUPPORT_AGENCY");
    read_record("{'kind':'nothing'}", &record, &fault);
    assert_string_equal(fault.detail, "nothing");
}

static void test_long_texts_and_lists(void **state)
{
    record_t *record = NULL;
    fault_t fault = {0};
    (void)state;
    char *text = mem_alloc(RECORD_STRING_MAX + 2);
    memset(text, 'a', RECORD_STRING_MAX + 1);
    char *json = mem_format("{'kind':'body','name':{'es':'%s'}}", text);
    assert_int_equal(read_record(json, &record, &fault), ERR_TOO_BIG);
    assert_string_equal(fault.where, "name.es");
    mem_free(json);
    text[RECORD_STRING_MAX] = '\0';
    json = mem_format("{'kind':'body','name':{'es':'%s'}}", text);
    assert_int_equal(read_record(json, &record, &fault), ERR_OK);
    record_destroy(&record);
    mem_free(json);
    mem_free(text);

    char list[4 * (RECORD_LIST_MAX + 1) + 1] = "";
    for (size_t i = 0; i <= RECORD_LIST_MAX; i++)
        snprintf(list + 4 * i, 5, "%s", i < RECORD_LIST_MAX ? "'h'," : "'h'");
    json = mem_format("{'kind':'meeting','hosts':[%s]}", list);
    assert_int_equal(read_record(json, &record, &fault), ERR_TOO_MANY);
    assert_string_equal(fault.where, "hosts");
    mem_free(json);
    json = mem_format("{'kind':'meeting','hosts':[%s]}", list + 4);
    assert_int_equal(read_record(json, &record, &fault), ERR_OK);
    record_destroy(&record);
    mem_free(json);
}

// A path that is longer than there is room for ends with a whole character.
static void test_long_names(void **state)
{
    record_t *record = NULL;
    fault_t fault = {0};
    char name[301] = "", want[96] = "attendance.1.";
    (void)state;
    for (size_t i = 0; i < 100; i++)
        memcpy(name + 3 * i, "\xe2\x82\xac", 4); // the euro sign
    // 13 bytes, then as many signs of 3 as fit into 95.
    for (size_t i = 0; i < 27; i++)
        memcpy(want + 13 + 3 * i, "\xe2\x82\xac", 4);
    char *json = mem_format("{'kind':'meeting','attendance':[{'%s':1}]}", name);
    assert_int_equal(read_record(json, &record, &fault), ERR_UNKNOWN_FIELD);
    assert_string_equal(fault.where, want);
    mem_free(json);
    // Full, and further in.
    json = mem_format("{'kind':'body','name':{'%s':'x'}}", name);
    assert_int_equal(read_record(json, &record, &fault), ERR_BAD_LANGUAGE);
    assert_int_equal(strlen(fault.where), 5 + 90);
    mem_free(json);
    json = mem_format("{'kind':'body','name':{'entries':[],'%.95s':[{'x':1}]}}", name);
    assert_int_equal(read_record(json, &record, &fault), ERR_BAD_UTF8); // cut in a character
    mem_free(json);
}

// ---- parsing ----

static void test_json_refused(void **state)
{
// NOLINTNEXTLINE(bugprone-macro-parentheses): two initialisers
#define BYTES(text) text, sizeof(text) - 1
    static const struct {
        const char *text;
        size_t size;
        err_t err;
        const char *where;
    } cases[] = {
        {BYTES(""), ERR_BAD_JSON, ""},
        {BYTES("   "), ERR_BAD_JSON, ""},
        {BYTES("{"), ERR_BAD_JSON, ""},
        {BYTES("{\"a\":1}}"), ERR_BAD_JSON, ""},
        {BYTES("{\"a\":1} {\"a\":1}"), ERR_BAD_JSON, ""},
        {BYTES("{\"a\":1,}"), ERR_BAD_JSON, ""},
        {BYTES("{'a':1}"), ERR_BAD_JSON, ""},
        {BYTES("{\"a\":NaN}"), ERR_BAD_JSON, ""},
        {BYTES("{\"a\":Infinity}"), ERR_BAD_JSON, ""},
        {BYTES("{\"a\":01}"), ERR_BAD_JSON, ""},
        {BYTES("{\"a\":+1}"), ERR_BAD_JSON, ""},
        {BYTES("{\"a\":1e999}"), ERR_NUMBER_RANGE, ""},
        {BYTES("{\"a\":9223372036854775808}"), ERR_NUMBER_RANGE, ""},
        {BYTES("\xef\xbb\xbf{}"), ERR_BAD_JSON, ""},
        {BYTES("[]"), ERR_WRONG_TYPE, ""},
        {BYTES("7"), ERR_BAD_JSON, ""},
        {BYTES("\"kind\""), ERR_BAD_JSON, ""},
        {BYTES("null"), ERR_BAD_JSON, ""},
        {BYTES("{\"a\":\"\\u0000\"}"), ERR_NUL_IN_TEXT, ""},
        {BYTES("{\"a\\u0000b\":1}"), ERR_NUL_IN_TEXT, ""},
        {BYTES("{\"a\":\"b\0c\"}"), ERR_BAD_JSON, ""},
        {BYTES("{\"a\":\"b\nc\"}"), ERR_BAD_JSON, ""},
        {BYTES("{\"a\":\"\xff\"}"), ERR_BAD_UTF8, ""},
        {BYTES("{\"a\":\"\xc0\xaf\"}"), ERR_BAD_UTF8, ""},
        {BYTES("{\"a\":\"\xed\xa0\x80\"}"), ERR_BAD_UTF8, ""},
        {BYTES("{\"a\":\"\\ud800\"}"), ERR_BAD_JSON, ""},
        {BYTES("{\"a\":1,\"b\":2,\"a\":1}"), ERR_DUPLICATE_NAME, "a"},
        {BYTES("{\"a\":[{\"lead_sector\":1,\"lead_sector\":2}]}"), ERR_DUPLICATE_NAME,
         "lead_sector"},
        {BYTES("{\"kind\":\"body\",\"k\\u0069nd\":\"body\"}"), ERR_DUPLICATE_NAME, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *object = (json_t *)&object;
        fault_t fault = {0};
        assert_err_name(json_parse(cases[i].text, cases[i].size, &object, &fault), cases[i].err,
                        cases[i].text);
        assert_null(object);
        if (cases[i].where)
            assert_string_equal(fault.where, cases[i].where);
    }
}

static void test_json_bounds(void **state)
{
    json_t *json = NULL;
    fault_t fault = {0};
    char deep[64] = "";
    (void)state;
    memset(deep, '[', JSON_DEPTH_MAX);
    memset(deep + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
    assert_int_equal(json_parse_value(deep, strlen(deep), &json, &fault), ERR_OK);
    json_decref(json);
    memset(deep, '[', JSON_DEPTH_MAX + 1);
    memset(deep + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
    assert_int_equal(json_parse_value(deep, strlen(deep), &json, &fault), ERR_TOO_DEEP);
    // Brackets within a text are none.
    static const char text[] = "{\"a\":\"[[[[[[[[[[[[[[[[[[[[ \\\" {{{{{{{{{{{{{{{{{{\"}";
    assert_int_equal(json_parse(text, strlen(text), &json, &fault), ERR_OK);
    json_decref(json);

    size_t size = JSON_BYTES_MAX;
    char *big = mem_alloc(size + 1);
    memset(big, ' ', size + 1);
    big[0] = '{';
    big[size - 1] = '}';
    assert_int_equal(json_parse(big, size, &json, &fault), ERR_OK);
    json_decref(json);
    assert_int_equal(json_parse(big, size + 1, &json, &fault), ERR_TOO_BIG);
    for (size_t i = 1; i + 3 < size; i += 3)
        big[i] = '[', big[i + 1] = ']', big[i + 2] = ',';
    big[0] = '[';
    assert_int_equal(json_parse_value(big, size, &json, &fault), ERR_TOO_MANY);
    mem_free(big);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_refusals_say_what_can_be),
        cmocka_unit_test(test_long_texts_and_lists),
        cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_json_refused),
        cmocka_unit_test(test_json_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
