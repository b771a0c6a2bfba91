// JSON that people write: one object, as a line of an import or `put --json` has it,
// and any value, as behind FIELD:=.
#include <stdlib.h>

#include "lib/record_json.h"
#include "tests/fuzz/check_record.h"
#include "tests/fuzz/fuzz.h"

static const char *owner_of_key(void *context, const char *key, fault_t *fault)
{
    (void)context;
    if (key[0] == 'a')
        return "GT";
    if (key[0] == 'b')
        fault_set(fault, ERR_AMBIGUOUS_KEY, "", "more than one node has @%s", key);
    return NULL;
}

static void read_record(const json_t *object, const json_reading_t *reading)
{
    record_t *record = NULL;
    fault_t fault = {0};
    err_t err = record_from_json(object, reading, &record, &fault);
    fuzz_refused(err, &fault);
    FUZZ_EXPECT((record != NULL) == (err == ERR_OK));
    if (!record)
        return;
    check_record(record);
    record_apply_defaults(record);
    FUZZ_EXPECT(!record_kind(record) || record->label);
    record_destroy(&record);
}

// What jansson prints is parsed again, and is the same.
static void check_stable(const json_t *value)
{
    json_t *again = NULL;
    fault_t fault = {0};
    char *text = json_dumps(value, JSON_ENCODE_ANY);
    FUZZ_EXPECT(text);
    err_t err = json_parse_value(text, span_text(text).size, &again, &fault);
    FUZZ_EXPECT(err == ERR_OK || err == ERR_TOO_BIG || err == ERR_NUMBER_RANGE);
    FUZZ_EXPECT(err || json_equal(value, again));
    json_decref(again);
    free(text);
}

static void one(span_t input)
{
    static const json_reading_t plain = {.own = "CR", .lang = "es"};
    static const json_reading_t imported = {
        .own = "CR", .lang = "pt-BR", .owner_of_key = owner_of_key};
    json_t *object = NULL, *value = NULL;
    fault_t fault = {0};
    const char *text = input.size ? (const char *)input.data : "";
    err_t err = json_parse(text, input.size, &object, &fault);
    fuzz_refused(err, &fault);
    FUZZ_EXPECT((object != NULL) == (err == ERR_OK));
    if (object) {
        read_record(object, &plain);
        read_record(object, &imported);
    }
    err_t any = json_parse_value(text, input.size, &value, &fault);
    fuzz_refused(any, &fault);
    FUZZ_EXPECT(err || any == ERR_OK); // every object is a value
    if (value)
        check_stable(value);
    json_decref(object);
    json_decref(value);
}

const fuzz_target_t fuzz_target = {.one = one, .peak_bytes = 64 * 1024 * 1024};
