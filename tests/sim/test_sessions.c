// Stories of sessions: what belongs to one and what does not, message by message; what
// slow lines and peers that do harm by talking may cost; and what shows of a member
// whose word does not come.
#include "daemon/core/internal.h"
#include "lib/mem.h"
#include "tests/sim/four_nodes.h"

// ---- what is of another session ----

static world_t *two(uint64_t seed)
{
    world_t *world = world_new(seed);
    world_add(world, "HUB", true);
    world_add(world, "GT", false);
    world_dial(world, GT, HUB);
    world_found(world, 1);
    return world;
}

// The least that each message has to have, so that it decodes.
static message_t plain(world_t *world, message_type_t type)
{
    message_t message = {.type = type, .has_session = true};
    feed_t feed = {.origin = world_card(world, GT)->origin, .epoch = 1, .lane = 1};
    uint32_t reason = ERR_STOPPING;
    switch (type) {
    case MSG_FETCH:
        message.as.fetch.fetch = 77;
        message.as.fetch.feed = feed;
        message.as.fetch.after_hash = world_card(world, GT)->hash;
        break;
    case MSG_FETCH_PAYLOAD:
    case MSG_PAYLOAD_FOUND:
        message.as.payload.fetch = 78;
        message.as.payload.feed = feed;
        message.as.payload.number = 1;
        message.as.payload.state = PAYLOAD_MISSING;
        break;
    case MSG_RUN_PART:
        message.as.run_part.fetch = 79;
        message.as.run_part.last = message.as.run_part.end = true;
        break;
    case MSG_NOPE:
        message.as.nope.fetch = 80;
        message.as.nope.reason = reason;
        break;
    case MSG_END_FETCH:
        message.as.end_fetch.fetch = 81;
        break;
    case MSG_BYE:
        message.as.bye.reason = reason;
        break;
    default:
        break; // empty lists, tokens of 0
    }
    return message;
}

// An empty Proof has no run: its bytes are put together by hand.
static bool has_plain_form(message_type_t type)
{
    return type != MSG_PROOF && type != MSG_HELLO && type != MSG_WELCOME;
}

static const char *state_with(world_t *world, size_t node)
{
    status_t status;
    core_status(world_core(world, node), world_now(world), &status);
    const char *state = status.peers[0].state;
    status_clear(&status);
    return state;
}

static void whatever_is_of_another_session_is_dropped(void **state)
{
    (void)state;
    tap_t tap = {.world = two(11)};
    world_t *world = tap.world;
    world_tamper(world, tap_listen, &tap);
    world_start_all(world);
    world_run(world, 5000);
    assert_true(tap.known[HUB][GT]);
    uint64_t counted = world_count(world, HUB, ERR_WRONG_SESSION);
    for (message_type_t type = MSG_HELLO; type < MSG_TYPE_END; type++) {
        if (!has_plain_form(type))
            continue;
        message_t message = plain(world, type);
        message.session = tap.session[HUB][GT];
        message.session.bytes[NONCE_SIZE - 1] ^= 1;
        world_inject(world, HUB, GT, &message);
        world_run(world, 100);
        assert_int_equal(world_count(world, HUB, ERR_WRONG_SESSION), ++counted);
        assert_string_equal(state_with(world, HUB), "up");
    }
    assert_int_equal(world_count(world, HUB, ERR_STOPPING), 0);
    // The same Bye, of this session, ends it.
    message_t bye = plain(world, MSG_BYE);
    bye.session = tap.session[HUB][GT];
    world_inject(world, HUB, GT, &bye);
    world_run(world, 30);
    assert_int_equal(world_count(world, HUB, ERR_STOPPING), 1);
    assert_string_not_equal(state_with(world, HUB), "up");
    assert_true(world_settle(world, 60000));
    world_destroy(&world);
}

// ---- before there is one ----

// Only the first word of GT is let through, changed for another.
typedef struct {
    world_t *world;
    message_type_t type;
    bool done;
} first_t;

