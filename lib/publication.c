// Publications: what goes over PUB/SUB, a topic and a body.
#include <string.h>

#include "enlace/v1/link.pb-c.h"
#include "lib/bounded.h"
#include "lib/mem.h"
#include "lib/message.h"
#include "lib/signed_items.h"
#include "lib/wire.h"

// One commit of up to 256 payloads, or a beacon, or 256 pulses.
static const limits_t publication_limits = {
    .bytes = PUBLISH_BYTES_MAX,
    .fields = 2048,
    .depth = 4,
    .memory = 256u * 1024,
    .unknown = true,
};

// ---- reading ----

// Only what may stand alone: one commit, its own signature, an open lane.
static err_t check_run(const run_t *run, fault_t *fault)
{
    if (run->count != 1)
        return fault_set(fault, ERR_TOO_MANY, "run.commits", NULL);
    if (!run->commits[0]->has_signature)
        return fault_set(fault, ERR_UNSIGNED, "run.commits.1", NULL);
    if (run->feed.lane >= LANE_OPEN_COUNT)
        return fault_set(fault, ERR_NOT_ALLOWED, "run.feed.lane", NULL);
    return ERR_OK;
}

static err_t read_run(const Enlace__V1__Run *message, publication_t *publication, fault_t *fault)
{
    buf_t bytes = bounded_pack(&message->base);
    err_t err = run_decode(buf_span(&bytes), &publication->run, fault);
    buf_free(&bytes);
    return err ? err : check_run(&publication->run, fault);
}

static err_t read_beacons(const Enlace__V1__Beacons *message, publication_t *publication,
                          fault_t *fault)
{
    wire_t wire = {.fault = fault, .name = "beacons"};
    signed_items_beacons(&wire, message, &publication->beacons, &publication->packed,
                         &publication->pulses);
    return wire.err;
}

static err_t read_body(const Enlace__V1__Publication *message, publication_t *publication,
                       fault_t *fault)
{
    wire_t wire = {.fault = fault};
    publication->type = (publication_type_t)message->body_case;
    switch (message->body_case) {
    case ENLACE__V1__PUBLICATION__BODY_RUN:
        return read_run(message->run, publication, fault);
    case ENLACE__V1__PUBLICATION__BODY_HEAD:
        wire_head(&wire, "head", WIRE_NO_PLACE, message->head, &publication->head);
        return wire.err;
    case ENLACE__V1__PUBLICATION__BODY_BEACONS:
        return read_beacons(message->beacons, publication, fault);
    default:
        return fault_set(fault, ERR_UNKNOWN_MESSAGE, "", NULL);
    }
}

err_t publication_decode(span_t topic, span_t body, const hash_t *coalition,
                         publication_t *publication, fault_t *fault)
{
    ProtobufCMessage *message = NULL;
    *publication = (publication_t){0};
    if (!span_equal(topic, span_of(coalition->bytes, TOPIC_SIZE)))
        return fault_set(fault, ERR_BAD_TOPIC, "", NULL);
    err_t err = bounded_unpack(&enlace__v1__publication__descriptor, body, &publication_limits,
                               &message, fault);
    if (err)
        return err;
    err = read_body((const Enlace__V1__Publication *)message, publication, fault);
    bounded_free(message);
    if (err)
        publication_clear(publication);
    return err;
}

void publication_clear(publication_t *publication)
{
    run_clear(&publication->run);
    buf_free(&publication->packed);
    mem_free(publication->pulses);
    *publication = (publication_t){0};
}

// ---- writing ----

// The bytes as the only field of a publication. Takes *inner.
static buf_t wrap(publication_type_t type, buf_t *inner)
{
    buf_t body = {0};
    wire_append(&body, type, buf_span(inner));
    buf_free(inner);
    return body;
}

// A commit without its signature or with content missing is nothing that a
// follower could apply: its head makes it ask.
static bool stands_alone(const commit_t *commit)
{
    for (size_t i = 0; i < commit->count; i++)
        if (commit->changes[i].state == PAYLOAD_MISSING)
            return false;
    return commit->has_signature && commit->feed.lane < LANE_OPEN_COUNT &&
           commit_encoded_size(commit) < PUBLISH_BYTES_MAX;
}

buf_t publication_of_head(const head_t *head)
{
    Enlace__V1__Head **list = wire_put_heads(head, 1);
    buf_t inner = bounded_pack(&list[0]->base);
    mem_free(list);
    return wrap(PUB_HEAD, &inner);
}

buf_t publication_of_commit(const commit_t *commit)
{
    if (stands_alone(commit)) {
        commit_t *one = NULL;
        memcpy(&one, &commit, sizeof one); // run_encode only reads it
        buf_t inner = run_encode(&commit->feed, &one, 1);
        buf_t body = wrap(PUB_RUN, &inner);
        if (body.size <= PUBLISH_BYTES_MAX)
            return body;
        buf_free(&body);
    }
    return publication_of_head(&(head_t){commit->feed, commit->last, commit->hash});
}

buf_t publication_of_beacons(const signed_items_t *beacons)
{
    buf_t inner = signed_items_write(beacons);
    return wrap(PUB_BEACONS, &inner);
}

buf_t publication_of_beacon(span_t signed_beacon)
{
    return publication_of_beacons(&(signed_items_t){.count = 1, .items = {signed_beacon}});
}
