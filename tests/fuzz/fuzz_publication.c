// Publications: 16 bytes of topic, then the body.
#include <string.h>

#include "enlace/v1/link.pb-c.h"
#include "lib/message.h"
#include "tests/fuzz/check_commit.h"
#include "tests/fuzz/fuzz.h"

static const hash_t coalition = {{'t', 'o', 'p', 'i', 'c'}};

static void check_pulses(const signed_items_t *one, const signed_items_t *other)
{
    FUZZ_EXPECT(one->pulse_count == other->pulse_count && one->pulse_count <= MESSAGE_PULSES_MAX);
    for (size_t i = 0; i < one->pulse_count; i++) {
        const pulse_t *a = &one->pulses[i], *b = &other->pulses[i];
        FUZZ_EXPECT(origin_equal(&a->origin, &b->origin) && a->sequence == b->sequence);
        FUZZ_EXPECT(a->step == b->step && a->step >= 1 && a->step <= PULSE_STEPS_MAX);
        FUZZ_EXPECT(memcmp(a->preimage.bytes, b->preimage.bytes, PREIMAGE_SIZE) == 0);
    }
}

static void check_beacons(const signed_items_t *beacons)
{
    fault_t fault = {0};
    publication_t again;
    FUZZ_EXPECT(beacons->count <= MESSAGE_BEACONS_MAX);
    buf_t body = publication_of_beacons(beacons);
    FUZZ_EXPECT(publication_decode(span_of(coalition.bytes, TOPIC_SIZE), buf_span(&body),
                                   &coalition, &again, &fault) == ERR_OK);
    FUZZ_EXPECT(again.type == PUB_BEACONS && again.beacons.count == beacons->count);
    for (size_t i = 0; i < beacons->count; i++) {
        beacon_t *beacon = NULL;
        FUZZ_EXPECT(beacons->items[i].size <= BEACON_BYTES_MAX);
        FUZZ_EXPECT(span_equal(again.beacons.items[i], beacons->items[i]));
        fuzz_refused(beacon_decode(beacons->items[i], &beacon, &fault), &fault);
        beacon_destroy(&beacon);
    }
    check_pulses(beacons, &again.beacons);
    publication_clear(&again);
    buf_free(&body);
}

static void check_head(const head_t *head)
{
    publication_t again;
    fault_t fault = {0};
    buf_t body = publication_of_head(head);
    FUZZ_EXPECT(publication_decode(span_of(coalition.bytes, TOPIC_SIZE), buf_span(&body),
                                   &coalition, &again, &fault) == ERR_OK);
    FUZZ_EXPECT(again.type == PUB_HEAD && again.head.number == head->number);
    FUZZ_EXPECT(feed_equal(&again.head.feed, &head->feed) &&
                hash_equal(&again.head.hash, &head->hash));
    publication_clear(&again);
    buf_free(&body);
}

static void check(const publication_t *publication)
{
    switch (publication->type) {
    case PUB_RUN:
        FUZZ_EXPECT(publication->run.count == 1);
        FUZZ_EXPECT(publication->run.commits[0]->has_signature);
        FUZZ_EXPECT(publication->run.feed.lane < LANE_OPEN_COUNT);
        check_run(&publication->run);
        break;
    case PUB_HEAD:
        check_head(&publication->head);
        break;
    case PUB_BEACONS:
        check_beacons(&publication->beacons);
        break;
    default:
        fuzz_failed("a type of publication that is known", __FILE__, __LINE__);
    }
}

static void one(span_t input)
{
    publication_t publication;
    fault_t fault = {0};
    span_t topic = fuzz_bytes(&input, TOPIC_SIZE);
    err_t err = publication_decode(topic, input, &coalition, &publication, &fault);
    fuzz_refused(err, &fault);
    bool topic_fits = span_equal(topic, span_of(coalition.bytes, TOPIC_SIZE));
    FUZZ_EXPECT(topic_fits ? err != ERR_BAD_TOPIC : err == ERR_BAD_TOPIC);
    if (err)
        return;
    FUZZ_EXPECT(input.size <= PUBLISH_BYTES_MAX);
    check(&publication);
    publication_clear(&publication);
}

const fuzz_target_t fuzz_target = {.one = one,
                                   .prefix = TOPIC_SIZE,
                                   .type = &enlace__v1__publication__descriptor,
                                   .peak_bytes = 4 * 1024 * 1024};
