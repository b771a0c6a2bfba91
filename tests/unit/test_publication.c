#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/mem.h"
#include "lib/message.h"
#include "lib/wire.h"
#include "tests/unit/hostile.h"
#include "tests/unit/protocol_samples.h"

static int start(void **state)
{
    (void)state;
    return (int)crypto_start();
}

static err_t decode(span_t body, publication_t *publication, fault_t *fault)
{
    uint8_t *exact = mem_alloc(body.size);
    if (body.size)
        memcpy(exact, body.data, body.size);
    span_t topic = {sample_coalition.bytes, TOPIC_SIZE};
    err_t err =
        publication_decode(topic, span_of(exact, body.size), &sample_coalition, publication, fault);
    mem_free(exact);
    if (err)
        assert_int_equal(publication->run.count + (publication->packed.data != NULL), 0);
    return err;
}

static void expect_run(const commit_t *commit)
{
    publication_t publication;
    buf_t body = publication_of_commit(commit);
    assert_int_equal(decode(buf_span(&body), &publication, NULL), ERR_OK);
    assert_int_equal(publication.type, PUB_RUN);
    assert_true(body.size <= PUBLISH_BYTES_MAX);
    assert_int_equal(publication.run.count, 1);
    assert_true(hash_equal(&publication.run.commits[0]->hash, &commit->hash));
    assert_true(publication.run.commits[0]->has_signature);
    publication_clear(&publication);
    publication_clear(&publication);
    buf_free(&body);
}

static void expect_head(const commit_t *commit)
{
    publication_t publication;
    buf_t body = publication_of_commit(commit);
    assert_int_equal(decode(buf_span(&body), &publication, NULL), ERR_OK);
    assert_int_equal(publication.type, PUB_HEAD);
    assert_true(feed_equal(&publication.head.feed, &commit->feed));
    assert_int_equal(publication.head.number, commit->last);
    assert_true(hash_equal(&publication.head.hash, &commit->hash));
    publication_clear(&publication);
    buf_free(&body);
}

static void small_commits_are_published_whole(void **state)
{
    (void)state;
    commit_t *commit = sample_commit(1, NULL, 3, 100);
    expect_run(commit);
    commit->changes[1].state = PAYLOAD_ERASED;
    expect_run(commit);
    commit_destroy(&commit);
    commit = sample_commit(1, NULL, 256, 0);
    expect_head(commit); // 256 times 24 bytes beside the header and 40 in it
    commit_destroy(&commit);
}

// Around 16 KiB, one or the other, and never a body above.
static void the_bound_between_whole_and_head(void **state)
{
    (void)state;
    size_t runs = 0;
    size_t heads = 0;
    for (size_t size = 15900; size < 16400; size += 7) {
        commit_t *commit = sample_commit(1, NULL, 1, size);
        buf_t body = publication_of_commit(commit);
        assert_true(body.size <= PUBLISH_BYTES_MAX);
        bool run = body.size > 1000;
        assert_true(!run || heads == 0);
        runs += run;
        heads += !run;
        buf_free(&body);
        if (run)
            expect_run(commit);
        else
            expect_head(commit);
        commit_destroy(&commit);
    }
    assert_true(runs > 0 && heads > 0);
}

static void what_cannot_stand_alone_is_a_head(void **state)
{
    (void)state;
    commit_t *commit = sample_commit(1, NULL, 2, 10);
    commit->has_signature = false;
    expect_head(commit);
    commit->has_signature = true;
    commit->changes[0].state = PAYLOAD_MISSING;
    expect_head(commit);
    commit->changes[0].state = PAYLOAD_PRESENT;
    expect_run(commit);
    commit->feed.lane = 2; // sealed lanes are not for everybody
    expect_head(commit);
    commit_destroy(&commit);
}

