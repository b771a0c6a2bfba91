// Publications: 16 bytes of topic, then the body.
#include "enlace/v1/link.pb-c.h"
#include "lib/message.h"
#include "tests/fuzz/check_commit.h"
#include "tests/fuzz/fuzz.h"

static const hash_t coalition = {{'t', 'o', 'p', 'i', 'c'}};

static void check_beacon(span_t bytes)
{
    beacon_t *beacon = NULL;
    fault_t fault = {0};
    FUZZ_EXPECT(bytes.size <= BEACON_BYTES_MAX);
    fuzz_refused(beacon_decode(bytes, &beacon, &fault), &fault);
    beacon_destroy(&beacon);
    buf_t body = publication_of_beacon(bytes);
    publication_t again;
    FUZZ_EXPECT(publication_decode(span_of(coalition.bytes, TOPIC_SIZE), buf_span(&body),
                                   &coalition, &again, &fault) == ERR_OK);
    FUZZ_EXPECT(again.type == PUB_BEACON && span_equal(again.beacon, bytes));
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
    case PUB_BEACON:
        check_beacon(publication->beacon);
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
