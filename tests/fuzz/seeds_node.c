// Stories for fuzz_node.c: what members tell a node, event by event.
#include <string.h>

#include "enlace/v1/control.pb-c.h"
#include "enlace/v1/link.pb-c.h"
#include "lib/bounded.h"
#include "lib/mem.h"
#include "lib/message.h"
#include "lib/wire.h"
#include "tests/fuzz/cast.h"
#include "tests/fuzz/seeds.h"
#include "tests/unit/protocol_samples.h"

// Fields of a story, and within its events (fuzz_node.c).
enum {
    TELL_MESSAGE = 1,
    TELL_PUBLICATION,
    TELL_TIME,
    TELL_PUT,
    TELL_COMMIT,
    TELL_LINK,
    TELL_FLUSH,
    TELL_ROSTER,
    TELL_CARD,
    TELL_BEACON,
    TELL_EPOCH,
    TELL_ACCEPT
};
enum { WHO = 1, WHAT, FLAGS, TYPE, TARGET, LANE };
enum { AS_ANSWER = 1, AS_PROOF = 2, STAYS = 4, UNSIGNED = 8, LATER_TIME = 16, MISSING = 32 };
enum { BB, CC, DD }; // the lines

static void put_varint(buf_t *bytes, uint64_t number)
{
    for (; number >= 0x80; number >>= 7)
        *buf_extend(bytes, 1) = (uint8_t)(number | 0x80);
    *buf_extend(bytes, 1) = (uint8_t)number;
}

static void put_number(buf_t *bytes, uint32_t tag, uint64_t number)
{
    put_varint(bytes, (uint64_t)tag << 3);
    put_varint(bytes, number);
}

static void event_of(buf_t *story, uint32_t tag, uint64_t who, buf_t what)
{
    buf_t event = {0};
    put_number(&event, WHO, who);
    wire_append(&event, WHAT, buf_span(&what));
    wire_append(story, tag, buf_span(&event));
    buf_free(&event);
    buf_free(&what);
}

static void tell_message(buf_t *story, uint64_t line, message_t *message)
{
    message->has_session = message->type != MSG_HELLO; // zeros: the line's own
    event_of(story, TELL_MESSAGE, line, message_encode(message));
}

static void tell_time(buf_t *story, uint64_t ms)
{
    put_number(story, TELL_TIME, ms);
}

static void tell_commit(buf_t *story, uint64_t member, uint64_t flags, uint64_t type,
                        uint64_t target, const char *json)
{
    buf_t event = {0}, record = json ? encode_record_line(json) : (buf_t){0};
    put_number(&event, WHO, member);
    wire_append(&event, WHAT, buf_span(&record));
    put_number(&event, FLAGS, flags);
    put_number(&event, TYPE, type);
    put_number(&event, TARGET, target);
    wire_append(story, TELL_COMMIT, buf_span(&event));
    buf_free(&record);
    buf_free(&event);
}

static void tell_link(buf_t *story, uint64_t line, uint64_t what)
{
    buf_t event = {0};
    put_number(&event, WHO, line);
    put_number(&event, WHAT, what);
    wire_append(story, TELL_LINK, buf_span(&event));
    buf_free(&event);
}

static void tell_put(buf_t *story, const char *json)
{
    Enlace__V1__Put put = ENLACE__V1__PUT__INIT;
    put.json = wire_string(json);
    buf_t bytes = bounded_pack(&put.base);
    wire_append(story, TELL_PUT, buf_span(&bytes));
    buf_free(&bytes);
}

static const char *const one = "{\"kind\":\"body\",\"key\":\"a\",\"name\":\"N\"}";
static const char *const two = "{\"kind\":\"body\",\"key\":\"a\",\"name\":\"M\"}";
static const char *const three =
    "{\"kind\":\"membership\",\"key\":\"m\",\"member\":\"@a\",\"coalition\":\"@BB:a\"}";

