// Link messages, and inside them whatever is signed, with the decoders that the
// core gives it to.
#include <string.h>

#include "enlace/v1/link.pb-c.h"
#include "lib/message.h"
#include "tests/fuzz/check_commit.h"
#include "tests/fuzz/fuzz.h"

static void look_at_items(const message_t *message)
{
    size_t most = message->type == MSG_BEACONS ? MESSAGE_PULSES_MAX : 0;
    FUZZ_EXPECT(message->as.signed_items.pulse_count <= most);
    for (size_t i = 0; i < message->as.signed_items.count; i++) {
        span_t item = message->as.signed_items.items[i];
        fault_t fault = {0};
        roster_t *roster = NULL;
        beacon_t *beacon = NULL;
        card_t *card = NULL;
        if (message->type == MSG_ROSTERS)
            fuzz_refused(roster_decode(item, &roster, &fault), &fault);
        else if (message->type == MSG_CARDS)
            fuzz_refused(card_decode(item, &card, &fault), &fault);
        else
            fuzz_refused(beacon_decode(item, &beacon, &fault), &fault);
        roster_destroy(&roster);
        beacon_destroy(&beacon);
        card_destroy(&card);
    }
}

static void look_at_proof(const message_t *message)
{
    run_t run;
    fault_t fault = {0};
    err_t err = run_decode(message->as.proof.run, &run, &fault);
    fuzz_refused(err, &fault);
    if (!err)
        check_run(&run);
    run_clear(&run);
}

static void look_inside(const message_t *message)
{
    bool items =
        message->type == MSG_ROSTERS || message->type == MSG_CARDS || message->type == MSG_BEACONS;
    if (items)
        look_at_items(message);
    else if (message->type == MSG_PROOF)
        look_at_proof(message);
    else if (message->type == MSG_HEADS || message->type == MSG_ACK)
        FUZZ_EXPECT(message->as.heads.count <= MESSAGE_HEADS_MAX);
    else if (message->type == MSG_RUN_PART)
        FUZZ_EXPECT(message->as.run_part.bytes.size <= PART_BYTES_MAX);
    else if (message->type == MSG_WANT_BEACONS)
        FUZZ_EXPECT(message->as.want_beacons.count <= WANT_BEACONS_MAX);
    else if (message->type == MSG_HELLO)
        FUZZ_EXPECT(message->as.hello.card_count <= HELLO_CARDS_MAX);
}

// What is encoded reads as the same, and encodes to the same.
static void check_stable(const message_t *message)
{
    message_t again;
    fault_t fault = {0};
    buf_t bytes = message_encode(message);
    err_t err = message_decode(buf_span(&bytes), &again, &fault);
    FUZZ_EXPECT(err == ERR_OK && again.type == message->type);
    FUZZ_EXPECT(again.has_session == message->has_session);
    buf_t twice = message_encode(&again);
    FUZZ_EXPECT(span_equal(buf_span(&bytes), buf_span(&twice)));
    message_clear(&again);
    buf_free(&bytes);
    buf_free(&twice);
}

static void one(span_t input)
{
    message_t message;
    fault_t fault = {0};
    err_t err = message_decode(input, &message, &fault);
    fuzz_refused(err, &fault);
    FUZZ_EXPECT(!err || !message.memory);
    if (err)
        return;
    FUZZ_EXPECT(input.size <= LINK_MESSAGE_MAX);
    FUZZ_EXPECT(strcmp(message_type_name(message.type), "unknown") != 0);
    FUZZ_EXPECT(message.has_session == (message.type != MSG_HELLO));
    look_inside(&message);
    check_stable(&message);
    message_clear(&message);
    FUZZ_EXPECT(!message.memory);
}

const fuzz_target_t fuzz_target = {
    .one = one, .type = &enlace__v1__link_message__descriptor, .peak_bytes = 48 * 1024 * 1024};
