// What hostile relays do to what they pass on, and bad wires to anything. Their
// own process is the honest one: the harm is done to bytes that have left it.
#include <string.h>

#include "lib/mem.h"
#include "tests/sim/play.h"
#include "tests/sim/wire.h"

static bool acts(play_t *play, hostility_t how)
{
    play->hostilities[how]++;
    return true;
}

// ---- one byte ----

static void flip(play_t *play, buf_t *bytes)
{
    if (bytes->size)
        bytes->data[dice_below(&play->wire, bytes->size)] ^=
            (uint8_t)(1u << dice_below(&play->wire, 8));
}

// What a commit in the middle of a run says of the one before it: its own hash
// becomes another one by that, and the signature at the end stays good.
static void alter_link(play_t *play, const message_t *m, buf_t *message)
{
    run_t run;
    fault_t fault;
    if (m->as.run_part.unpacked)
        flip(play, message);
    if (m->as.run_part.unpacked || run_decode(m->as.run_part.bytes, &run, &fault))
        return;
    size_t at = run.count > 1 ? (size_t)dice_below(&play->wire, run.count - 1) : 0;
    uint8_t *found = run.count > 1 ? memmem(message->data, message->size,
                                            run.commits[at]->previous.bytes, HASH_SIZE)
                                   : NULL;
    if (found)
        found[dice_below(&play->wire, HASH_SIZE)] ^= 1;
    else
        flip(play, message);
    run_clear(&run);
}

// A pulse of its own making goes on with the beacon that it continues: its author is
// there, it says, and nothing has changed.
static bool make_up_pulse(play_t *play, buf_t *bytes)
{
    const hash_t *coalition = &world_roster(play->world)->hash;
    publication_t publication;
    beacon_t *beacon = NULL;
    fault_t fault;
    if (publication_decode(span_of(coalition->bytes, TOPIC_SIZE), buf_span(bytes), coalition,
                           &publication, &fault))
        return false;
    bool made = publication.type == PUB_BEACONS && publication.beacons.count == 1 &&
                !beacon_decode(publication.beacons.items[0], &beacon, &fault);
    if (made) {
        pulse_t pulse = {beacon->origin, beacon->sequence,
                         1 + (uint32_t)dice_below(&play->wire, PULSE_STEPS_MAX), beacon->anchor};
        publication.beacons.pulse_count = 1;
        publication.beacons.pulses = &pulse;
        buf_free(bytes);
        *bytes = publication_of_beacons(&publication.beacons);
    }
    beacon_destroy(&beacon);
    publication_clear(&publication);
    return made;
}

static bool alter(play_t *play, bool publication, buf_t *bytes)
{
    message_t message;
    fault_t fault;
    if (publication) {
        if (!dice_chance(&play->wire, 500) || !make_up_pulse(play, bytes))
            flip(play, bytes);
        return acts(play, ALTERS);
    }
    if (message_decode(buf_span(bytes), &message, &fault))
        return true;
    // Of content only: an altered greeting would merely end the session.
    bool content = message.type == MSG_RUN_PART || message.type == MSG_CARDS ||
                   message.type == MSG_ROSTERS || message.type == MSG_BEACONS ||
                   message.type == MSG_PAYLOAD_FOUND;
    if (content && message.type == MSG_RUN_PART && dice_chance(&play->wire, 500))
        alter_link(play, &message, bytes);
    else if (content)
        flip(play, bytes);
    message_clear(&message);
    return !content || acts(play, ALTERS);
}

// ---- one origin ----

static bool drop_heads(play_t *play, const hostile_t *hostile, message_t *message, buf_t *bytes)
{
    size_t kept = 0;
    for (size_t i = 0; i < message->as.heads.count; i++)
        if (!origin_equal(&message->as.heads.items[i].feed.origin, &hostile->victim))
            message->as.heads.items[kept++] = message->as.heads.items[i];
    if (kept == message->as.heads.count)
        return true;
    message->as.heads.count = kept;
    buf_free(bytes);
    *bytes = message_encode(message);
    return acts(play, WITHHOLDS);
}

static bool withhold_publication(play_t *play, const hostile_t *hostile, buf_t *bytes)
{
    const hash_t *coalition = &world_roster(play->world)->hash;
    publication_t publication;
    fault_t fault;
    if (publication_decode(span_of(coalition->bytes, TOPIC_SIZE), buf_span(bytes), coalition,
                           &publication, &fault))
        return true;
    bool passes = publication.type != PUB_RUN ||
                  !origin_equal(&publication.run.feed.origin, &hostile->victim);
    publication_clear(&publication);
    return passes || !acts(play, WITHHOLDS);
}

static bool withhold(play_t *play, const hostile_t *hostile, bool publication, buf_t *bytes)
{
    message_t message;
    fault_t fault;
    if (publication)
        return withhold_publication(play, hostile, bytes);
    if (message_decode(buf_span(bytes), &message, &fault))
        return true;
    if (message.type == MSG_HEADS || message.type == MSG_ACK)
        drop_heads(play, hostile, &message, bytes);
    message_clear(&message);
    return true;
}

// ---- another order ----