static void beacons_pass_as_they_are(void **state)
{
    (void)state;
    publication_t publication;
    buf_t beacon = from_hex("0a 02 10 01 12 03 010203");
    buf_t body = publication_of_beacon(buf_span(&beacon));
    expect_hex("1a0b0a090a0210011203010203", body.data, body.size);
    assert_int_equal(decode(buf_span(&body), &publication, NULL), ERR_OK);
    assert_int_equal(publication.type, PUB_BEACONS);
    assert_int_equal(publication.beacons.count, 1);
    assert_true(span_equal(publication.beacons.items[0], buf_span(&beacon)));
    publication_clear(&publication);
    assert_null(publication.packed.data);
    buf_free(&beacon);
    buf_free(&body);
}

// As many as one likes, which publication_of_beacons does not write.
static buf_t list_of(const pulse_t *pulses, size_t count)
{
    buf_t list = {0}, body = {0};
    for (size_t i = 0; i < count; i++) {
        signed_items_t one = {.pulse_count = 1, .pulses = &pulses[i]};
        buf_t published = publication_of_beacons(&one);
        buf_append(&list, span_of(published.data + 2, published.size - 2)); // tag, one byte of size
        buf_free(&published);
    }
    wire_append(&body, PUB_BEACONS, buf_span(&list));
    buf_free(&list);
    return body;
}

static void pulses_come_back(void **state)
{
    (void)state;
    publication_t publication;
    pulse_t pulses[MESSAGE_PULSES_MAX + 1];
    for (uint32_t i = 0; i <= MESSAGE_PULSES_MAX; i++) {
        pulses[i] = (pulse_t){.sequence = NUMBER_MAX, .step = PULSE_STEPS_MAX};
        memset(pulses[i].origin.bytes, (int)i, ORIGIN_SIZE);
        memset(pulses[i].preimage.bytes, 255, PREIMAGE_SIZE);
    }
    for (size_t count = MESSAGE_PULSES_MAX; count <= MESSAGE_PULSES_MAX + 1; count++) {
        buf_t body = list_of(pulses, count);
        assert_true(body.size <= PUBLISH_BYTES_MAX);
        bool over = count > MESSAGE_PULSES_MAX;
        assert_int_equal(decode(buf_span(&body), &publication, NULL), over ? ERR_TOO_MANY : ERR_OK);
        assert_int_equal(publication.beacons.pulse_count, over ? 0 : count);
        for (size_t i = 0; i < publication.beacons.pulse_count; i++) {
            const pulse_t *pulse = &publication.beacons.pulses[i];
            assert_memory_equal(pulse->origin.bytes, pulses[i].origin.bytes, ORIGIN_SIZE);
            assert_int_equal(pulse->sequence, NUMBER_MAX);
            assert_int_equal(pulse->step, PULSE_STEPS_MAX);
            assert_memory_equal(pulse->preimage.bytes, pulses[i].preimage.bytes, PREIMAGE_SIZE);
        }
        publication_clear(&publication);
        assert_null(publication.pulses);
        buf_free(&body);
    }
}

static void heads_come_back(void **state)
{
    (void)state;
    publication_t publication;
    head_t head = {sample_feed(), 42, {{7}}};
    buf_t body = publication_of_head(&head);
    assert_int_equal(decode(buf_span(&body), &publication, NULL), ERR_OK);
    assert_int_equal(publication.type, PUB_HEAD);
    assert_int_equal(publication.head.number, 42);
    publication_clear(&publication);
    buf_free(&body);
}

static void topics(void **state)
{
    (void)state;
    publication_t publication;
    head_t head = {sample_feed(), 42, {{7}}};
    hash_t other = sample_coalition;
    other.bytes[15] ^= 1;
    buf_t body = publication_of_head(&head);
    span_t bytes = buf_span(&body);
    const uint8_t *id = sample_coalition.bytes;
    assert_int_equal(
        publication_decode(span_of(id, 15), bytes, &sample_coalition, &publication, NULL),
        ERR_BAD_TOPIC);
    assert_int_equal(
        publication_decode(span_of(id, 17), bytes, &sample_coalition, &publication, NULL),
        ERR_BAD_TOPIC);
    assert_int_equal(
        publication_decode(span_of(NULL, 0), bytes, &sample_coalition, &publication, NULL),
        ERR_BAD_TOPIC);
    assert_int_equal(publication_decode(span_of(id, 16), bytes, &other, &publication, NULL),
                     ERR_BAD_TOPIC);
    assert_int_equal(
        publication_decode(span_of(id, 16), bytes, &sample_coalition, &publication, NULL), ERR_OK);
    publication_clear(&publication);
    buf_free(&body);
}

