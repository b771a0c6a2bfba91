#include "tests/fuzz/check_record.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/store/content.h"
#include "lib/assign.h"
#include "lib/bounded.h"
#include "lib/commit.h"
#include "lib/mem.h"
#include "tests/fuzz/fuzz.h"

static const json_reading_t reading = {.own = "CR", .lang = "es"};

// Through printed JSON. NULL where it is refused, with the reason.
static record_t *there_and_back(const record_t *record, err_t *err)
{
    record_t *again = NULL;
    json_t *parsed = NULL, *object = record_to_json(record);
    char *text = json_dumps(object, 0);
    fault_t fault = {0};
    FUZZ_EXPECT(text);
    *err = json_parse(text, strlen(text), &parsed, &fault);
    if (!*err)
        *err = record_from_json(parsed, &reading, &again, &fault);
    fuzz_refused(*err, &fault);
    FUZZ_EXPECT((again != NULL) == (*err == ERR_OK));
    json_decref(object);
    json_decref(parsed);
    free(text);
    return again;
}

// lib/record_json.h: it comes in again as the same bytes, except for value 0 of an
// enum and a record of no kind, which are refused; and nothing that an author may
// write is among those.
static void check_json(const record_t *record, bool may_be_written)
{
    err_t err;
    record_t *again = there_and_back(record, &err);
    FUZZ_EXPECT(!may_be_written || again);
    if (!again) {
        bool excepted = err == ERR_BAD_ENUM || (err == ERR_MISSING_FIELD && !record_kind(record));
        bool too_much = err == ERR_TOO_BIG || err == ERR_TOO_MANY; // JSON_*_MAX, RECORD_*_MAX
        FUZZ_EXPECT(excepted || too_much);
        return;
    }
    buf_t before = record_encode(record), after = record_encode(again);
    FUZZ_EXPECT(span_equal(buf_span(&before), buf_span(&after)));
    buf_free(&before);
    buf_free(&after);
    record_destroy(&again);
}

// What an author may write, others can decode, and the view takes.
static void check_written(const record_t *record)
{
    content_t content;
    buf_t bytes = record_encode(record);
    FUZZ_EXPECT(bytes.size <= PAYLOAD_BYTES_MAX);
    content_read(CHANGE_RECORD, SCHEMA_VERSION, PAYLOAD_PRESENT, buf_span(&bytes), NULL, &content);
    FUZZ_EXPECT(content.why == ERR_OK && content.kind == record_kind(record)->tag);
    content_clear(&content);
    buf_free(&bytes);
}

static void show_field(const record_t *record, const char *name)
{
    static const char *const langs[] = {NULL, "es", "pt-BR"};
    fault_t fault = {0};
    bool matches = false;
    for (size_t i = 0; i < sizeof langs / sizeof *langs; i++) {
        char *cell = record_cell(record, name, langs[i]);
        FUZZ_EXPECT(utf8_valid(span_text(cell)));
        fuzz_refused(record_matches(record, name, cell, &reading, &matches, &fault), &fault);
        mem_free(cell);
    }
    FUZZ_EXPECT(record_matches(record, name, "", &reading, &matches, &fault) == ERR_OK);
}

static void show_fields(const record_t *record, const ProtobufCMessageDescriptor *type)
{
    for (unsigned i = 0; i < type->n_fields; i++)
        if (!(type->fields[i].flags & PROTOBUF_C_FIELD_FLAG_ONEOF))
            show_field(record, type->fields[i].name);
}

static void check_refs(const record_t *record)
{
    ref_at_t *refs = NULL;
    size_t count = record_refs(record, &refs);
    for (size_t i = 0; i < count; i++) {
        Enlace__V1__Ref again = ENLACE__V1__REF__INIT;
        char *text = ref_format(refs[i].ref);
        if (ref_parse(text, "CR", &again) == ERR_OK) {
            char *twice = ref_format(&again);
            FUZZ_EXPECT(strcmp(text[0] == '@' && !strchr(text, ':') ? twice + 4 : twice + 0,
                               text[0] == '@' && !strchr(text, ':') ? text + 1 : text) == 0);
            mem_free(twice);
        }
        mem_free(again.owner);
        mem_free(again.key);
        mem_free(text);
    }
    mem_free(refs);
}

void check_record(const record_t *record)
{
    fault_t fault = {0};
    err_t err = record_check(record, &fault);
    fuzz_refused(err, &fault);
    FUZZ_EXPECT(err || record_kind(record));
    check_json(record, err == ERR_OK);
    if (!err)
        check_written(record);
    FUZZ_EXPECT(record_title(record, "es") && record_title(record, NULL));
    show_fields(record, record->base.descriptor);
    if (record_body(record))
        show_fields(record, record_body(record)->descriptor);
    check_refs(record);
}
