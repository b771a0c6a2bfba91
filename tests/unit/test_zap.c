// The ZAP handler by itself, asked by hand as RFC 27 says. What libzmq makes of
// its answers is in test_net.c.
#include "zmq_helpers.h"

#include "daemon/net/zap.h"

#define DOMAIN "0123456789abcdef"

typedef struct {
    edge_t edge;
    zap_t *zap;
    void *asker;
    pubkey_t member;
    unsigned refusals;
    err_t reason;
    char where[64];
} desk_t;

static void count(void *context, const net_event_t *event)
{
    desk_t *desk = context;
    assert_int_equal(event->type, NET_REFUSED);
    assert_int_equal(event->link, 0);
    desk->refusals++;
    desk->reason = event->reason;
    snprintf(desk->where, sizeof desk->where, "%s", event->where ? event->where : "");
}

static int setup(void **state)
{
    desk_t *desk = test_calloc(1, sizeof *desk);
    fault_t fault = {0};
    desk->edge.zmq = zmq_ctx_new();
    desk->edge.fn = count;
    desk->edge.context = desk;
    for (size_t i = 0; i < sizeof desk->member.bytes; i++)
        desk->member.bytes[i] = (uint8_t)(i * 7);
    desk->edge.admitted = keyset_of(&desk->member, 1);
    desk->zap = zap_new(&desk->edge, DOMAIN, &fault);
    assert_non_null(desk->zap);
    desk->asker = zmq_socket(desk->edge.zmq, ZMQ_DEALER);
    set_int(desk->asker, ZMQ_LINGER, 0);
    assert_int_equal(zmq_connect(desk->asker, "inproc://zeromq.zap.01"), 0);
    *state = desk;
    return 0;
}

static int teardown(void **state)
{
    desk_t *desk = *state;
    zmq_close(desk->asker);
    zap_destroy(&desk->zap);
    keyset_free(&desk->edge.admitted);
    zmq_ctx_term(desk->edge.zmq);
    test_free(desk);
    return 0;
}

// ---- asking ----

typedef struct {
    const void *bytes;
    size_t size;
} part_t;

#define TEXT(text)                                                                                 \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
enum { PARTS = 7, VERSION = 0, DOMAIN_PART = 2, MECHANISM = 5, KEY = 6 };

static void usual(const desk_t *desk, part_t parts[PARTS])
{
    const part_t form[PARTS] = {
        TEXT("1.0"),   TEXT("request 7"),       TEXT(DOMAIN), TEXT("192.0.2.7"), TEXT(""),
        TEXT("CURVE"), {desk->member.bytes, 32}};
    memcpy(parts, form, sizeof form);
}

static void ask(desk_t *desk, const part_t *parts, size_t count_of)
{
    assert_int_equal(zmq_send(desk->asker, "", 0, ZMQ_SNDMORE), 0);
    for (size_t i = 0; i < count_of; i++)
        assert_int_equal(zmq_send(desk->asker, parts[i].bytes, parts[i].size,
                                  i + 1 < count_of ? ZMQ_SNDMORE : 0),
                         (int)parts[i].size);
}

typedef struct {
    char version[16], request[32], code[8], text[64], user[128], metadata[16];
} answer_t;

static answer_t answered(desk_t *desk)
{
    answer_t answer = {0};
    char empty[1];
    struct {
        char *at;
        size_t size;
    } into[] = {{answer.version, sizeof answer.version}, {answer.request, sizeof answer.request},
                {answer.code, sizeof answer.code},       {answer.text, sizeof answer.text},
                {answer.user, sizeof answer.user},       {answer.metadata, sizeof answer.metadata}};
    zmq_pollitem_t item = {zap_socket(desk->zap), 0, ZMQ_POLLIN, 0};
    assert_int_equal(zmq_poll(&item, 1, DEADLINE_MS), 1);
    assert_false(zap_drain(desk->zap, 10));
    assert_int_equal(zmq_recv(desk->asker, empty, sizeof empty, 0), 0);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(get_int(desk->asker, ZMQ_RCVMORE), 1);
        int size = zmq_recv(desk->asker, into[i].at, into[i].size - 1, 0);
        assert_in_range(size, 0, into[i].size - 1);
    }
    assert_int_equal(get_int(desk->asker, ZMQ_RCVMORE), 0);
    return answer;
}

// ---- the tests ----

static void a_member_is_answered_200_and_named_by_its_key(void **state)
{
    desk_t *desk = *state;
    part_t parts[PARTS];
    usual(desk, parts);
    ask(desk, parts, PARTS);
    answer_t answer = answered(desk);
    assert_string_equal(answer.version, "1.0");
    assert_string_equal(answer.request, "request 7");
    assert_string_equal(answer.code, "200");
    assert_string_equal(answer.user,
                        "00070e151c232a31383f464d545b626970777e858c939aa1a8afb6bdc4cbd2d9");
    assert_string_equal(answer.metadata, "");
    assert_int_equal(desk->refusals, 0);
}

