// Real daemons against peers that lie, strangers, and garbage on every socket.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#include <cmocka.h>

#include "lib/home.h"
#include "lib/mem.h"
#include "tests/system/caller.h"
#include "tests/system/fleet.h"

enum { HUB, GT, NI, SV };
enum { SOON_MS = 10000 };

// ---- a relay that does not pass on what it got ----

// NI's keys are in the relay's hands; SV dials the relay and the hub.
static fleet_t *with_relay(void)
{
    static const char *const hub[] = {"CRM", NULL}, *const both[] = {"NI", "CRM", NULL};
    fleet_t *fleet = fleet_new();
    fleet_add(fleet, "CRM", true, "", NULL);
    fleet_add(fleet, "GT", false, "", hub);
    fleet_add(fleet, "NI", true, "", hub);
    fleet_add(fleet, "SV", false, "", both);
    fleet_found(fleet, 3);
    return fleet;
}

static void expect_line(reading_t *reading, const char *text)
{
    for (;;) {
        char *line = reading_line(reading, 20000);
        if (!line)
            fail_msg("the relay never said: %s", text);
        bool found = strstr(line, text) != NULL;
        mem_free(line);
        if (found)
            return;
    }
}

// The hub goes while SV hears the relay alone, and comes back as second source.
static void relay_story(const char *mode, const char *reason, bool view_empty)
{
    fleet_t *fleet = with_relay();
    fleet_start(fleet, HUB);
    fleet_start(fleet, GT);
    mem_free(fleet_do(fleet, GT, "put body key=uno name=Verdadero"));
    mem_free(fleet_do(fleet, GT, "put body key=dos name=Verdadero"));
    mem_free(fleet_do(fleet, GT, "status --wait-synced 30"));
    reading_t *relay =
        fleet_background(fleet, "exec $BIN/tests/system/tool_relay $FLEET/NI %s", mode);
    expect_line(relay, "ready");
    // It has all once it serves: until then the hub stays.
    caller_t *caller = caller_new(fleet, fleet_node_dir(fleet, SV), NI);
    message_t heads;
    bool all = false;
    assert_true(caller_greet(caller, SOON_MS));
    while (!all) {
        assert_true(caller_hear(caller, MSG_HEADS, &heads, SOON_MS));
        for (size_t i = 0; i < heads.as.heads.count; i++)
            all = all ||
                  (heads.as.heads.items[i].feed.lane == 1 && heads.as.heads.items[i].number >= 2);
        message_clear(&heads);
    }
    caller_destroy(&caller);
    fleet_kill(fleet, HUB);
    fleet_start(fleet, SV);
    char *needle = mem_format("\"%s\"", reason);
    assert_true(fleet_status_shows(fleet, SV, needle, 30000));
    mem_free(needle);
    char *listed = fleet_do(fleet, SV, "list body --json");
    assert_null(strstr(listed, view_empty ? "Verdadero" : "Falso"));
    mem_free(listed);
    fleet_start(fleet, HUB);
    mem_free(fleet_do(fleet, SV, "status --wait-synced 60"));
    listed = fleet_do(fleet, SV, "list body --json");
    assert_non_null(strstr(listed, "Verdadero"));
    mem_free(listed);
    mem_free(fleet_do(fleet, SV, "verify"));
    fleet_settle(fleet);
    fleet_assert_same(fleet);
    reading_close(&relay);
    fleet_destroy(&fleet);
}

static void an_altered_body_is_refused_and_the_right_one_fetched(void **state)
{
    (void)state;
    relay_story("body", "bad-commitment", true);
}

static void an_altered_header_is_refused(void **state)
{
    (void)state;
    relay_story("header", "broken-chain", true);
}

static void an_altered_signature_is_refused(void **state)
{
    (void)state;
    relay_story("signature", "bad-signature", true);
}

static void missing_payloads_are_fetched_elsewhere(void **state)
{
    (void)state;
    relay_story("missing", "payload-missing", true);
}

static void a_relay_cannot_erase(void **state)
{
    (void)state;
    relay_story("erased", "payload-missing", true);
}

static void a_relay_that_claims_too_much_is_not_waited_for(void **state)
{
    (void)state;
    relay_story("claim", "claim-unmet", false);
}

static void a_relay_that_withholds_is_left(void **state)
{
    (void)state;
    relay_story("silent", "stalled", true);
}

// ---- strangers ----

static void a_stranger_gets_nothing(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(1);
    fleet_start_all(fleet);
    caller_t *caller = caller_new(fleet, NULL, HUB);
    assert_false(caller_up(caller, 5000));
    mem_free(fleet_do(fleet, GT, "put body key=uno name=N"));
    mem_free(fleet_do(fleet, GT, "status --wait-synced 30"));
    assert_int_equal(caller_publications(caller), 0);
    caller_destroy(&caller);
    assert_true(fleet_status_shows(fleet, HUB, "\"not-a-member\"", SOON_MS));
    fleet_destroy(&fleet);
}