static feed_t feed_of(size_t member)
{
    return (feed_t){cast()->actors[member].origin, 1, LANE_COALITION};
}

// ---- the stories ----

static void published(void)
{
    buf_t story = {0};
    tell_commit(&story, 2, 0, CHANGE_RECORD, 0, one);
    tell_commit(&story, 2, 0, CHANGE_RECORD, 1, two);
    put_number(&story, TELL_FLUSH, 1);
    tell_commit(&story, 2, LATER_TIME, CHANGE_RETRACT, 1, NULL);
    tell_time(&story, 3000);
    tell_commit(&story, 2, MISSING, CHANGE_RECORD, 0, three);
    tell_time(&story, 20000);
    put_seed_buf("node", story);
}

// A claim, the fetch that it brings, and what that is answered with.
static void fetched(void)
{
    buf_t story = {0};
    head_t head = {feed_of(1), 3, {{9}}};
    message_t heads = {.type = MSG_HEADS};
    heads.as.heads.count = 1;
    heads.as.heads.items = &head;
    tell_message(&story, BB, &heads);
    tell_time(&story, 100);
    tell_commit(&story, 1, AS_ANSWER, CHANGE_RECORD, 0, one);
    tell_time(&story, 100);
    tell_commit(&story, 1, AS_ANSWER | UNSIGNED, CHANGE_RECORD, 0, two);
    tell_time(&story, 30000);
    put_seed_buf("node", story);
}

static void forked(void)
{
    buf_t story = {0};
    tell_commit(&story, 2, STAYS, CHANGE_RECORD, 0, one);
    tell_time(&story, 10);
    tell_commit(&story, 2, AS_PROOF, CHANGE_RECORD, 0, two);
    tell_commit(&story, 2, 0, CHANGE_RECORD, 0, two);
    tell_time(&story, 100);
    put_seed_buf("node", story);
}

// It writes; and meets a copy of itself that has written, too.
static void copied(void)
{
    buf_t story = {0};
    tell_put(&story, one);
    put_number(&story, TELL_FLUSH, 1);
    tell_put(&story, three);
    tell_time(&story, 10);
    tell_commit(&story, 0, AS_PROOF, CHANGE_RECORD, 0, two);
    tell_commit(&story, 0, AS_PROOF, CHANGE_RECORD, 0, one);
    tell_put(&story, one);
    put_number(&story, TELL_ACCEPT, 1);
    put_number(&story, TELL_EPOCH, 0);
    tell_put(&story, two);
    tell_time(&story, 10);
    put_seed_buf("node", story);
}

static void asked(void)
{
    buf_t story = {0};
    message_t fetch = {.type = MSG_FETCH};
    fetch.as.fetch.fetch = 3;
    fetch.as.fetch.feed = feed_of(0);
    fetch.as.fetch.after_hash = cast()->actors[0].card->hash;
    fetch.as.fetch.standing = true;
    fetch.as.fetch.credit_limit = 8192;
    message_t end = {.type = MSG_END_FETCH};
    end.as.end_fetch.fetch = 3;
    message_t payload = {.type = MSG_FETCH_PAYLOAD};
    payload.as.payload.fetch = 4;
    payload.as.payload.feed = feed_of(0);
    payload.as.payload.number = 1;
    tell_put(&story, one);
    tell_time(&story, 10);
    tell_message(&story, DD, &fetch);
    tell_time(&story, 10);
    tell_put(&story, three);
    tell_time(&story, 10);
    tell_message(&story, DD, &payload);
    tell_message(&story, DD, &end);
    tell_time(&story, 10);
    put_seed_buf("node", story);
}