static void a_stranger_is_answered_400_and_told_of(void **state)
{
    desk_t *desk = *state;
    part_t parts[PARTS];
    pubkey_t other = desk->member;
    other.bytes[31] ^= 1;
    usual(desk, parts);
    parts[KEY].bytes = other.bytes;
    ask(desk, parts, PARTS);
    answer_t answer = answered(desk);
    assert_string_equal(answer.request, "request 7");
    assert_string_equal(answer.code, "400");
    assert_string_equal(answer.user, "");
    assert_int_equal(desk->refusals, 1);
    assert_int_equal(desk->reason, ERR_NOT_A_MEMBER);
    assert_string_equal(desk->where, "192.0.2.7");
}

static void who_is_admitted_is_looked_up_each_time(void **state)
{
    desk_t *desk = *state;
    part_t parts[PARTS];
    usual(desk, parts);
    for (int round = 0; round < 4; round++) {
        keyset_free(&desk->edge.admitted);
        desk->edge.admitted = keyset_of(&desk->member, round % 2 ? 1 : 0);
        ask(desk, parts, PARTS);
        assert_string_equal(answered(desk).code, round % 2 ? "200" : "400");
    }
}

// Everything that is not exactly the request that we expect is refused, and
// the next one is still answered.
static void another_form_is_answered_400(void **state)
{
    desk_t *desk = *state;
    static uint8_t long_part[300];
    const struct {
        size_t part;
        part_t instead;
    } cases[] = {
        {VERSION, TEXT("1.1")},
        {VERSION, TEXT("")},
        {VERSION, TEXT("1.0 ")},
        {DOMAIN_PART, TEXT("")},
        {DOMAIN_PART, TEXT("global")},
        {DOMAIN_PART, TEXT(DOMAIN "0")},
        {DOMAIN_PART, {long_part, sizeof long_part}},
        {MECHANISM, TEXT("NULL")},
        {MECHANISM, TEXT("PLAIN")},
        {MECHANISM, TEXT("curve")},
        {KEY, {desk->member.bytes, 31}},
        {KEY, TEXT("")},
        {KEY, {long_part, 33}},
        {KEY, {long_part, sizeof long_part}},
        {4, {long_part, sizeof long_part}},
        {1, {long_part, sizeof long_part}},
        {3, {long_part, sizeof long_part}},
    };
    part_t parts[PARTS];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        usual(desk, parts);
        parts[cases[i].part] = cases[i].instead;
        ask(desk, parts, PARTS);
        assert_string_equal(answered(desk).code, "400");
        assert_int_equal(desk->refusals, i + 1);
    }
    usual(desk, parts);
    ask(desk, parts, PARTS);
    assert_string_equal(answered(desk).code, "200");
}

static void too_few_or_too_many_parts_are_answered_400(void **state)
{
    desk_t *desk = *state;
    part_t parts[20];
    for (size_t i = 0; i < 20; i++)
        parts[i] = (part_t)TEXT("x");
    usual(desk, parts);
    for (size_t count_of = 1; count_of <= 20; count_of++) {
        ask(desk, parts, count_of);
        assert_string_equal(answered(desk).code, count_of == PARTS ? "200" : "400");
    }
}

static void a_drain_answers_no_more_than_its_budget(void **state)
{
    desk_t *desk = *state;
    part_t parts[PARTS];
    usual(desk, parts);
    for (int i = 0; i < 3; i++)
        ask(desk, parts, PARTS);
    zmq_pollitem_t item = {zap_socket(desk->zap), 0, ZMQ_POLLIN, 0};
    assert_int_equal(zmq_poll(&item, 1, DEADLINE_MS), 1);
    assert_true(zap_drain(desk->zap, 2));
    assert_string_equal(answered(desk).code, "200"); // drains the third
}

static void there_is_one_handler_a_context(void **state)
{
    desk_t *desk = *state;
    fault_t fault = {0};
    assert_null(zap_new(&desk->edge, DOMAIN, &fault));
    assert_int_equal(fault.err, ERR_CANNOT_LISTEN);
    zap_destroy(&desk->zap); // and its place is free at once
    desk->zap = zap_new(&desk->edge, DOMAIN, &fault);
    assert_non_null(desk->zap);
}

static void user_ids_are_read_back(void **state)
{
    (void)state;
    pubkey_t key;
    char text[] = "00070e151c232a31383f464d545b626970777e858c939aa1a8afb6bdc4cbd2d9";
    assert_true(zap_key_of(text, &key));
    assert_int_equal(key.bytes[31], 0xd9);
    assert_int_equal(key.bytes[1], 7);
    assert_false(zap_key_of(NULL, &key));
    assert_false(zap_key_of("", &key));
    assert_false(zap_key_of("00", &key));
    text[10] = 'g';
    assert_false(zap_key_of(text, &key));
    text[63] = '\0';
    assert_false(zap_key_of(text, &key));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(a_member_is_answered_200_and_named_by_its_key),
        T(a_stranger_is_answered_400_and_told_of),
        T(who_is_admitted_is_looked_up_each_time),
        T(another_form_is_answered_400),
        T(too_few_or_too_many_parts_are_answered_400),
        T(a_drain_answers_no_more_than_its_budget),
        T(there_is_one_handler_a_context),
        cmocka_unit_test(user_ids_are_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