// A member of another coalition, with keys that are good there.
static void another_coalition_gets_nothing(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(1), *other = fleet_hub(1);
    fleet_start(fleet, HUB);
    caller_t *caller = caller_new(fleet, fleet_node_dir(other, GT), HUB);
    assert_false(caller_up(caller, 5000));
    caller_destroy(&caller);
    fleet_destroy(&other);
    fleet_destroy(&fleet);
}

static void without_the_zap_handler_nobody_gets_in(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(1);
    fleet_start_with(fleet, HUB, "ENLACE_TEST_HOOK=drop-zap", 0);
    caller_t *member = caller_new(fleet, fleet_node_dir(fleet, GT), HUB);
    assert_false(caller_up(member, 5000));
    caller_destroy(&member);
    caller_t *stranger = caller_new(fleet, NULL, HUB);
    assert_false(caller_up(stranger, 5000));
    caller_destroy(&stranger);
    assert_int_equal(fleet_stop(fleet, HUB), 0);
    fleet_start(fleet, HUB);
    member = caller_new(fleet, fleet_node_dir(fleet, GT), HUB);
    assert_true(caller_greet(member, SOON_MS));
    caller_destroy(&member);
    fleet_destroy(&fleet);
}

// ---- garbage ----

typedef struct {
    const char *name;
    const char *reason;
    bool greeted;
    size_t size;
    uint8_t bytes[16];
} garbage_t;

static const garbage_t garbage[] = {
    {"random", "bad-wire-type", false, 8, {0xff, 0xfe, 0xfd, 0x01, 0x02, 0x03, 0x04, 0x05}},
    {"empty", "missing-field", false, 0, {0}},
    {"truncated", "truncated", false, 3, {0x12, 0x7f, 0x08}},
    {"before the hello", "no-hello", false, 0, {0}},
    {"unknown type", "unknown-field", true, 4, {0x82, 0x06, 0x01, 0x00}},
};

static void garbage_on_the_link_ends_a_session_at_worst(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(2);
    fleet_start(fleet, HUB);
    for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) {
        caller_t *caller = caller_new(fleet, fleet_node_dir(fleet, GT), HUB);
        message_t ping = {.type = MSG_PING};
        assert_true(garbage[i].greeted ? caller_greet(caller, SOON_MS)
                                       : caller_up(caller, SOON_MS));
        if (strcmp(garbage[i].reason, "no-hello") == 0)
            caller_send(caller, &ping);
        else
            caller_say(caller, span_of(garbage[i].bytes, garbage[i].size));
        if (!caller_lost(caller, SOON_MS))
            fail_msg("%s: the session goes on", garbage[i].name);
        caller_destroy(&caller);
        assert_true(fleet_alive(fleet, HUB));
    }
    assert_true(fleet_status_shows(fleet, HUB, "\"truncated\"", SOON_MS));
    assert_true(fleet_status_shows(fleet, HUB, "\"no-hello\"", SOON_MS));
    fleet_destroy(&fleet);
}

static void every_bit_of_a_message_may_be_wrong(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(2);
    fleet_start(fleet, HUB);
    for (unsigned bit = 0; bit < 200; bit += 7) {
        caller_t *caller = caller_new(fleet, fleet_node_dir(fleet, GT), HUB);
        feed_t feed = {{{1, 2, 3}}, 1, 1};
        message_t fetch = {.type = MSG_FETCH, .has_session = true};
        fetch.as.fetch.fetch = 1;
        fetch.as.fetch.feed = feed;
        fetch.as.fetch.credit_limit = 65536;
        assert_true(caller_greet(caller, SOON_MS));
        buf_t bytes = message_encode(&fetch);
        bytes.data[(bit / 8) % bytes.size] ^= (uint8_t)(1u << bit % 8);
        caller_say(caller, buf_span(&bytes));
        buf_free(&bytes);
        caller_destroy(&caller);
    }
    mem_free(fleet_do(fleet, HUB, "put body key=vivo name=N"));
    mem_free(fleet_do(fleet, HUB, "verify"));
    assert_true(fleet_alive(fleet, HUB));
    fleet_destroy(&fleet);
}

