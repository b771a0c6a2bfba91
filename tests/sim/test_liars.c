// Stories of members that claim what they do not hold and then take their time, keep
// back what they hold, or give rubbish.
#include "tests/sim/four_nodes.h"

// ---- claimed, and not given ----

// SV is the liar: its own node is kept from speaking, the test speaks for it in
// its session with the hub.
typedef struct {
    nonce_t session; // of hub and liar
    uint32_t fetch;  // that the hub has opened at the liar for GT's feed; 0: none
    uint32_t part;   // of the run that drips
    unsigned fetches;
    bool greeted;
} liar_t;

static bool overhear(void *context, size_t from, size_t to, bool publication, buf_t *bytes)
{
    liar_t *liar = context;
    message_t message;
    fault_t fault;
    if (publication || (from != SV && to != SV) ||
        message_decode(buf_span(bytes), &message, &fault))
        return true;
    bool passes = from != SV || message.type == MSG_HELLO || message.type == MSG_PONG ||
                  message.type == MSG_PING;
    if (from == HUB && message.has_session) {
        liar->session = message.session;
        liar->greeted = true;
    }
    if (from == HUB && message.type == MSG_FETCH && message.as.fetch.feed.lane == 1) {
        liar->fetch = message.as.fetch.fetch;
        liar->fetches++;
        liar->part = 0;
    }
    message_clear(&message);
    return passes;
}

static void speak(world_t *world, liar_t *liar, message_t *message)
{
    world_tamper(world, NULL, NULL);
    message->has_session = true;
    message->session = liar->session;
    world_inject(world, HUB, SV, message);
    world_tamper(world, overhear, liar);
}

static void claim(world_t *world, liar_t *liar)
{
    head_t head = {.feed = {world_card(world, GT)->origin, 1, 1},
                   .number = (uint64_t)1000000 * 1000000};
    message_t heads = {.type = MSG_HEADS};
    heads.as.heads.count = 1;
    heads.as.heads.items = &head;
    speak(world, liar, &heads);
}

static world_t *with_liar(liar_t *liar)
{
    world_t *world = world_new(5);
    world_add(world, "CRM", true);
    world_add(world, "GT", false);
    world_add(world, "SV", false);
    world_dial(world, GT, HUB);
    world_dial(world, SV, HUB);
    world_found(world, 2);
    *liar = (liar_t){0};
    world_tamper(world, overhear, liar);
    world_start_all(world);
    assert_int_equal(world_put(world, GT, "uno", "Nombre"), ERR_OK);
    world_run(world, 3000);
    assert_true(liar->greeted);
    assert_int_equal(world_head(world, HUB, GT, 1), 1);
    return world;
}

// For two minutes GT writes every three seconds, and `answer` is what the liar
// does in between: the hub must never be more than a few seconds behind GT.
static void stays_in_step(void (*answer)(world_t *world, liar_t *liar, uint32_t index))
{
    liar_t liar;
    world_t *world = with_liar(&liar);
    for (uint32_t i = 0; i < 40; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%u", i);
        claim(world, &liar);
        world_run(world, 2900);
        answer(world, &liar, i);
        assert_int_equal(world_put(world, GT, key, "Nombre"), ERR_OK);
        world_run(world, 5000);
        assert_int_equal(world_head(world, HUB, GT, 1), i + 2);
    }
    assert_true(liar.fetches > 0);
    // Found out, it is asked ever more rarely.
    assert_true(liar.fetches < 10);
    world_destroy(&world);
}

static void drip(world_t *world, liar_t *liar, uint32_t index)
{
    static const uint8_t byte = 0x0a;
    message_t part = {.type = MSG_RUN_PART};
    (void)index;
    if (!liar->fetch)
        return;
    part.as.run_part.fetch = liar->fetch;
    part.as.run_part.index = liar->part++;
    part.as.run_part.bytes = span_of(&byte, 1);
    speak(world, liar, &part);
}

static void say_that_was_all(world_t *world, liar_t *liar, uint32_t index)
{
    message_t part = {.type = MSG_RUN_PART};
    (void)index;
    if (!liar->fetch)
        return;
    part.as.run_part.fetch = liar->fetch;
    part.as.run_part.last = part.as.run_part.end = true;
    speak(world, liar, &part);
    liar->fetch = 0;
}

static void say_busy(world_t *world, liar_t *liar, uint32_t index)
{
    message_t nope = {.type = MSG_NOPE};
    (void)index;
    if (!liar->fetch)
        return;
    nope.as.nope.fetch = liar->fetch;
    nope.as.nope.reason = ERR_BUSY;
    speak(world, liar, &nope);
    liar->fetch = 0;
}

static void say_nothing(world_t *world, liar_t *liar, uint32_t index)
{
    (void)world;
    (void)liar;
    (void)index;
}

static void who_drips_keeps_no_feed_from_us(void **state)
{
    (void)state;
    stays_in_step(drip);
}

