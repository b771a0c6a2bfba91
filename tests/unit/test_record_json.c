#include "tests/unit/record_helpers.h"

#include "enlace/v1/link.pb-c.h"
#include "lib/bounded.h"
#include "lib/fields.h"
#include "lib/text.h"
#include "lib/value.h"

#define EXAMPLE "deploy/examples/regional-coalition.jsonl"

// ---- there and back ----

static record_t *from_object(const json_t *object)
{
    record_t *record = NULL;
    fault_t fault = {0};
    err_t err = record_from_json(object, &reading_cr, &record, &fault);
    if (err != ERR_OK) {
        char *text = json_dumps(object, 0);
        fail_msg("%s at %s (%s) in %s", err_name(err), fault.where, fault.detail, text);
    }
    return record;
}

// Through printed JSON, so that what jansson does to it counts too.
static void assert_returns(const record_t *record)
{
    json_t *json = record_to_json(record), *parsed = NULL;
    char *text = json_dumps(json, 0);
    fault_t fault = {0};
    assert_non_null(text);
    err_t err = json_parse(text, strlen(text), &parsed, &fault);
    if (err != ERR_OK)
        fail_msg("%s (%s) in %s", err_name(err), fault.detail, text);
    record_t *again = from_object(parsed);
    buf_t before = record_encode(record), after = record_encode(again);
    if (before.size != after.size || memcmp(before.data, after.data, before.size) != 0)
        fail_msg("does not come back the same: %s", text);
    buf_free(&before);
    buf_free(&after);
    record_destroy(&again);
    json_decref(json);
    json_decref(parsed);
    free(text);
}

// What the file says is what the record says: every name but the envelope's,
// with references completed and texts as objects.
static void assert_same_member(const char *name, const json_t *want, const json_t *got)
{
    const char *text = json_is_string(want) ? json_string_value(want) : "";
    if (text[0] == '@') {
        char *full = mem_format("@CR:%s", text + 1);
        assert_string_equal(json_string_value(got), full);
        mem_free(full);
        return;
    }
    if (!json_equal(want, got))
        fail_msg("%s differs", name);
}

static void test_the_example_data_comes_back(void **state)
{
    char *line = NULL;
    size_t capacity = 0, lines = 0;
    FILE *file = fopen(EXAMPLE, "r");
    (void)state;
    if (!file)
        fail_msg("%s: run this from the root of the project", EXAMPLE);
    for (ssize_t size; (size = getline(&line, &capacity, file)) > 0; lines++) {
        json_t *object = NULL;
        fault_t fault = {0};
        assert_int_equal(json_parse(line, (size_t)size, &object, &fault), ERR_OK);
        record_t *record = from_object(object);
        assert_err_name(record_check(record, &fault), ERR_OK, line);
        json_t *got = record_to_json(record);
        for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
            const char *name = json_object_iter_key(at);
            if (strcmp(name, "node") != 0)
                assert_same_member(name, json_object_iter_value(at), json_object_get(got, name));
        }
        assert_int_equal(json_object_size(got), json_object_size(object) - 1);
        assert_returns(record);
        json_decref(got);
        json_decref(object);
        record_destroy(&record);
    }
    assert_int_equal(lines, 27);
    free(line);
    fclose(file);
}

static void test_every_type_comes_back(void **state)
{
    static const char *const records[] = {
        "{'kind':'project','key':'glo-act','label':'TLP:AMBER+STRICT','source':'001','example':"
        "true,"
        " 'review_on':'2019','erase_after':'2030-12-31','title':{'en':'GLO.ACT','es':'Acción'},"
        " 'acronym':'','status':'2','from':'2015','to':'2019-07',"
        " 'budget':{'amount_minor':1100000000,'currency':'EUR'},"
        " 'participants':[{'name':'European Union','role':'1'},{'organisation':'@GT:oim',"
        " 'role':{'scheme':'iati-organisation-role','version':'2.03','code':'4'}},{}],"
        " 'countries':['BY','CO'],'objectives':[{'es':'uno'},{},{'en':'two','pt-BR':'dois'}]}",
        "{'kind':'organisation','type':'NGO','iati_type':{'scheme':'x','code':'10'},"
        " 'city_code':'05001','services':['Legal',{'scheme':'other','code':'z'}]}",
        "{'kind':'training','professions':['JUDGE','POLICE',200,-3],'participants':0,"
        " 'organisers':['']}",
        "{'kind':'coalition','binding':false,'objectives':[]}",
        "{'kind':'document','size':9007199254740991,'title':{}}",
        "{'kind':'membership','class':77,'member':'CR/65535:9007199254740992'}",
        "{'kind':'meeting','attendance':[{'organisation':'@x','head_count':4294967295}]}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
        record_t *record = good_record(records[i]);
        assert_returns(record);
        record_destroy(&record);
    }
}