// Now and then what it sent before takes the place of what it was to send.
static bool replay(play_t *play, hostile_t *hostile, bool publication, buf_t *bytes)
{
    if (dice_chance(&play->wire, 200) && hostile->kept.size &&
        hostile->kept_publication == publication) {
        buf_t old = buf_copy(buf_span(&hostile->kept));
        buf_free(bytes);
        *bytes = old;
        return acts(play, REPLAYS);
    }
    if (dice_chance(&play->wire, 300)) {
        buf_free(&hostile->kept);
        hostile->kept = buf_copy(buf_span(bytes));
        hostile->kept_publication = publication;
    }
    return true;
}

// Holds one back and lets it go in place of the next to the same node, which it
// holds back in turn.
static bool reorder(play_t *play, hostile_t *hostile, size_t to, bool publication, buf_t *bytes)
{
    if (hostile->kept.size && hostile->kept_for == to && hostile->kept_publication == publication) {
        buf_t first = *bytes;
        *bytes = hostile->kept;
        hostile->kept = first;
        return acts(play, REORDERS);
    }
    if (hostile->kept.size || !dice_chance(&play->wire, 200))
        return true;
    hostile->kept = buf_copy(buf_span(bytes));
    hostile->kept_for = to;
    hostile->kept_publication = publication;
    return false;
}

// ---- payloads that are said not to be there ----

static bool deny_in(play_t *play, run_t *run)
{
    bool any = false;
    for (size_t i = 0; i < run->count; i++)
        for (size_t k = 0; k < run->commits[i]->count; k++) {
            change_t *change = &run->commits[i]->changes[k];
            if (change->state != PAYLOAD_PRESENT || dice_chance(&play->wire, 500))
                continue;
            change->state = dice_chance(&play->wire, 500) ? PAYLOAD_ERASED : PAYLOAD_MISSING;
            memset(change->salt, 0, sizeof change->salt);
            change->body = (span_t){0};
            any = true;
        }
    return any;
}

static buf_t denied(play_t *play, const message_t *m)
{
    run_t run;
    fault_t fault;
    buf_t altered = {0};
    if (run_of_part(m, &run, &fault))
        return altered;
    if (deny_in(play, &run))
        altered = run_encode(&run.feed, run.commits, run.count);
    run_clear(&run);
    return altered;
}

// Another payload than the one that was asked for.
static void flip_last(play_t *play, const message_t *message, buf_t *bytes)
{
    span_t body = message->as.payload.body;
    uint8_t *found = memmem(bytes->data, bytes->size, body.data, body.size);
    if (found && dice_chance(&play->wire, 700) && acts(play, DENIES))
        found[body.size - 1] ^= 1;
}

static bool deny(play_t *play, bool publication, buf_t *bytes)
{
    message_t message;
    fault_t fault;
    if (publication || message_decode(buf_span(bytes), &message, &fault))
        return true;
    if (message.type == MSG_PAYLOAD_FOUND && message.as.payload.body.size)
        flip_last(play, &message, bytes);
    buf_t run = {0};
    if (message.type == MSG_RUN_PART && message.as.run_part.index == 0 && message.as.run_part.last)
        run = denied(play, &message);
    if (run.size) {
        message.as.run_part.bytes = buf_span(&run);
        message.as.run_part.unpacked = 0;
        buf_free(bytes);
        *bytes = message_encode(&message);
        acts(play, DENIES);
    }
    message_clear(&message);
    buf_free(&run);
    return true;
}

// What the next version may add to a message: a field that this one does not know.
static void add_field(play_t *play, buf_t *bytes)
{
    static const uint8_t field[] = {0xf8, 0x7f, 0x01}; // number 2047, a varint
    buf_append(bytes, span_of(field, sizeof field));
    play->newer_messages++;
}

static bool stall(play_t *play, bool publication, const buf_t *bytes)
{
    message_t message;
    fault_t fault;
    if (publication || message_decode(buf_span(bytes), &message, &fault))
        return true;
    bool content = message.type == MSG_RUN_PART || message.type == MSG_PAYLOAD_FOUND;
    message_clear(&message);
    return !content || !acts(play, STALLS);
}

bool hostile_tamper(void *context, size_t from, size_t to, bool publication, buf_t *bytes)
{
    play_t *play = context;
    hostile_t *hostile = &play->hostile[from];
    if (play->flip[from][to] || hostile->how != HONEST)
        oracle_altered(play->oracle, from, to);
    if (play->newer[from])
        add_field(play, bytes);
    if (play->flip[from][to]) {
        play->flip[from][to] = false;
        play->wire_flips++;
        play->liar[from] = true; // a real line would have ended: its cipher finds out
        flip(play, bytes);
    }
    switch (hostile->how) {
    case ALTERS:
        return dice_chance(&play->wire, 500) || alter(play, publication, bytes);
    case WITHHOLDS:
        return withhold(play, hostile, publication, bytes);
    case REPLAYS:
        return replay(play, hostile, publication, bytes);
    case REORDERS:
        return reorder(play, hostile, to, publication, bytes);
    case DENIES:
        return deny(play, publication, bytes);
    case STALLS:
        return stall(play, publication, bytes);
    default:
        return true;
    }
}
