// Payloads: records as they come from others, where nobody has checked what the
// author was to keep to; and the view's reading of them.
#include <string.h>

#include "daemon/store/content.h"
#include "enlace/v1/records.pb-c.h"
#include "lib/commit.h"
#include "lib/mem.h"
#include "tests/fuzz/check_record.h"
#include "tests/fuzz/fuzz.h"

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

// What is seen at a glance is what unpacking gives; NULL: that was refused.
static void compare_content(const content_t *content, const record_t *record)
{
    ref_at_t *refs = NULL;
    bool readable =
        record && record_kind(record) && (!record->key || record_key_valid(record->key));
    FUZZ_EXPECT(content->why == (readable ? ERR_OK : ERR_PARKED_CONTENT));
    if (!readable)
        return;
    FUZZ_EXPECT(content->kind == record_kind(record)->tag);
    FUZZ_EXPECT(same_text(content->key, record->key) && same_text(content->label, record->label));
    FUZZ_EXPECT(content->example == (record->has_example && record->example));
    FUZZ_EXPECT(content->record || record_refs(record, &refs) == 0);
    mem_free(refs);
}

static void read_content(span_t input, const record_t *record)
{
    content_t content;
    content_read(CHANGE_RECORD, SCHEMA_VERSION, PAYLOAD_PRESENT, input, NULL, &content);
    compare_content(&content, record);
    FUZZ_EXPECT(content.why != ERR_OK || content_kind_name(content.kind));
    if (!content.why)
        FUZZ_EXPECT(content_follows(content.kind, content.key, &content) == ERR_OK);
    content_clear(&content);
    content_read(CHANGE_RECORD, SCHEMA_VERSION + 1, PAYLOAD_PRESENT, input, NULL, &content);
    FUZZ_EXPECT(content.why == ERR_PARKED_READER && !content.record);
}

static void check_stable(const record_t *record)
{
    record_t *again = NULL;
    fault_t fault = {0};
    buf_t bytes = record_encode(record);
    err_t err = record_decode(buf_span(&bytes), &again, &fault);
    // Packing what came unpacked, or the other way round, can make it longer.
    FUZZ_EXPECT(err == ERR_OK || (err == ERR_TOO_BIG && bytes.size > PAYLOAD_BYTES_MAX));
    if (again) {
        buf_t twice = record_encode(again);
        FUZZ_EXPECT(span_equal(buf_span(&bytes), buf_span(&twice)));
        buf_free(&twice);
    }
    record_destroy(&again);
    buf_free(&bytes);
}

static void one(span_t input)
{
    record_t *record = NULL;
    fault_t fault = {0};
    err_t err = record_decode(input, &record, &fault);
    fuzz_refused(err, &fault);
    FUZZ_EXPECT((record != NULL) == (err == ERR_OK));
    read_content(input, record);
    if (!record)
        return;
    check_stable(record);
    check_record(record);
    record_destroy(&record);
}

const fuzz_target_t fuzz_target = {
    .one = one, .type = &enlace__v1__record__descriptor, .peak_bytes = 32 * 1024 * 1024};