static void test_short_and_plain_forms(void **state)
{
    static const struct {
        const char *given, *printed;
    } forms[] = {
        // A text alone is in the reader's language.
        {"{'kind':'body','name':'OCAM'}", "{'kind':'body','name':{'es':'OCAM'}}"},
        {"{'kind':'coalition','objectives':['a',{'en':'b'}]}",
         "{'kind':'coalition','objectives':[{'es':'a'},{'en':'b'}]}"},
        // A code of the default scheme and no version is bare, however it was given.
        {"{'kind':'project','status':{'scheme':'iati-activity-status','code':'2'}}",
         "{'kind':'project','status':'2'}"},
        {"{'kind':'project','status':{'scheme':'iati-activity-status','code':'2','version':'1'}}",
         "{'kind':'project','status':{'scheme':'iati-activity-status','code':'2','version':'1'}}"},
        // Dates and references as objects, where the text says the same.
        {"{'kind':'body','contact':'x','review_on':{'year':2018,'month':4}}",
         "{'kind':'body','contact':'x','review_on':'2018-04'}"},
        {"{'kind':'membership','member':{'owner':'CR','epoch':1,'lane':1,'number':4}}",
         "{'kind':'membership','member':'CR:4'}"},
        {"{'kind':'body','name':{'entries':[{'lang':'en','text':'a'},{'lang':'es','text':'b'}]}}",
         "{'kind':'body','name':{'en':'a','es':'b'}}"},
        // What the short form would not say stays as it is.
        {"{'kind':'body','contact':'x','review_on':{'year':2018,'month':13}}",
         "{'kind':'body','contact':'x','review_on':{'year':2018,'month':13}}"},
        {"{'kind':'membership','member':{'owner':'CR','number':4}}",
         "{'kind':'membership','member':{'owner':'CR','number':4}}"},
        {"{'kind':'body','name':{'entries':[{'lang':'es','text':'a'},{'lang':'es','text':'b'}]}}",
         "{'kind':'body','name':{'entries':[{'lang':'es','text':'a'},{'lang':'es','text':'b'}]}}"},
        // The envelope's names are passed over.
        {"{'id':'CR:4','node':7,'kind':'body','state':null,'created_at':[],'changed_at':{},"
         "'revision':1,'contact':'x'}",
         "{'kind':'body','contact':'x'}"},
        // A list replaces; an empty one is none.
        {"{'kind':'meeting','hosts':[]}", "{'kind':'meeting'}"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        record_t *record = good_record(forms[i].given);
        assert_json(record, forms[i].printed);
        assert_returns(record);
        record_destroy(&record);
    }
}

static void test_integers_beyond_json_are_texts(void **state)
{
    record_t *record =
        good_record("{'kind':'project','budget':{'amount_minor':'-9223372036854775808'}}");
    Enlace__V1__Project *project = (Enlace__V1__Project *)record_body(record);
    (void)state;
    assert_true(project->budget->amount_minor == INT64_MIN);
    assert_json(record, "{'kind':'project','budget':{'amount_minor':'-9223372036854775808'}}");
    assert_returns(record);
    project->budget->amount_minor = -JSON_INTEGER_MAX;
    assert_json(record, "{'kind':'project','budget':{'amount_minor':-9007199254740991}}");
    project->budget->amount_minor = JSON_INTEGER_MAX + 1;
    assert_json(record, "{'kind':'project','budget':{'amount_minor':'9007199254740992'}}");
    assert_returns(record);
    record_destroy(&record);
    record = good_record("{'kind':'document','size':'18446744073709551615'}");
    assert_true(((Enlace__V1__Document *)record_body(record))->size == UINT64_MAX);
    assert_returns(record);
    record_destroy(&record);
}

// ---- fields that this version does not know ----

static void test_unknown_fields_by_hand(void **state)
{
    // body (55) { contact "x", 100: varint 300, 101: bytes "hi" }, then Record's
    // 20: 32 bits, 21: 64 bits, 22: empty bytes.
    static const uint8_t bytes[] = {
        0xba, 0x03, 0x0c, 0x12, 0x01, 'x', 0xa0, 0x06, 0xac, 0x02, 0xaa, 0x06,
        0x02, 'h',  'i',  0xa5, 0x01, 1,   2,    3,    4,    0xa9, 0x01, 1,
        2,    3,    4,    5,    6,    7,   8,    0xb2, 0x01, 0x00,
    };
    record_t *record = NULL;
    fault_t fault = {0};
    (void)state;
    assert_int_equal(record_decode(span_of(bytes, sizeof bytes), &record, &fault), ERR_OK);
    assert_json(record, "{'kind':'body','contact':'x','_unknown':["
                        "{'tag':20,'wire':5,'data':'AQIDBA==','record':true},"
                        "{'tag':21,'wire':1,'data':'AQIDBAUGBwg=','record':true},"
                        "{'tag':22,'wire':2,'data':'','record':true},"
                        "{'tag':100,'wire':0,'data':'rAI='},"
                        "{'tag':101,'wire':2,'data':'aGk='}]}");
    buf_t again = record_encode(record);
    assert_bytes(again, span_of(bytes, sizeof bytes));
    buf_free(&again);
    assert_returns(record);
    record_destroy(&record);
}

static void test_unknown_kind_in_json(void **state)
{
    record_t *record = good_record("{'key':'k','_unknown':[{'tag':36,'wire':2,'data':'CAE=',"
                                   "'record':true}]}");
    static const uint8_t role[] = {0x0a, 0x01, 'k', 0xa2, 0x02, 0x02, 0x08, 0x01};
    (void)state;
    assert_null(record_kind(record));
    buf_t bytes = record_encode(record);
    assert_bytes(bytes, span_of(role, sizeof role));
    buf_free(&bytes);
    assert_returns(record);
    record_destroy(&record);
}

static void test_unknown_fields_in_nested_objects(void **state)
{
    record_t *record = good_record(
        "{'kind':'project','budget':{'currency':'EUR','_unknown':[{'tag':9,'wire':0,'data':'AQ=='}]"
        "},"
        " 'title':{'entries':[{'lang':'es','text':'a','_unknown':[{'tag':3,'wire':2,'data':''}]}]},"
        " 'from':{'year':2018,'_unknown':[{'tag':4,'wire':0,'data':'AA=='}]},"
        " 'status':{'scheme':'iati-activity-status','code':'2',"
        "           '_unknown':[{'tag':4,'wire':5,'data':'AAAAAA=='}]},"
        " 'participants':[{'organisation':{'owner':'CR','key':'k',"
        "           '_unknown':[{'tag':6,'wire':0,'data':'Bw=='}]}}]}");
    (void)state;
    assert_json(
        record,
        "{'kind':'project','budget':{'currency':'EUR','_unknown':[{'tag':9,'wire':0,'data':'AQ=='}]"
        "},"
        " 'title':{'entries':[{'lang':'es','text':'a','_unknown':[{'tag':3,'wire':2,'data':''}]}]},"
        " 'from':{'year':2018,'_unknown':[{'tag':4,'wire':0,'data':'AA=='}]},"
        " 'status':{'scheme':'iati-activity-status','code':'2',"
        "           '_unknown':[{'tag':4,'wire':5,'data':'AAAAAA=='}]},"
        " 'participants':[{'organisation':{'owner':'CR','key':'k',"
        "           '_unknown':[{'tag':6,'wire':0,'data':'Bw=='}]}}]}");
    assert_returns(record);
    record_destroy(&record);
}

// Whatever stands in "data" is one value and cannot bring further fields along.
static void test_hostile_unknown_fields(void **state)
{
    static const struct {
        const char *entry;
        err_t err;
    } hostile[] = {
        {"{'tag':100,'wire':0,'data':'AAA='}", ERR_BAD_VALUE},             // two varints
        {"{'tag':100,'wire':0,'data':''}", ERR_BAD_VALUE},                 // none
        {"{'tag':100,'wire':0,'data':'gAA='}", ERR_BAD_VALUE},             // padded
        {"{'tag':100,'wire':0,'data':'gA=='}", ERR_BAD_VALUE},             // does not end
        {"{'tag':100,'wire':0,'data':'/////////////wE='}", ERR_BAD_VALUE}, // 11 bytes
        {"{'tag':100,'wire':0,'data':'////////////Ag=='}", ERR_BAD_VALUE}, // over 64 bits
        {"{'tag':100,'wire':1,'data':'AAAAAA=='}", ERR_BAD_VALUE},
        {"{'tag':100,'wire':5,'data':'AAAAAAA='}", ERR_BAD_VALUE},
        {"{'tag':100,'wire':3,'data':''}", ERR_BAD_VALUE},
        {"{'tag':100,'wire':4,'data':''}", ERR_BAD_VALUE},
        {"{'tag':100,'wire':7,'data':''}", ERR_BAD_VALUE},
        {"{'tag':100,'wire':-1,'data':''}", ERR_BAD_VALUE},
        {"{'tag':100,'wire':4294967298,'data':''}", ERR_BAD_VALUE},
        {"{'tag':0,'wire':2,'data':''}", ERR_BAD_VALUE},
        {"{'tag':-1,'wire':2,'data':''}", ERR_BAD_VALUE},
        {"{'tag':536870912,'wire':2,'data':''}", ERR_BAD_VALUE},
        {"{'tag':4294967297,'wire':2,'data':''}", ERR_BAD_VALUE},
        {"{'tag':1,'wire':2,'data':''}", ERR_BAD_VALUE},                // known: name
        {"{'tag':1,'wire':2,'data':'','record':true}", ERR_BAD_VALUE},  // known: key
        {"{'tag':32,'wire':2,'data':'','record':true}", ERR_BAD_VALUE}, // known: a kind
        {"{'tag':100,'wire':2,'data':'','record':false}", ERR_WRONG_TYPE},
        {"{'tag':100,'wire':2,'data':'','more':1}", ERR_BAD_VALUE},
        {"{'tag':100,'wire':2}", ERR_BAD_VALUE},
        {"{'tag':'100','wire':2,'data':''}", ERR_BAD_VALUE},
        {"{'tag':100,'wire':2,'data':'A'}", ERR_BAD_VALUE},
        {"{'tag':100,'wire':2,'data':'AA'}", ERR_BAD_VALUE},
        {"{'tag':100,'wire':2,'data':'A A='}", ERR_BAD_VALUE},
        {"{'tag':100,'wire':2,'data':'AB=='}", ERR_BAD_VALUE}, // bits behind the last byte
        {"{'tag':100,'wire':2,'data':7}", ERR_BAD_VALUE},
        {"7", ERR_WRONG_TYPE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        record_t *record = NULL;
        fault_t fault = {0};
        char *text = mem_format("{'kind':'body','contact':'x','_unknown':[%s]}", hostile[i].entry);
        assert_err_name(read_record(text, &record, &fault), hostile[i].err, text);
        assert_string_equal(fault.where, "_unknown.1");
        assert_null(record);
        mem_free(text);
    }
}

// ---- what is refused, and where ----

static void test_refusals(void **state)
{
    static const struct {
        const char *json;
        err_t err;
        const char *where;
    } cases[] = {
        {"{}", ERR_MISSING_FIELD, "kind"},
        {"{'kind':7}", ERR_WRONG_TYPE, "kind"},
        {"{'kind':'nothing'}", ERR_UNKNOWN_KIND, "kind"},
        {"{'kind':'role'}", ERR_UNKNOWN_KIND, "kind"},
        {"{'key':'k'}", ERR_MISSING_FIELD, "kind"},
        {"{'_unknown':[]}", ERR_MISSING_FIELD, "kind"},
        {"{'_unknown':[{'tag':100,'wire':2,'data':''}]}", ERR_MISSING_FIELD, "kind"},
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
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        record_t *record = NULL;
        fault_t fault = {0};
        err_t err = read_record(cases[i].json, &record, &fault);
        assert_err_name(err, cases[i].err, cases[i].json);
        if (strcmp(fault.where, cases[i].where) != 0)
            fail_msg("%s: at %s instead of %s", cases[i].json, fault.where, cases[i].where);
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

    char list[4 * (RECORD_LIST_MAX + 1)] = "";
    for (size_t i = 0; i <= RECORD_LIST_MAX; i++)
        memcpy(list + 4 * i, i < RECORD_LIST_MAX ? "'h'," : "'h'", 4);
    json = mem_format("{'kind':'meeting','hosts':[%s]}", list);
    assert_int_equal(read_record(json, &record, &fault), ERR_TOO_MANY);
    assert_string_equal(fault.where, "hosts");
    mem_free(json);
    json = mem_format("{'kind':'meeting','hosts':[%s]}", list + 4);
    assert_int_equal(read_record(json, &record, &fault), ERR_OK);
    record_destroy(&record);
    mem_free(json);
}

// ---- parsing ----

static void test_json_refused(void **state)
{
#define BYTES(text) text, sizeof text - 1
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
        memcpy(big + i, "[],", 3);
    big[0] = '[';
    assert_int_equal(json_parse_value(big, size, &json, &fault), ERR_TOO_MANY);
    mem_free(big);
}

// ---- whose a bare @key is ----

static const char *owner_in_file(void *context, const char *key, fault_t *fault)
{
    int *asked = context;
    ++*asked;
    if (strcmp(key, "twice") == 0)
        fault_set(fault, ERR_AMBIGUOUS_KEY, "", "two nodes have this key");
    return strcmp(key, "theirs") == 0 ? "GT" : NULL;
}

static void test_owner_of_a_bare_key(void **state)
{
    int asked = 0;
    json_reading_t reading = {"CR", "es", owner_in_file, &asked};
    json_t *object = json_pack("{s:s, s:[s,s,s,s]}", "kind", "agreement", "responsible", "@theirs",
                               "@mine", "@HN:other", "CR:4");
    record_t *record = NULL;
    fault_t fault = {0};
    (void)state;
    assert_int_equal(record_from_json(object, &reading, &record, &fault), ERR_OK);
    assert_json(record, "{'kind':'agreement',"
                        "'responsible':['@GT:theirs','@CR:mine','@HN:other','CR:4']}");
    assert_int_equal(asked, 2);
    record_destroy(&record);
    json_decref(object);
    object = json_pack("{s:s, s:s}", "kind", "agreement", "meeting", "@twice");
    assert_int_equal(record_from_json(object, &reading, &record, &fault), ERR_AMBIGUOUS_KEY);
    assert_string_equal(fault.where, "meeting");
    assert_string_equal(fault.detail, "two nodes have this key");
    json_decref(object);
}

// ---- bytes, which no record has yet ----

static void test_bytes_as_base64(void **state)
{
    ProtobufCMessage *message = message_new(&enlace__v1__card_number__descriptor);
    Enlace__V1__CardNumber *card = (Enlace__V1__CardNumber *)message;
    site_t site = {.kind = "", .reading = &reading_cr};
    fault_t fault = {0};
    json_t *given = json_pack("{s:s, s:i}", "origin", "AP8Q", "number", 7), *wrong = NULL;
    (void)state;
    assert_int_equal(message_from_json(given, &site, message, &fault), ERR_OK);
    assert_int_equal(card->origin.len, 3);
    assert_memory_equal(card->origin.data, "\x00\xff\x10", 3);
    json_t *written = message_to_json(message, &site);
    assert_true(json_equal(given, written));
    wrong = json_pack("{s:s}", "origin", "AP8Q=");
    assert_int_equal(message_from_json(wrong, &site, message, &fault), ERR_WRONG_TYPE);
    assert_string_equal(fault.where, "origin");
    json_decref(given);
    json_decref(written);
    json_decref(wrong);
    message_free(message);
}

// ---- any record whatever: built at random, it comes back the same ----

typedef struct {
    uint64_t state;
} dice_t;

// splitmix64: the seed alone says what is built.
static uint64_t roll(dice_t *dice)
{
    uint64_t z = dice->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static size_t below(dice_t *dice, size_t count)
{
    return (size_t)(roll(dice) % count);
}

static char *random_text(dice_t *dice)
{
    static const char *const texts[] = {"",
                                        "es",
                                        "en",
                                        "CR",
                                        "@CR:key",
                                        "2018-04",
                                        "EUR",
                                        "ñandú 😀",
                                        "es-CO",
                                        "iati-activity-status",
                                        "entries",
                                        "_unknown",
                                        "htcds-services",
                                        "a\"b\\c\n\x01",
                                        "ES",
                                        "key"};
    return mem_copy_string(texts[below(dice, sizeof texts / sizeof *texts)]);
}

static uint64_t random_number(dice_t *dice)
{
    static const uint64_t edges[] = {0,
                                     1,
                                     2,
                                     12,
                                     31,
                                     2018,
                                     UINT32_MAX,
                                     UINT64_C(9007199254740991),
                                     UINT64_C(9007199254740992),
                                     INT64_MAX,
                                     UINT64_C(1) << 63,
                                     UINT64_MAX};
    return edges[below(dice, sizeof edges / sizeof *edges)];
}

static void fill(ProtobufCMessage *message, dice_t *dice);

static void fill_value(const ProtobufCFieldDescriptor *field, void *value, dice_t *dice)
{
    uint64_t number = random_number(dice);
    if (field->type == PROTOBUF_C_TYPE_STRING)
        *(char **)value = random_text(dice);
    else if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        fill(*(ProtobufCMessage **)value, dice);
    else if (field->type == PROTOBUF_C_TYPE_BOOL)
        *(protobuf_c_boolean *)value = number & 1;
    else if (field->type == PROTOBUF_C_TYPE_ENUM)
        *(int *)value = (int)below(dice, 40) + 1;
    else if (field->type == PROTOBUF_C_TYPE_UINT32)
        *(uint32_t *)value = (uint32_t)number;
    else
        *(uint64_t *)value = number;
}

static void add_unknown(ProtobufCMessage *message, dice_t *dice)
{
    static const struct {
        const char *data;
        ProtobufCWireType wire;
    } forms[] = {{"BQ==", PROTOBUF_C_WIRE_TYPE_VARINT},
                 {"////////////AQ==", PROTOBUF_C_WIRE_TYPE_VARINT},
                 {"AAECAwQFBgc=", PROTOBUF_C_WIRE_TYPE_64BIT},
                 {"AAECAw==", PROTOBUF_C_WIRE_TYPE_32BIT},
                 {"", PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED},
                 {"CAE=", PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED}};
    size_t form = below(dice, sizeof forms / sizeof *forms), taken = 0;
    site_t site = {.kind = ""};
    fault_t fault = {0};
    json_t *array = json_pack("[{s:i, s:i, s:s}]", "tag", 1000 + (int)below(dice, 9), "wire",
                              (int)forms[form].wire, "data", forms[form].data);
    assert_int_equal(unknown_from_json(array, false, &site, message, &taken, &fault), ERR_OK);
    assert_int_equal(taken, 1);
    json_decref(array);
}

static void fill(ProtobufCMessage *message, dice_t *dice)
{
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        if (field_in_oneof(field) || below(dice, 3) == 0)
            continue;
        size_t count = field_is_list(field) ? below(dice, 4) : 1;
        for (size_t j = 0; j < count; j++)
            fill_value(field, field_add(message, field), dice);
    }
    if (below(dice, 8) == 0)
        add_unknown(message, dice);
}

static void test_any_record_comes_back(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 600; seed++) {
        dice_t dice = {seed};
        record_t *record = record_new(kind_at(seed % kind_count()));
        fault_t fault = {0};
        fill(&record->base, &dice);
        fill(record_body(record), &dice);
        assert_returns(record);
        // And whatever it is, nothing that looks at it falls over.
        record_check(record, &fault);
        record_title(record, "es");
        ref_at_t *refs = NULL;
        record_refs(record, &refs);
        mem_free(refs);
        record_destroy(&record);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_example_data_comes_back),
        cmocka_unit_test(test_every_type_comes_back),
        cmocka_unit_test(test_short_and_plain_forms),
        cmocka_unit_test(test_integers_beyond_json_are_texts),
        cmocka_unit_test(test_unknown_fields_by_hand),
        cmocka_unit_test(test_unknown_kind_in_json),
        cmocka_unit_test(test_unknown_fields_in_nested_objects),
        cmocka_unit_test(test_hostile_unknown_fields),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_refusals_say_what_can_be),
        cmocka_unit_test(test_long_texts_and_lists),
        cmocka_unit_test(test_json_refused),
        cmocka_unit_test(test_json_bounds),
        cmocka_unit_test(test_owner_of_a_bare_key),
        cmocka_unit_test(test_bytes_as_base64),
        cmocka_unit_test(test_any_record_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
