// The bounded reader itself, against protobuf-c: the first byte says which message.
#include <string.h>

#include "enlace/v1/commit.pb-c.h"
#include "enlace/v1/control.pb-c.h"
#include "enlace/v1/link.pb-c.h"
#include "enlace/v1/membership.pb-c.h"
#include "enlace/v1/records.pb-c.h"
#include "lib/bounded.h"
#include "tests/fuzz/fuzz.h"

static const ProtobufCMessageDescriptor *const types[] = {
    &enlace__v1__record__descriptor,
    &enlace__v1__run__descriptor,
    &enlace__v1__link_message__descriptor,
    &enlace__v1__publication__descriptor,
    &enlace__v1__charter_file__descriptor,
    &enlace__v1__roster__descriptor,
    &enlace__v1__card__descriptor,
    &enlace__v1__commit_header__descriptor,
    &enlace__v1__control_request__descriptor,
    &enlace__v1__control_reply__descriptor,
    &enlace__v1__consent__descriptor,
    &enlace__v1__retraction__descriptor,
};

static const limits_t limits = {
    .bytes = 64 * 1024, .fields = 1000, .depth = 5, .memory = 256 * 1024, .unknown = true};

// RFC 3629 by its table of well-formed sequences, without the code under test.
static bool utf8_by_table(span_t text)
{
    static const struct {
        uint8_t low, high, low2, high2;
        unsigned tail;
    } forms[] = {
        {0x00, 0x7f, 0, 0, 0},       {0xc2, 0xdf, 0x80, 0xbf, 1}, {0xe0, 0xe0, 0xa0, 0xbf, 2},
        {0xe1, 0xec, 0x80, 0xbf, 2}, {0xed, 0xed, 0x80, 0x9f, 2}, {0xee, 0xef, 0x80, 0xbf, 2},
        {0xf0, 0xf0, 0x90, 0xbf, 3}, {0xf1, 0xf3, 0x80, 0xbf, 3}, {0xf4, 0xf4, 0x80, 0x8f, 3},
    };
    for (size_t at = 0; at < text.size;) {
        size_t form = 0, count = sizeof forms / sizeof *forms;
        while (form < count &&
               (text.data[at] < forms[form].low || text.data[at] > forms[form].high))
            form++;
        if (form == count || text.size - at <= forms[form].tail)
            return false;
        for (unsigned i = 1; i <= forms[form].tail; i++) {
            uint8_t low = i == 1 ? forms[form].low2 : 0x80;
            uint8_t high = i == 1 ? forms[form].high2 : 0xbf;
            if (text.data[at + i] < low || text.data[at + i] > high)
                return false;
        }
        at += forms[form].tail + 1;
    }
    return true;
}

static void check_unpacked(const ProtobufCMessageDescriptor *type, const ProtobufCMessage *message)
{
    ProtobufCMessage *again = NULL;
    fault_t fault = {0};
    FUZZ_EXPECT(message->descriptor == type && protobuf_c_message_check(message));
    buf_t bytes = bounded_pack(message);
    limits_t wider = limits; // packing may lengthen what came unpacked
    wider.bytes = bytes.size;
    wider.memory = 2 * limits.memory;
    err_t err = bounded_unpack(type, buf_span(&bytes), &wider, &again, &fault);
    FUZZ_EXPECT(err == ERR_OK);
    buf_t twice = bounded_pack(again);
    FUZZ_EXPECT(span_equal(buf_span(&bytes), buf_span(&twice)));
    bounded_free(again);
    buf_free(&bytes);
    buf_free(&twice);
}

static const ProtobufCMessageDescriptor *type_of(span_t prefix)
{
    return types[fuzz_u8(&prefix) % (sizeof types / sizeof *types)];
}

static void one(span_t input)
{
    ProtobufCMessage *message = NULL;
    fault_t fault = {0};
    const ProtobufCMessageDescriptor *type = type_of(fuzz_bytes(&input, 1));
    FUZZ_EXPECT(utf8_valid(input) == utf8_by_table(input));
    err_t checked = bounded_check(type, input, &limits, &fault);
    fuzz_refused(checked, &fault);
    err_t err = bounded_unpack(type, input, &limits, &message, &fault);
    fuzz_refused(err, &fault);
    FUZZ_EXPECT((message != NULL) == (err == ERR_OK));
    // What the walk lets through protobuf-c reads, or there is no room for it.
    FUZZ_EXPECT(checked ? err == checked : err == ERR_OK || err == ERR_OVER_BUDGET);
    if (message)
        check_unpacked(type, message);
    bounded_free(message);
    limits_t strict = limits;
    strict.unknown = false;
    err_t known = bounded_check(type, input, &strict, &fault);
    FUZZ_EXPECT(known ? true : checked == ERR_OK);
}

const fuzz_target_t fuzz_target = {
    .one = one, .prefix = 1, .type_of = type_of, .peak_bytes = 1024 * 1024};
