// Payloads: records as they come from others, where nobody has checked what the
// author was to keep to; and the view's reading of them.
#include "daemon/store/content.h"
#include "enlace/v1/records.pb-c.h"
#include "lib/commit.h"
#include "tests/fuzz/check_record.h"
#include "tests/fuzz/fuzz.h"

static void read_content(span_t input, bool decodes)
{
    content_t content;
    content_read(CHANGE_RECORD, SCHEMA_VERSION, PAYLOAD_PRESENT, input, &content);
    FUZZ_EXPECT(content.why == ERR_OK || content.why == ERR_PARKED_CONTENT);
    FUZZ_EXPECT(decodes || content.why == ERR_PARKED_CONTENT);
    FUZZ_EXPECT((content.record != NULL) == (content.why == ERR_OK));
    FUZZ_EXPECT(content.why != ERR_OK || content_kind_name(content.kind));
    if (!content.why)
        FUZZ_EXPECT(content_follows(content.kind, content.key, &content) == ERR_OK);
    content_clear(&content);
    content_read(CHANGE_RECORD, SCHEMA_VERSION + 1, PAYLOAD_PRESENT, input, &content);
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
    read_content(input, err == ERR_OK);
    if (!record)
        return;
    check_stable(record);
    check_record(record);
    record_destroy(&record);
}

const fuzz_target_t fuzz_target = {
    .one = one, .type = &enlace__v1__record__descriptor, .peak_bytes = 32 * 1024 * 1024};
