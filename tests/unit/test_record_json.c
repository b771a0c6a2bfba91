#include "tests/unit/record_helpers.h"
#include "tests/unit/record_random.h"

#include "enlace/v1/link.pb-c.h"
#include "lib/commit.h"
#include "lib/fields.h"
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

static void test_any_record_comes_back(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 600; seed++) {
        record_t *record = random_record(kind_at(seed % kind_count()), seed);
        fault_t fault = {0};
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

// What JSON does not take back: value 0 of an enum, a record of no kind at all.
static bool is_exception(const record_t *record)
{
    json_t *json = record_to_json(record);
    record_t *again = NULL;
    fault_t fault = {0};
    err_t err = record_from_json(json, &reading_cr, &again, &fault);
    bool kindless = !record_body(record) && record->base.n_unknown_fields == 0;
    record_destroy(&again);
    json_decref(json);
    assert_int_equal(err == ERR_MISSING_FIELD, kindless);
    return err == ERR_MISSING_FIELD || err == ERR_BAD_ENUM;
}

// Damaged bytes are refused, or are a record like any other.
static void test_damaged_bytes(void **state)
{
    size_t read = 0, refused = 0;
    (void)state;
    for (uint64_t seed = 0; seed < 3000; seed++) {
        dice_t dice = {seed};
        record_t *record = random_record(kind_at(seed % kind_count()), seed), *damaged = NULL;
        fault_t fault = {0};
        buf_t bytes = record_encode(record);
        for (size_t i = below(&dice, 3) + 1; i > 0 && bytes.size > 0; i--)
            bytes.data[below(&dice, bytes.size)] = (uint8_t)roll(&dice);
        err_t err = record_decode(buf_span(&bytes), &damaged, &fault);
        assert_int_equal(err == ERR_OK, damaged != NULL);
        if (damaged && !is_exception(damaged))
            assert_returns(damaged);
        *(damaged ? &read : &refused) += 1;
        record_destroy(&damaged);
        record_destroy(&record);
        buf_free(&bytes);
    }
    // Both ways were tried, and often.
    assert_true(read > 300 && refused > 300);
}

// ---- by itself ----

// A body with a name of so many letters.
static buf_t encoded_body(size_t letters)
{
    char *name = mem_alloc(letters + 1);
    memset(name, 'a', letters);
    json_t *object = json_pack("{s:s, s:s, s:s}", "kind", "body", "key", "x", "name", name);
    buf_t encoded = record_encode_json(object, "es");
    json_decref(object);
    mem_free(name);
    return encoded;
}

// What is longer than any payload may be is left to whoever can say why it is refused.
static void test_what_no_payload_holds_is_not_encoded(void **state)
{
    record_glance_t glance;
    buf_t fits = encoded_body(10), too_long = encoded_body(PAYLOAD_BYTES_MAX);
    (void)state;
    assert_int_equal(record_glance(buf_span(&fits), &glance), ERR_OK);
    assert_true(glance.kind > 0);
    assert_int_equal(too_long.size, 0);
    assert_null(too_long.data);
    buf_free(&fits);
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
        cmocka_unit_test(test_owner_of_a_bare_key),
        cmocka_unit_test(test_bytes_as_base64),
        cmocka_unit_test(test_any_record_comes_back),
        cmocka_unit_test(test_damaged_bytes),
        cmocka_unit_test(test_what_no_payload_holds_is_not_encoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