static bool speak_first(void *context, size_t from, size_t to, bool publication, buf_t *bytes)
{
    first_t *first = context;
    (void)to;
    if (publication || from != GT || first->done)
        return true;
    first->done = true;
    message_t message = plain(first->world, first->type);
    buf_free(bytes);
    *bytes = message_encode(&message);
    return true;
}

static void nothing_is_taken_before_the_greeting(void **state)
{
    (void)state;
    for (message_type_t type = MSG_HELLO; type < MSG_TYPE_END; type++) {
        if (!has_plain_form(type))
            continue;
        first_t first = {.world = two(12), .type = type};
        world_tamper(first.world, speak_first, &first);
        world_start_all(first.world);
        world_run(first.world, 400); // the second try comes after 250 ms at least
        assert_true(first.done);
        err_t refusal = session_refusal(2, type); // hello-awaited
        err_t reason = type == MSG_BYE ? ERR_STOPPING : ERR_NO_HELLO;
        assert_int_equal(refusal, type == MSG_BYE ? ERR_OK : ERR_NO_HELLO);
        assert_int_equal(world_count(first.world, HUB, reason), 1);
        assert_true(world_settle(first.world, 60000));
        world_destroy(&first.world);
    }
}

// ---- slow lines ----

static uint64_t rtt_of(world_t *world, size_t node)
{
    status_t status;
    uint64_t most = 0;
    core_status(world_core(world, node), world_now(world), &status);
    for (size_t i = 0; i < status.peer_count; i++)
        if (status.peers[i].rtt_ms != AGE_NEVER && status.peers[i].rtt_ms > most)
            most = status.peers[i].rtt_ms;
    status_clear(&status);
    return most;
}

// Four feeds over a line of 4 KiB a second: each waits for the others, and none
// is given up for that.
static void a_slow_line_is_no_stalled_source(void **state)
{
    (void)state;
    world_t *world = four_nodes(21);
    for (size_t i = 0; i < 3; i++)
        world_start(world, i == 2 ? HN : i);
    for (size_t i = 0; i < NODES; i++)
        for (int k = 0; i != SV && k < 20; k++) {
            char key[16];
            snprintf(key, sizeof key, "k%d", k);
            assert_int_equal(world_put_sized(world, i, key, 4000), ERR_OK);
        }
    assert_true(world_settle(world, 60000));
    world_rate(world, HUB, SV, 4096);
    world_start(world, SV);
    uint64_t begin = world_now(world);
    assert_true(world_settle(world, 600000));
    // 240 kB take 59 s; more than twice as long would be time lost.
    assert_true(world_now(world) - begin < 120000);
    assert_int_equal(world_count(world, SV, ERR_STALLED), 0);
    assert_int_equal(world_count(world, SV, ERR_SILENT), 0);
    assert_true(rtt_of(world, SV) < 6000);
    world_destroy(&world);
}

// ---- peers that do harm by talking ----

static void reasons_of_a_peers_own_making_are_one_counter(void **state)
{
    (void)state;
    tap_t tap;
    world_t *world = four_tapped(&tap, 21);
    status_t status;
    world_start_all(world);
    assert_true(world_settle(world, 60000));
    for (uint32_t i = 0; i < 300; i++) {
        message_t message = {.type = MSG_NOPE};
        message.as.nope.fetch = 1;
        message.as.nope.reason = 100000 + i * 1000003;
        tap_say(&tap, HUB, GT, &message);
    }
    world_run(world, 1000);
    core_status(world_core(world, HUB), world_now(world), &status);
    assert_true(status.counter_count < 20);
    status_clear(&status);
    assert_true(world_count(world, HUB, ERR_UNEXPECTED) >= 300);
    world_destroy(&world);
}