static void chatted(void)
{
    buf_t story = {0};
    message_t ping = {.type = MSG_PING}, pong = {.type = MSG_PONG}, bye = {.type = MSG_BYE};
    message_t want = {.type = MSG_WANT_CARDS}, ack = {.type = MSG_ACK}, nope = {.type = MSG_NOPE};
    card_number_t number = {cast()->actors[0].origin, 0};
    want.as.want_cards.count = 1;
    want.as.want_cards.items = &number;
    ack.as.heads.has_credit = true;
    ack.as.heads.credit_limit = 65536;
    nope.as.nope.fetch = 1;
    nope.as.nope.reason = ERR_BUSY;
    bye.as.bye.reason = ERR_STOPPING;
    tell_message(&story, CC, &ping);
    tell_message(&story, BB, &pong);
    tell_message(&story, BB, &want);
    tell_message(&story, DD, &ack);
    tell_message(&story, BB, &nope);
    tell_time(&story, 12000);
    tell_link(&story, DD, 1);
    tell_message(&story, CC, &bye);
    tell_time(&story, 70000);
    tell_link(&story, BB, 2);
    tell_time(&story, 1000);
    put_seed_buf("node", story);
}

static void membership_changed(void)
{
    buf_t story = {0};
    card_t *later = sample_card_after(cast()->actors[1].card, 2);
    roster_t *next = sample_roster_after(cast()->charter);
    next->member_count = 3;
    mem_free(next->formers);
    next->formers = mem_alloc(sizeof *next->formers);
    next->formers[0] = (former_t){.code = next->members[3].code,
                                  .origin = next->members[3].origin,
                                  .root_key = next->members[3].root_key};
    next->former_count = 1;
    roster_seal(next);
    tell_commit(&story, 3, 0, CHANGE_RECORD, 0, one);
    event_of(&story, TELL_CARD, 1, buf_copy(buf_span(&later->body)));
    tell_time(&story, 10);
    wire_append(&story, TELL_ROSTER, buf_span(&next->body));
    tell_time(&story, 10);
    wire_append(&story, TELL_ROSTER, buf_span(&next->body));
    tell_time(&story, 2000);
    put_seed_buf("node", story);
    card_destroy(&later);
    roster_destroy(&next);
}

static void beaconed(void)
{
    buf_t story = {0}, empty = {0};
    Enlace__V1__Head **heads = wire_put_heads(&(head_t){feed_of(2), 7, {{3}}}, 1);
    Enlace__V1__Beacon beacon = ENLACE__V1__BEACON__INIT;
    WIRE_SET_BYTES(&beacon, coalition, &cast()->charter->hash);
    WIRE_SET_BYTES(&beacon, origin, &cast()->actors[2].origin);
    WIRE_SET(&beacon, sequence, 1700000000000);
    WIRE_SET(&beacon, card_number, 1);
    beacon.n_own = 1;
    beacon.own = heads;
    static const preimage_t top = {{'t', 'o', 'p'}}; // of all chains, as in seal.c
    beacon_t said = {.origin = cast()->actors[2].origin, .sequence = 1700000000000};
    preimage_t anchor = pulse_preimage(&said, &top, 0);
    WIRE_SET_BYTES(&beacon, anchor, &anchor);
    pulse_t pulses[2] = {{said.origin, said.sequence, 4, pulse_preimage(&said, &top, 4)},
                         {said.origin, said.sequence + 1, 1, pulse_preimage(&said, &top, 1)}};
    message_t pulsed = {.type = MSG_BEACONS}, want = {.type = MSG_WANT_BEACONS};
    pulsed.as.signed_items.pulse_count = 2;
    pulsed.as.signed_items.pulses = pulses;
    want.as.want_beacons.count = 1;
    want.as.want_beacons.origins = &said.origin;
    event_of(&story, TELL_BEACON, 2, bounded_pack(&beacon.base));
    event_of(&story, TELL_PUBLICATION, 1, empty);
    tell_message(&story, CC, &pulsed);
    tell_message(&story, BB, &want);
    tell_time(&story, 10000);
    tell_time(&story, 90000);
    tell_time(&story, 900000);
    put_seed_buf("node", story);
    mem_free(heads);
}

void node_seeds(void)
{
    published();
    fetched();
    forked();
    copied();
    asked();
    chatted();
    membership_changed();
    beaconed();
}