static void refused(const char *hex, err_t expected, const char *where)
{
    publication_t publication;
    fault_t fault = {ERR_OK, "", ""};
    buf_t body = from_hex(hex);
    err_t err = decode(buf_span(&body), &publication, &fault);
    if (err != expected || strcmp(fault.where, where) != 0)
        fail_msg("%s: %s at \"%s\"", hex, err_name(err), fault.where);
    buf_free(&body);
}

static void what_is_no_publication(void **state)
{
    (void)state;
    refused("", ERR_UNKNOWN_MESSAGE, "");
    refused("22 00", ERR_UNKNOWN_MESSAGE, "");
    refused("0a 00", ERR_MISSING_FIELD, "feed");
    refused("12 00", ERR_MISSING_FIELD, "head.feed");
    refused("12 00 1a 00", ERR_DUPLICATE_FIELD, "beacons");
    refused("12 04 0a 02 10 01", ERR_MISSING_FIELD, "head.feed.origin");
    refused("1b 1c", ERR_BAD_WIRE_TYPE, "beacons");
    publication_t publication;
    buf_t big = {0};
    memset(buf_extend(&big, PUBLISH_BYTES_MAX + 1), 0, PUBLISH_BYTES_MAX + 1);
    assert_int_equal(decode(buf_span(&big), &publication, NULL), ERR_TOO_BIG);
    buf_free(&big);
}

static void what_is_no_pulse(void **state)
{
    (void)state;
#define WHO  "0a 10 000102030405060708090a0b0c0d0e0f"
#define WHAT "22 10 000102030405060708090a0b0c0d0e0f"
    publication_t publication;
    buf_t good = from_hex("1a 2a 12 28" WHO "10 07 18 01" WHAT);
    assert_int_equal(decode(buf_span(&good), &publication, NULL), ERR_OK);
    publication_clear(&publication);
    buf_free(&good);
    refused("1a 18 12 16 10 07 18 01" WHAT, ERR_MISSING_FIELD, "beacons.pulses.1.origin");
    refused("1a 28 12 26" WHO "18 01" WHAT, ERR_MISSING_FIELD, "beacons.pulses.1.sequence");
    refused("1a 2a 12 28" WHO "10 00 18 01" WHAT, ERR_BAD_VALUE, "beacons.pulses.1.sequence");
    refused("1a 28 12 26" WHO "10 07" WHAT, ERR_MISSING_FIELD, "beacons.pulses.1.step");
    refused("1a 2a 12 28" WHO "10 07 18 00" WHAT, ERR_BAD_VALUE, "beacons.pulses.1.step");
    refused("1a 2b 12 29" WHO "10 07 18 8102" WHAT, ERR_BAD_VALUE, "beacons.pulses.1.step");
    refused("1a 18 12 16" WHO "10 07 18 01", ERR_MISSING_FIELD, "beacons.pulses.1.preimage");
    refused("1a 1b 12 19" WHO "10 07 18 01 22 01 00", ERR_BAD_LENGTH, "beacons.pulses.1.preimage");
#undef WHO
#undef WHAT
}

static err_t decode_run(commit_t *const *commits, size_t count)
{
    publication_t publication;
    buf_t body = {0};
    buf_t run = run_encode(&commits[0]->feed, commits, count);
    wire_append(&body, PUB_RUN, buf_span(&run));
    err_t err = decode(buf_span(&body), &publication, NULL);
    publication_clear(&publication);
    buf_free(&run);
    buf_free(&body);
    return err;
}