// The hub spoils each session that SV begins.
static bool spoil(void *context, size_t from, size_t to, bool publication, buf_t *bytes)
{
    unsigned *hellos = context;
    message_t message;
    fault_t fault;
    if (publication)
        return true;
    assert_int_equal(message_decode(buf_span(bytes), &message, &fault), ERR_OK);
    *hellos += from == SV && message.type == MSG_HELLO;
    if (from == HUB && to == SV && message.type == MSG_HEADS)
        bytes->data[0] = 0xff;
    message_clear(&message);
    return true;
}

static void a_peer_that_breaks_every_session_is_not_stormed(void **state)
{
    (void)state;
    unsigned hellos = 0; // of SV's
    world_t *world = four_nodes(21);
    world_tamper(world, spoil, &hellos);
    world_start(world, HUB);
    world_start(world, SV);
    world_run(world, 600000);
    assert_true(hellos >= 5 && hellos <= 40);
    world_tamper(world, NULL, NULL);
    assert_true(world_settle(world, 120000));
    world_destroy(&world);
}

// ---- whose word does not come ----

typedef struct {
    world_t *world;
    bool withhold;         // of GT's beacons and pulses nothing gets from the hub to SV
    bool beacons;          // nor its beacons, whoever asks, but its pulses
    bool made_up;          // its pulses come as those of a beacon that it never signed
    unsigned asked, given; // WantBeacons of SV's; GT's pulses that were published to it
} wall_t;

static bool is_of(world_t *world, size_t node, span_t signed_beacon)
{
    beacon_t *beacon = NULL;
    fault_t fault;
    assert_int_equal(beacon_decode(signed_beacon, &beacon, &fault), ERR_OK);
    bool is = origin_equal(&beacon->origin, &world_card(world, node)->origin);
    beacon_destroy(&beacon);
    return is;
}

// Leaves out what is withheld. Returns whether anything is left.
static bool leave_out(wall_t *wall, signed_items_t *items, pulse_t *pulses)
{
    size_t count = 0, pulse_count = 0;
    for (size_t i = 0; i < items->count; i++)
        if (!(wall->withhold || wall->beacons) || !is_of(wall->world, GT, items->items[i]))
            items->items[count++] = items->items[i];
    for (size_t i = 0; i < items->pulse_count; i++) {
        bool gt = origin_equal(&items->pulses[i].origin, &world_card(wall->world, GT)->origin);
        if (gt && wall->withhold)
            continue;
        pulses[pulse_count] = items->pulses[i];
        pulses[pulse_count++].sequence += gt && wall->made_up;
    }
    items->count = count;
    items->pulse_count = pulse_count;
    items->pulses = pulses;
    return count || pulse_count;
}

static bool published(wall_t *wall, buf_t *bytes)
{
    publication_t decoded;
    pulse_t pulses[MESSAGE_PULSES_MAX];
    fault_t fault;
    const hash_t *coalition = core_coalition(world_core(wall->world, HUB));
    assert_int_equal(publication_decode(span_of(coalition->bytes, TOPIC_SIZE), buf_span(bytes),
                                        coalition, &decoded, &fault),
                     ERR_OK);
    bool left = decoded.type != PUB_BEACONS || leave_out(wall, &decoded.beacons, pulses);
    for (size_t i = 0; left && i < decoded.beacons.pulse_count; i++)
        wall->given += origin_equal(&pulses[i].origin, &world_card(wall->world, GT)->origin);
    if (left && decoded.type == PUB_BEACONS) {
        buf_free(bytes);
        *bytes = publication_of_beacons(&decoded.beacons);
    }
    publication_clear(&decoded);
    return left;
}

static bool told(wall_t *wall, buf_t *bytes)
{
    message_t message;
    pulse_t pulses[MESSAGE_PULSES_MAX];
    fault_t fault;
    assert_int_equal(message_decode(buf_span(bytes), &message, &fault), ERR_OK);
    bool beacons = message.type == MSG_BEACONS;
    bool left = !beacons || leave_out(wall, &message.as.signed_items, pulses);
    if (left && beacons) {
        buf_free(bytes);
        *bytes = message_encode(&message);
    }
    message_clear(&message);
    return left;
}

