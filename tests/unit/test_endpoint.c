#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/card.h"

static void names(void **state)
{
    (void)state;
    static const char *const bad[] = {"",          "a\nb",      "\x7f", "\t",
                                      "a\xc2\x80", "a\xc2\x9f", "\xff", "\xed\xa0\x80"};
    static const char *const good[] = {"a", "Comité Nacional", "a\xc2\xa0", "日本",
                                       "\xf0\x9f\x98\x80"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(name_valid(bad[i]));
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(name_valid(good[i]));
    assert_false(name_valid(NULL));
}

static void endpoints(void **state)
{
    (void)state;
    static const struct {
        const char *endpoint;
        const char *next;
    } good[] = {
        {"tcp://127.0.0.1:7000", "tcp://127.0.0.1:7001"},
        {"tcp://192.0.2.1:1", "tcp://192.0.2.1:2"},
        {"tcp://192.0.2.1:65534", "tcp://192.0.2.1:65535"},
        {"tcp://[::1]:7000", "tcp://[::1]:7001"},
        {"tcp://[2001:db8::7]:99", "tcp://[2001:db8::7]:100"},
        {"tcp://[::ffff:192.0.2.1]:99", "tcp://[::ffff:192.0.2.1]:100"},
        {"tcp://localhost:9999", "tcp://localhost:10000"},
        {"tcp://nodo-1.example.org:443", "tcp://nodo-1.example.org:444"},
        {"tcp://3com.example:443", "tcp://3com.example:444"},
        {"tcp://1.2.3.example:443", "tcp://1.2.3.example:444"},
    };
    static const char *const bad[] = {
        "",
        "tcp://",
        "127.0.0.1:7000",
        "udp://127.0.0.1:7000",
        "TCP://127.0.0.1:7000",
        "tcp://127.0.0.1",
        "tcp://127.0.0.1:",
        "tcp://127.0.0.1:0",
        "tcp://127.0.0.1:65535",
        "tcp://127.0.0.1:65536",
        "tcp://127.0.0.1:99999999999999999999",
        "tcp://127.0.0.1:07000",
        "tcp://127.0.0.1:+7",
        "tcp://127.0.0.1:7000 ",
        "tcp://127.0.0.1:7000/x",
        "tcp://127.0.0.1:*",
        "tcp://127.0.0.1:!",
        "tcp://:7000",
        "tcp://*:7000",
        "tcp://0.0.0.0:7000",
        "tcp://[::]:7000",
        "tcp://[0:0:0:0:0:0:0:0]:7000",
        "tcp://[::ffff:0.0.0.0]:7000",
        "tcp://::1:7000",
        "tcp://[::1:7000",
        "tcp://::1]:7000",
        "tcp://[]:7000",
        "tcp://[127.0.0.1]:7000",
        "tcp://[fe80::1%eth0]:7000",
        "tcp://256.1.1.1:7000",
        "tcp://1.2.3:7000",
        "tcp://127.1:7000",
        "tcp://1:7000",
        "tcp://a..b:7000",
        "tcp://.a:7000",
        "tcp://a.:7000",
        "tcp://-a:7000",
        "tcp://a-:7000",
        "tcp://a.-b:7000",
        "tcp://a_b:7000",
        "tcp://a b:7000",
        "tcp://a/b:7000",
        "tcp://a;b:7000",
        "tcp://eth0;192.0.2.1:7000",
        "tcp://ñ.example:7000",
        "tcp://a\n:7000",
        "tcp://192.0.2.1:7000:7001",
        "tcp://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:7000", // 64
    };
    char next[ENDPOINT_MAX_BYTES + 1];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        if (!endpoint_valid(good[i].endpoint))
            fail_msg("%s", good[i].endpoint);
        assert_true(endpoint_next_port(good[i].endpoint, next));
        assert_string_equal(next, good[i].next);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (endpoint_valid(bad[i]))
            fail_msg("%s", bad[i]);
    assert_false(endpoint_valid(NULL));
    assert_false(endpoint_next_port("tcp://x:65535", next));
}

// A host of 253 bytes leaves no room for "tcp://", and one of 244 none for the
// next port where that has a digit more.
static void endpoints_at_their_longest(void **state)
{
    (void)state;
    char endpoint[ENDPOINT_MAX_BYTES + 8];
    char next[ENDPOINT_MAX_BYTES + 1];
    for (size_t host = 240; host < 255; host++) {
        char *at = endpoint + 6;
        memcpy(endpoint, "tcp://", 6);
        for (size_t i = 0; i < host; i++)
            *at++ = i % 60 == 59 ? '.' : 'a';
        strcpy(at, ":9");
        bool fits = 6 + host + 3 <= ENDPOINT_MAX_BYTES;
        bool label_ends = endpoint[6 + host - 1] != '.';
        assert_int_equal(endpoint_valid(endpoint), fits && label_ends);
        assert_int_equal(endpoint_next_port(endpoint, next), fits);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(endpoints),
        cmocka_unit_test(endpoints_at_their_longest),
    };
    return cmocka_run_group_tests_name("endpoint", tests, NULL, NULL);
}