static void runs_are_one_signed_commit_of_an_open_lane(void **state)
{
    (void)state;
    commit_t *commits[2] = {sample_commit(1, NULL, 1, 10), sample_commit(2, NULL, 1, 10)};
    assert_int_equal(decode_run(commits, 1), ERR_OK);
    assert_int_equal(decode_run(commits, 2), ERR_TOO_MANY);
    commits[0]->has_signature = false;
    assert_int_equal(decode_run(commits, 1), ERR_UNSIGNED);
    commit_destroy(&commits[0]);
    commit_destroy(&commits[1]);
    static const uint8_t seed[32] = {1};
    pubkey_t key;
    hash_t previous = {{0}};
    secret_t *signing = sample_secret(1, &key);
    feed_t feed = sample_feed();
    draft_t draft = {.type = CHANGE_SEALED, .body = span_text("sealed")};
    feed.lane = 2;
    commits[0] =
        commit_author(&feed, 1, &previous, 1, 1, &draft, 1, seed, signing, &sample_coalition);
    assert_int_equal(decode_run(commits, 1), ERR_NOT_ALLOWED);
    commit_destroy(&commits[0]);
    secret_destroy(&signing);
}

static void beacons_are_bounded(void **state)
{
    (void)state;
    publication_t publication;
    for (size_t over = 0; over < 2; over++) {
        buf_t beacon = {0};
        uint8_t *body = mem_alloc(BEACON_BYTES_MAX);
        wire_append(&beacon, 1, span_of(body, BEACON_BYTES_MAX - 3 + over));
        buf_t bytes = publication_of_beacon(buf_span(&beacon));
        assert_int_equal(decode(buf_span(&bytes), &publication, NULL), over ? ERR_TOO_BIG : ERR_OK);
        publication_clear(&publication);
        buf_free(&bytes);
        buf_free(&beacon);
        mem_free(body);
    }
}

static void try_publication(void *context, span_t bytes, size_t place)
{
    publication_t publication;
    span_t topic = {sample_coalition.bytes, TOPIC_SIZE};
    (void)context;
    (void)place;
    if (!publication_decode(topic, bytes, &sample_coalition, &publication, NULL))
        publication_clear(&publication);
}

static void refuse_publication(void *context, span_t bytes, size_t place)
{
    publication_t publication;
    span_t topic = {sample_coalition.bytes, TOPIC_SIZE};
    (void)context;
    (void)place;
    assert_int_not_equal(publication_decode(topic, bytes, &sample_coalition, &publication, NULL),
                         ERR_OK);
}

static void altered_publications(void **state)
{
    (void)state;
    commit_t *commit = sample_commit(1, NULL, 2, 10);
    head_t head = {sample_feed(), 42, {{7}}};
    buf_t beacon = from_hex("0a 02 10 01 12 03 010203");
    buf_t bodies[] = {publication_of_commit(commit), publication_of_head(&head),
                      publication_of_beacon(buf_span(&beacon))};
    for (size_t i = 0; i < 3; i++) {
        hostile_each_bit(buf_span(&bodies[i]), try_publication, NULL);
        hostile_each_prefix(buf_span(&bodies[i]), refuse_publication, NULL);
        hostile_rounds(buf_span(&bodies[i]), (unsigned)i, 2000, try_publication, NULL);
        buf_free(&bodies[i]);
    }
    buf_free(&beacon);
    commit_destroy(&commit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_commits_are_published_whole),
        cmocka_unit_test(the_bound_between_whole_and_head),
        cmocka_unit_test(what_cannot_stand_alone_is_a_head),
        cmocka_unit_test(beacons_pass_as_they_are),
        cmocka_unit_test(pulses_come_back),
        cmocka_unit_test(what_is_no_pulse),
        cmocka_unit_test(heads_come_back),
        cmocka_unit_test(topics),
        cmocka_unit_test(what_is_no_publication),
        cmocka_unit_test(runs_are_one_signed_commit_of_an_open_lane),
        cmocka_unit_test(beacons_are_bounded),
        cmocka_unit_test(altered_publications),
    };
    return cmocka_run_group_tests_name("publication", tests, start, NULL);
}