static bool withhold(void *context, size_t from, size_t to, bool publication, buf_t *bytes)
{
    wall_t *wall = context;
    if (from == SV && to == HUB && !publication) {
        message_t message;
        fault_t fault;
        assert_int_equal(message_decode(buf_span(bytes), &message, &fault), ERR_OK);
        wall->asked += message.type == MSG_WANT_BEACONS;
        message_clear(&message);
    }
    if (from != HUB || to != SV)
        return true;
    return publication ? published(wall, bytes) : told(wall, bytes);
}

static bool late(world_t *world, size_t node, const char *code)
{
    status_t status;
    bool is = false;
    core_status(world_core(world, node), world_now(world), &status);
    for (size_t i = 0; i < status.peer_count; i++)
        is = is || (strcmp(status.peers[i].code.text, code) == 0 && status.peers[i].beacon_late);
    status_clear(&status);
    return is;
}

static wall_t *wall_new(uint64_t seed)
{
    wall_t *wall = mem_alloc(sizeof *wall);
    wall->world = world_new(seed);
    world_add(wall->world, "HUB", true);
    world_add(wall->world, "GT", false);
    world_add(wall->world, "SV", false);
    world_dial(wall->world, GT, HUB);
    world_dial(wall->world, SV, HUB);
    world_found(wall->world, 1);
    world_tamper(wall->world, withhold, wall);
    return wall;
}

static void wall_free(wall_t *wall)
{
    world_destroy(&wall->world);
    mem_free(wall);
}

static void beacons_that_stop_coming_are_an_alarm(void **state)
{
    (void)state;
    wall_t *wall = wall_new(13);
    world_start_all(wall->world);
    world_run(wall->world, 600000);
    assert_int_equal(world_count(wall->world, SV, ERR_NO_BEACON), 0);
    wall->withhold = true;
    world_run(wall->world, 119000); // the last one may be a minute old
    assert_false(late(wall->world, SV, "GT"));
    world_run(wall->world, 63000);
    assert_true(late(wall->world, SV, "GT"));
    assert_false(late(wall->world, SV, "HUB"));
    assert_false(late(wall->world, HUB, "GT"));
    world_run(wall->world, 300000);
    assert_int_equal(world_count(wall->world, SV, ERR_NO_BEACON), 1); // once, not every second
    assert_int_equal(world_count(wall->world, HUB, ERR_NO_BEACON), 0);
    wall->withhold = false;
    world_run(wall->world, 62000);
    assert_false(late(wall->world, SV, "GT"));
    assert_int_equal(world_count(wall->world, SV, ERR_NO_BEACON), 1);
    wall_free(wall);
}

// Of whom only "as before" comes nothing is known: it is an alarm, and once a pulse is
// all that is asked.
static void pulses_without_their_beacon_say_nothing(void **state)
{
    (void)state;
    wall_t *wall = wall_new(16);
    wall->beacons = true;
    world_start_all(wall->world);
    world_run(wall->world, 600000);
    assert_true(late(wall->world, SV, "GT"));
    assert_false(late(wall->world, SV, "HUB"));
    assert_int_equal(world_count(wall->world, SV, ERR_NO_BEACON), 1);
    assert_true(wall->given >= 8);
    assert_in_range(wall->asked, wall->given - 1, wall->given); // the last may be on its way
    wall->beacons = false;
    world_run(wall->world, 75000);
    assert_false(late(wall->world, SV, "GT"));
    unsigned asked = wall->asked;
    world_run(wall->world, 600000);
    assert_int_equal(wall->asked, asked);
    wall_free(wall);
}

