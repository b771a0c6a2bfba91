#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/bounded.h"
#include "lib/mem.h"
#include "tests/unit/hostile.h"

static bool valid(const char *hex)
{
    buf_t bytes = from_hex(hex);
    uint8_t *exact = mem_alloc(bytes.size);
    memcpy(exact, bytes.data, bytes.size);
    bool result = utf8_valid(span_of(exact, bytes.size));
    mem_free(exact);
    buf_free(&bytes);
    return result;
}

// RFC 3629, sections 3, 4 and 10.
static void utf8_by_the_rfc(void **state)
{
    (void)state;
    static const char *const good[] = {
        "41",
        "7f",
        "c280",
        "dfbf",
        "e0a080",
        "efbfbf",
        "ed9fbf",
        "ee8080",
        "f0908080",
        "f48fbfbf",
        "e2 89 a2 ce 91 2e",
        "f0 a3 8e b4",
    };
    static const char *const bad[] = {
        "80",
        "bf",
        "c0 80",
        "c1 bf",
        "c2",
        "c2 41",
        "c2 c2",
        "e0 80 80",
        "e0 9f bf",
        "e0 a0",
        "ed a0 80",
        "ed bf bf",
        "f0 80 80 80",
        "f0 8f bf bf",
        "f0 90 80",
        "f4 90 80 80",
        "f5 80 80 80",
        "f8 88 80 80 80",
        "fc 84 80 80 80 80",
        "fe",
        "ff",
        "41 c3",
        "e2 28 a1",
        "f0 9d 84 41",
    };
    assert_true(utf8_valid(span_of(NULL, 0)));
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!valid(good[i]))
            fail_msg("%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (valid(bad[i]))
            fail_msg("%s", bad[i]);
}

static size_t encode(uint32_t point, uint8_t bytes[4])
{
    if (point < 0x80) {
        bytes[0] = (uint8_t)point;
        return 1;
    }
    size_t size = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    static const uint8_t marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = size - 1; i > 0; i--, point >>= 6)
        bytes[i] = (uint8_t)(0x80 | (point & 0x3f));
    bytes[0] = (uint8_t)(marks[size] | point);
    return size;
}

static void utf8_every_character(void **state)
{
    (void)state;
    uint8_t bytes[4];
    for (uint32_t point = 0; point < 0x110400; point++) {
        size_t size = encode(point, bytes);
        bool surrogate = point >= 0xd800 && point <= 0xdfff;
        if (utf8_valid(span_of(bytes, size)) != (!surrogate && point <= 0x10ffff))
            fail_msg("U+%04X", point);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_by_the_rfc),
        cmocka_unit_test(utf8_every_character),
    };
    return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