static void oversize_and_out_of_place_messages_are_counted(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(2);
    fleet_start(fleet, HUB);
    // A frame above the socket's bound: the connection goes, the daemon stays.
    caller_t *caller = caller_new(fleet, fleet_node_dir(fleet, GT), HUB);
    assert_true(caller_greet(caller, SOON_MS));
    uint8_t *large = mem_alloc(400 * 1024);
    caller_say(caller, span_of(large, 400 * 1024));
    assert_true(caller_lost(caller, SOON_MS));
    caller_destroy(&caller);
    // Below it, but above what a link message may be.
    caller = caller_new(fleet, fleet_node_dir(fleet, GT), HUB);
    assert_true(caller_greet(caller, SOON_MS));
    caller_say(caller, span_of(large, 250 * 1024));
    assert_true(caller_lost(caller, SOON_MS));
    caller_destroy(&caller);
    mem_free(large);
    assert_true(fleet_status_shows(fleet, HUB, "\"too-big\"", SOON_MS));
    // Parts of a run that nobody asked for, more than credit allows.
    caller = caller_new(fleet, fleet_node_dir(fleet, GT), HUB);
    assert_true(caller_greet(caller, SOON_MS));
    static uint8_t filler[16000];
    for (uint32_t i = 0; i < 8; i++) {
        message_t part = {.type = MSG_RUN_PART};
        part.as.run_part.fetch = 77;
        part.as.run_part.index = i;
        part.as.run_part.bytes = span_of(filler, sizeof filler);
        caller_send(caller, &part);
    }
    assert_true(caller_lost(caller, SOON_MS));
    caller_destroy(&caller);
    assert_true(fleet_status_shows(fleet, HUB, "\"over-credit\"", SOON_MS));
    // A message of another session is dropped, and the session goes on.
    caller = caller_new(fleet, fleet_node_dir(fleet, GT), HUB);
    assert_true(caller_greet(caller, SOON_MS));
    message_t ping = {.type = MSG_PING, .has_session = true}, pong;
    buf_t stale = message_encode(&ping);
    caller_say(caller, buf_span(&stale));
    buf_free(&stale);
    caller_send(caller, &ping);
    assert_true(caller_hear(caller, MSG_PONG, &pong, SOON_MS));
    message_clear(&pong);
    caller_destroy(&caller);
    assert_true(fleet_status_shows(fleet, HUB, "\"wrong-session\"", SOON_MS));
    fleet_destroy(&fleet);
}

static void garbage_on_the_ports_does_no_harm(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(1);
    fleet_start(fleet, HUB);
    const char *port = strrchr(fleet_endpoint(fleet, HUB), ':') + 1;
    for (int next = 0; next < 2; next++) {
        result_t result =
            fleet_shell(fleet,
                        "exec bash -c 'p=$((%s+%d)); for i in 1 2 3 4 5 6 7 8; do exec "
                        "3<>/dev/tcp/127.0.0.1/$p && "
                        "head -c $((i*4000)) /dev/urandom >&3 2>/dev/null; exec 3>&-; done; true'",
                        port, next);
        assert_int_equal(result.status, 0);
        result_clear(&result);
    }
    fleet_start(fleet, GT);
    mem_free(fleet_do(fleet, GT, "put body key=uno name=N"));
    fleet_settle(fleet);
    fleet_assert_same(fleet);
    fleet_destroy(&fleet);
}

// Straight to the control sockets, past the client.
static void garbage_on_the_control_sockets_does_no_harm(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(0);
    fleet_start(fleet, HUB);
    for (int full = 0; full < 2; full++) {
        char endpoint[64];
        int directory;
        fault_t fault;
        void *zmq = zmq_ctx_new(), *socket = zmq_socket(zmq, ZMQ_DEALER);
        int linger = 1000;
        zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
        assert_int_equal(
            home_control(fleet_node_dir(fleet, HUB), full, &directory, endpoint, &fault), ERR_OK);
        assert_int_equal(zmq_connect(socket, endpoint), 0);
        uint8_t bytes[512];
        for (int i = 0; i < 200; i++) {
            crypto_random(bytes, sizeof bytes);
            zmq_send(socket, bytes, (size_t)(i * 5 % 512), i % 3 == 0 ? ZMQ_SNDMORE : 0);
        }
        zmq_send(socket, bytes, 1, 0);
        zmq_close(socket);
        zmq_ctx_term(zmq);
    }
    mem_free(fleet_do(fleet, HUB, "put body key=uno name=N"));
    assert_true(fleet_alive(fleet, HUB));
    assert_int_equal(fleet_stop(fleet, HUB), 0);
    fleet_destroy(&fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_altered_body_is_refused_and_the_right_one_fetched),
        cmocka_unit_test(an_altered_header_is_refused),
        cmocka_unit_test(an_altered_signature_is_refused),
        cmocka_unit_test(missing_payloads_are_fetched_elsewhere),
        cmocka_unit_test(a_relay_cannot_erase),
        cmocka_unit_test(a_relay_that_claims_too_much_is_not_waited_for),
        cmocka_unit_test(a_relay_that_withholds_is_left),
        cmocka_unit_test(a_stranger_gets_nothing),
        cmocka_unit_test(another_coalition_gets_nothing),
        cmocka_unit_test(without_the_zap_handler_nobody_gets_in),
        cmocka_unit_test(garbage_on_the_link_ends_a_session_at_worst),
        cmocka_unit_test(every_bit_of_a_message_may_be_wrong),
        cmocka_unit_test(oversize_and_out_of_place_messages_are_counted),
        cmocka_unit_test(garbage_on_the_ports_does_no_harm),
        cmocka_unit_test(garbage_on_the_control_sockets_does_no_harm),
    };
    return cmocka_run_group_tests_name("hostile", tests, NULL, NULL);
}