// One that got lost on its way comes within the minute, and was missed by nobody.
static void a_beacon_that_got_lost_is_asked_for(void **state)
{
    (void)state;
    wall_t *wall = wall_new(17);
    world_start_all(wall->world);
    world_run(wall->world, 200000);
    assert_int_equal(wall->asked, 0);
    wall->beacons = true;
    put_many(wall->world, GT, "a", 1);
    world_run(wall->world, 20000); // GT has signed that, and again for what it heard of it
    wall->beacons = false;
    world_run(wall->world, 75000);
    assert_int_equal(wall->asked, 1);
    const core_t *sv = world_core(wall->world, SV), *gt = world_core(wall->world, GT);
    const beacon_t *heard = identity_find(sv, &gt->self->origin)->beacon;
    assert_true(hash_equal(&heard->hash, &gt->self->beacon->hash));
    assert_int_equal(heard->own_count, gt->self->beacon->own_count);
    world_run(wall->world, 300000);
    assert_int_equal(wall->asked, 1);
    assert_int_equal(world_count(wall->world, SV, ERR_NO_BEACON), 0);
    wall_free(wall);
}

// A beacon that nobody has is asked for once a pulse, of whoever named it; the origin's
// word is missed all the same.
static void beacons_that_nobody_has_are_not_asked_for_without_end(void **state)
{
    (void)state;
    wall_t *wall = wall_new(18);
    world_start_all(wall->world);
    world_run(wall->world, 200000);
    wall->made_up = true;
    wall->given = 0;
    world_run(wall->world, 600000);
    assert_true(late(wall->world, SV, "GT"));
    assert_false(late(wall->world, HUB, "GT"));
    assert_in_range(wall->asked, wall->given - 1, wall->given);
    assert_int_equal(world_count(wall->world, SV, ERR_BAD_SIGNATURE), 0);
    wall->made_up = false;
    world_run(wall->world, 75000);
    assert_false(late(wall->world, SV, "GT"));
    wall_free(wall);
}

static void who_has_never_spoken_is_an_alarm_too(void **state)
{
    (void)state;
    wall_t *wall = wall_new(14);
    world_start(wall->world, HUB);
    world_start(wall->world, SV);
    world_run(wall->world, 179000);
    assert_false(late(wall->world, SV, "GT"));
    world_run(wall->world, 4000);
    assert_true(late(wall->world, SV, "GT"));
    assert_true(late(wall->world, HUB, "GT"));
    assert_false(late(wall->world, HUB, "SV"));
    wall_free(wall);
}

// That nobody is heard says the state of the links, not that anybody withholds.
static void who_hears_nobody_blames_nobody(void **state)
{
    (void)state;
    wall_t *wall = wall_new(15);
    world_start_all(wall->world);
    world_run(wall->world, 10000);
    world_partition(wall->world, HUB, SV, true);
    world_run(wall->world, 600000);
    assert_false(late(wall->world, SV, "GT"));
    assert_int_equal(world_count(wall->world, SV, ERR_NO_BEACON), 0);
    assert_int_equal(world_count(wall->world, HUB, ERR_NO_BEACON), 1); // GT is still there
    assert_true(late(wall->world, HUB, "SV"));
    world_partition(wall->world, HUB, SV, false);
    assert_true(world_settle(wall->world, 120000));
    world_run(wall->world, 65000);
    assert_false(late(wall->world, SV, "GT"));
    assert_int_equal(world_count(wall->world, SV, ERR_NO_BEACON), 0);
    wall_free(wall);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_is_of_another_session_is_dropped),
        cmocka_unit_test(nothing_is_taken_before_the_greeting),
        cmocka_unit_test(a_slow_line_is_no_stalled_source),
        cmocka_unit_test(reasons_of_a_peers_own_making_are_one_counter),
        cmocka_unit_test(a_peer_that_breaks_every_session_is_not_stormed),
        cmocka_unit_test(beacons_that_stop_coming_are_an_alarm),
        cmocka_unit_test(pulses_without_their_beacon_say_nothing),
        cmocka_unit_test(a_beacon_that_got_lost_is_asked_for),
        cmocka_unit_test(beacons_that_nobody_has_are_not_asked_for_without_end),
        cmocka_unit_test(who_has_never_spoken_is_an_alarm_too),
        cmocka_unit_test(who_hears_nobody_blames_nobody),
    };
    assert_int_equal(crypto_start(), ERR_OK);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