static void who_delivers_nothing_loses_its_claim(void **state)
{
    (void)state;
    stays_in_step(say_that_was_all);
}

static void who_is_always_busy_is_asked_ever_more_rarely(void **state)
{
    (void)state;
    stays_in_step(say_busy);
}

static void who_is_silent_keeps_no_feed_from_us(void **state)
{
    (void)state;
    stays_in_step(say_nothing);
}

// ---- claimed at a bad moment ----

typedef struct {
    tap_t tap;
    bool left; // the hub has ended a fetch from GT
} leaving_t;

static bool notice_leaving(void *context, size_t from, size_t to, bool publication, buf_t *bytes)
{
    leaving_t *leaving = context;
    message_t message;
    fault_t fault;
    bool passes = tap_listen(&leaving->tap, from, to, publication, bytes);
    if (publication || from != HUB || to != GT)
        return passes;
    assert_int_equal(message_decode(buf_span(bytes), &message, &fault), ERR_OK);
    leaving->left = leaving->left || message.type == MSG_END_FETCH;
    message_clear(&message);
    return passes;
}

// SV says that it holds more of GT than the hub: the hub leaves GT for it, and
// GT's next change is on its way just then.
static void a_change_made_while_its_follower_turns_away_is_not_forgotten(void **state)
{
    (void)state;
    leaving_t leaving = {0};
    world_t *world = four_tapped(&leaving.tap, 21);
    world_tamper(world, notice_leaving, &leaving);
    world_start_all(world);
    put_and_settle(world, GT, "a", 1);
    head_t lie = {.feed = feed_of(world, GT), .number = 100};
    message_t message = {.type = MSG_HEADS};
    message.as.heads.count = 1;
    message.as.heads.items = &lie;
    tap_say(&leaving.tap, HUB, SV, &message);
    for (int i = 0; i < 10000 && !leaving.left; i++)
        world_run(world, 1);
    assert_true(leaving.left);
    put_many(world, GT, "b", 1);
    world_run(world, 30000);
    assert_int_equal(world_head(world, HUB, GT, 1), 2);
    world_destroy(&world);
}

// ---- kept back, or spoilt ----

static void what_is_withheld_whole_shows_by_its_authors_beacon(void **state)
{
    (void)state;
    tap_t tap;
    world_t *world = four_tapped(&tap, 21);
    tap.withhold[SV] = true;
    world_start(world, HUB);
    world_start(world, GT);
    put_many(world, GT, "a", 1);
    world_run(world, 70000); // GT has said so in a beacon
    world_start(world, SV);
    world_run(world, 20000);
    assert_int_equal(world_head(world, SV, GT, 1), 0);
    assert_false(synced(world, SV));
    tap.withhold[SV] = false;
    put_many(world, GT, "b", 1);
    world_run(world, 20000);
    assert_int_equal(world_head(world, SV, GT, 1), 2);
    assert_true(synced(world, SV));
    world_destroy(&world);
}

static bool alter(void *context, size_t from, size_t to, bool publication, buf_t *bytes)
{
    message_t message;
    fault_t fault;
    (void)context;
    if (from != HUB || to != SV || publication)
        return !publication;
    assert_int_equal(message_decode(buf_span(bytes), &message, &fault), ERR_OK);
    bool beacon = message.type == MSG_BEACONS;
    if (message.type == MSG_RUN_PART && message.as.run_part.bytes.size) {
        buf_t part = buf_copy(message.as.run_part.bytes);
        part.data[part.size - 1] ^= 1; // of the signature
        message.as.run_part.bytes = buf_span(&part);
        buf_free(bytes);
        *bytes = message_encode(&message);
        buf_free(&part);
    }
    message_clear(&message);
    return !beacon;
}

// What the only source gives is refused: a node that got nothing is not in step,
// however long it leaves that source alone.
static void who_was_given_nothing_but_rubbish_is_not_in_step(void **state)
{
    (void)state;
    world_t *world = four_nodes(21);
    world_start(world, HUB);
    put_many(world, HUB, "a", 1);
    world_run(world, 1000);
    world_tamper(world, alter, NULL);
    world_start(world, SV);
    for (int i = 0; i < 60; i++) {
        world_run(world, 1000);
        assert_false(synced(world, SV));
    }
    world_tamper(world, NULL, NULL);
    assert_true(world_settle(world, 300000));
    world_destroy(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_drips_keeps_no_feed_from_us),
        cmocka_unit_test(who_delivers_nothing_loses_its_claim),
        cmocka_unit_test(who_is_always_busy_is_asked_ever_more_rarely),
        cmocka_unit_test(who_is_silent_keeps_no_feed_from_us),
        cmocka_unit_test(a_change_made_while_its_follower_turns_away_is_not_forgotten),
        cmocka_unit_test(what_is_withheld_whole_shows_by_its_authors_beacon),
        cmocka_unit_test(who_was_given_nothing_but_rubbish_is_not_in_step),
    };
    return cmocka_run_group_tests_name("liars", tests, NULL, NULL);
}
