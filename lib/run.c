// Runs: consecutive commits of one feed, sent together.
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "enlace/v1/commit.pb-c.h"
#include "lib/bounded.h"
#include "lib/commit.h"
#include "lib/mem.h"
#include "lib/wire.h"

// 4 fields of the feed, and 32 commits of 256 payloads of 4 fields each. Memory:
// 1 MiB of content, and 8192 payloads at some 130 bytes with what protobuf-c
// needs to find them.
static const limits_t run_limits = {
    .bytes = RUN_BYTES_MAX,
    .fields = 36u * 1024,
    .depth = 3,
    .memory = 6u * 1024 * 1024,
    .unknown = true,
};

// ---- reading ----

typedef struct {
    payload_state_t states[COMMIT_CHANGES_MAX];
    uint8_t salts[COMMIT_CHANGES_MAX][SALT_SIZE];
    span_t bodies[COMMIT_CHANGES_MAX];
} payloads_t;

static void read_payloads(wire_t *wire, const Enlace__V1__Commit *message, payloads_t *payloads)
{
    wire_count(wire, "payloads", message->n_payloads, 1, COMMIT_CHANGES_MAX);
    for (size_t i = 0; i < message->n_payloads && !wire->err; i++) {
        wire_t inside = wire_inside(wire, "payloads", i + 1);
        wire_payload(&inside, message->payloads[i], &payloads->states[i], payloads->salts[i],
                     &payloads->bodies[i]);
        wire->err = inside.err;
    }
}

// commit_decode names places from the commit on: put the commit's own before them.
static void extend_path(fault_t *fault, const wire_t *wire)
{
    char path[WIRE_PATH];
    char whole[WIRE_PATH + sizeof fault->where + 2] = "";
    if (!fault)
        return;
    wire_path(wire, path);
    snprintf(whole, sizeof whole, "%s%s%s", path, *fault->where ? "." : "", fault->where);
    whole[sizeof fault->where - 1] = '\0';
    memcpy(fault->where, whole, sizeof fault->where);
}

static void read_commit(wire_t *wire, const Enlace__V1__Commit *message, const feed_t *feed,
                        commit_t **commit)
{
    payloads_t payloads;
    span_t header = {0};
    signature_t signature;
    WIRE_SPAN(wire, message, header, COMMIT_BYTES_MAX, &header);
    if (message->has_signature)
        WIRE_BYTES(wire, message, signature, &signature);
    read_payloads(wire, message, &payloads);
    if (wire->err)
        return;
    wire->err =
        commit_decode(header, message->has_signature ? signature.bytes : NULL, message->n_payloads,
                      payloads.states, (const uint8_t(*)[SALT_SIZE])payloads.salts, payloads.bodies,
                      commit, wire->fault);
    if (wire->err)
        extend_path(wire->fault, wire);
    else if (!feed_equal(feed, &(*commit)->feed))
        wire_refuse(wire, ERR_BAD_VALUE, "header");
}

static err_t read_run(const Enlace__V1__Run *message, run_t *run, fault_t *fault)
{
    wire_t wire = {.fault = fault};
    wire_feed(&wire, "feed", message->feed, &run->feed);
    wire_count(&wire, "commits", message->n_commits, 1, RUN_COMMITS_MAX);
    for (size_t i = 0; i < message->n_commits && !wire.err; i++) {
        wire_t inside = wire_inside(&wire, "commits", i + 1);
        read_commit(&inside, message->commits[i], &run->feed, &run->commits[i]);
        run->count += run->commits[i] != NULL;
        wire.err = inside.err;
    }
    return wire.err;
}

err_t run_unpack(span_t bytes, run_t *run, fault_t *fault)
{
    ProtobufCMessage *message = NULL;
    *run = (run_t){0};
    err_t err = bounded_unpack(&enlace__v1__run__descriptor, bytes, &run_limits, &message, fault);
    if (err)
        return err;
    err = read_run((const Enlace__V1__Run *)message, run, fault);
    bounded_free(message);
    if (err)
        run_clear(run);
    return err;
}

err_t run_decode(span_t bytes, run_t *run, fault_t *fault)
{
    return run_scan(bytes, run) ? ERR_OK : run_unpack(bytes, run, fault);
}

void run_clear(run_t *run)
{
    for (size_t i = 0; i < run->count; i++)
        commit_destroy(&run->commits[i]);
    *run = (run_t){0};
}

// ---- writing ----

// One commit as a message, with what it points at.
typedef struct {
    Enlace__V1__Commit message;
    Enlace__V1__Payload *payloads;
    Enlace__V1__Payload **list;
} packed_commit_t;

static void put_commit(packed_commit_t *to, const commit_t *commit)
{
    to->payloads = mem_alloc_array(commit->count, sizeof *to->payloads);
    to->list = mem_alloc_array(commit->count, sizeof(Enlace__V1__Payload *));
    for (size_t i = 0; i < commit->count; i++) {
        const change_t *change = &commit->changes[i];
        to->list[i] = &to->payloads[i];
        wire_put_payload(to->list[i], change->state, change->salt, change->body);
    }
    enlace__v1__commit__init(&to->message);
    WIRE_SET(&to->message, header, wire_data(commit->header.data, commit->header.size));
    to->message.n_payloads = commit->count;
    to->message.payloads = to->list;
    if (commit->has_signature)
        WIRE_SET_BYTES(&to->message, signature, &commit->signature);
}

buf_t run_encode(const feed_t *feed, commit_t *const *commits, size_t count)
{
    assert(count <= RUN_COMMITS_MAX);
    packed_commit_t packed[RUN_COMMITS_MAX];
    Enlace__V1__Commit *list[RUN_COMMITS_MAX];
    Enlace__V1__Feed feed_message;
    Enlace__V1__Run run = ENLACE__V1__RUN__INIT;
    wire_put_feed(&feed_message, feed);
    for (size_t i = 0; i < count; i++) {
        put_commit(&packed[i], commits[i]);
        list[i] = &packed[i].message;
    }
    run.feed = &feed_message;
    run.n_commits = count;
    run.commits = list;
    buf_t bytes = bounded_pack(&run.base);
    for (size_t i = 0; i < count; i++) {
        mem_free(packed[i].payloads);
        mem_free(packed[i].list);
    }
    return bytes;
}
