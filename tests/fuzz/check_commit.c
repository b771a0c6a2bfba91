#include "tests/fuzz/check_commit.h"

#include <string.h>

#include "enlace/v1/commit.pb-c.h"
#include "lib/mem.h"
#include "lib/message.h"
#include "tests/fuzz/fuzz.h"

// By protobuf-c alone: the header is the one encoding of what it says.
static void check_canonical(span_t header)
{
    Enlace__V1__CommitHeader *message =
        enlace__v1__commit_header__unpack(NULL, header.size, header.data);
    FUZZ_EXPECT(message);
    buf_t again = {0};
    size_t size = enlace__v1__commit_header__get_packed_size(message);
    enlace__v1__commit_header__pack(message, buf_extend(&again, size));
    FUZZ_EXPECT(span_equal(buf_span(&again), header));
    buf_free(&again);
    enlace__v1__commit_header__free_unpacked(message, NULL);
}

static void check_change(const change_t *change)
{
    FUZZ_EXPECT(change->type > 0);
    FUZZ_EXPECT(change->type != CHANGE_RETRACT || change->has_target);
    if (change->has_target) {
        FUZZ_EXPECT(change->target.epoch >= 1 && change->target.epoch <= EPOCH_MAX);
        FUZZ_EXPECT(change->target.lane <= LANE_MAX);
        FUZZ_EXPECT(change->target.number >= 1 && change->target.number <= NUMBER_MAX);
    }
    FUZZ_EXPECT(change->state >= PAYLOAD_PRESENT && change->state <= PAYLOAD_MISSING);
    if (change->state != PAYLOAD_PRESENT) {
        FUZZ_EXPECT(change->body.size == 0);
        return;
    }
    hash_t commitment = crypto_commitment(change->salt, change->body);
    FUZZ_EXPECT(change->body.size <= PAYLOAD_BYTES_MAX);
    FUZZ_EXPECT(hash_equal(&commitment, &change->commitment));
}

// What a header says.
static void check_same_facts(const commit_t *a, const commit_t *b)
{
    FUZZ_EXPECT(feed_equal(&a->feed, &b->feed));
    FUZZ_EXPECT(a->count == b->count && a->first == b->first && a->last == b->last);
    FUZZ_EXPECT(hash_equal(&a->previous, &b->previous));
    FUZZ_EXPECT(a->time_ms == b->time_ms && a->card_number == b->card_number);
    for (size_t i = 0; i < a->count; i++) {
        const change_t *one = &a->changes[i], *other = &b->changes[i];
        FUZZ_EXPECT(one->type == other->type && one->min_reader == other->min_reader);
        FUZZ_EXPECT(one->has_target == other->has_target);
        FUZZ_EXPECT(position_equal(one->target, other->target));
        FUZZ_EXPECT(hash_equal(&one->commitment, &other->commitment));
    }
}

void check_same_commit(const commit_t *a, const commit_t *b)
{
    FUZZ_EXPECT(span_equal(a->header, b->header));
    FUZZ_EXPECT(hash_equal(&a->hash, &b->hash));
    check_same_facts(a, b);
    FUZZ_EXPECT(a->has_signature == b->has_signature);
    FUZZ_EXPECT(!a->has_signature ||
                memcmp(a->signature.bytes, b->signature.bytes, SIGNATURE_SIZE) == 0);
    for (size_t i = 0; i < a->count; i++) {
        FUZZ_EXPECT(a->changes[i].state == b->changes[i].state);
        FUZZ_EXPECT(span_equal(a->changes[i].body, b->changes[i].body));
        FUZZ_EXPECT(memcmp(a->changes[i].salt, b->changes[i].salt, SALT_SIZE) == 0);
    }
}

// What is published of it is within the bound and is read as what it is.
static void check_publication(const commit_t *commit)
{
    hash_t coalition = {{0}};
    publication_t publication;
    fault_t fault = {0};
    buf_t body = publication_of_commit(commit);
    FUZZ_EXPECT(body.size <= PUBLISH_BYTES_MAX);
    err_t err = publication_decode(span_of(coalition.bytes, TOPIC_SIZE), buf_span(&body),
                                   &coalition, &publication, &fault);
    FUZZ_EXPECT(err == ERR_OK);
    if (publication.type == PUB_RUN)
        check_same_commit(commit, publication.run.commits[0]);
    else
        FUZZ_EXPECT(publication.head.number == commit->last &&
                    hash_equal(&publication.head.hash, &commit->hash));
    publication_clear(&publication);
    buf_free(&body);
}

void check_commit(const commit_t *commit)
{
    hash_t hash = crypto_hash_of(HASH_COMMIT, commit->header);
    FUZZ_EXPECT(hash_equal(&hash, &commit->hash));
    FUZZ_EXPECT(commit->count >= 1 && commit->count <= COMMIT_CHANGES_MAX);
    FUZZ_EXPECT(commit->feed.epoch >= 1 && commit->feed.epoch <= EPOCH_MAX);
    FUZZ_EXPECT(commit->feed.lane <= LANE_MAX);
    FUZZ_EXPECT(commit->first >= 1 && commit->last == commit->first + commit->count - 1);
    FUZZ_EXPECT(commit->last <= NUMBER_MAX);
    FUZZ_EXPECT(commit->card_number >= 1);
    FUZZ_EXPECT(commit_content_size(commit) <= COMMIT_BYTES_MAX);
    for (size_t i = 0; i < commit->count; i++)
        check_change(&commit->changes[i]);
    check_canonical(commit->header);
    commit_t *copy = commit_copy(commit);
    check_same_commit(commit, copy);
    commit_destroy(&copy);
    check_publication(commit);
}

void check_run(const run_t *run)
{
    run_t again;
    fault_t fault = {0};
    FUZZ_EXPECT(run->count >= 1 && run->count <= RUN_COMMITS_MAX);
    size_t sizes = 0;
    for (size_t i = 0; i < run->count; i++) {
        FUZZ_EXPECT(feed_equal(&run->feed, &run->commits[i]->feed));
        check_commit(run->commits[i]);
        sizes += commit_encoded_size(run->commits[i]);
    }
    buf_t bytes = run_encode(&run->feed, run->commits, run->count);
    FUZZ_EXPECT(bytes.size > sizes && bytes.size <= sizes + 64); // the feed besides
    // Unknown fields of the wrapping are not kept; what is kept reads the same.
    err_t err = run_decode(buf_span(&bytes), &again, &fault);
    FUZZ_EXPECT(err == ERR_OK && again.count == run->count);
    for (size_t i = 0; i < run->count; i++)
        check_same_commit(run->commits[i], again.commits[i]);
    buf_t twice = run_encode(&again.feed, again.commits, again.count);
    FUZZ_EXPECT(span_equal(buf_span(&bytes), buf_span(&twice)));
    buf_free(&twice);
    buf_free(&bytes);
    run_clear(&again);
}

// ---- two ways to read ----

static void check_same_fault(const fault_t *one, const fault_t *other)
{
    FUZZ_EXPECT(strcmp(one->where, other->where) == 0);
    FUZZ_EXPECT(strcmp(one->detail, other->detail) == 0);
}

void check_header_readers(span_t header)
{
    commit_t scanned = {0}, unpacked = {0};
    fault_t fault = {0};
    err_t err = commit_unpack_header(header, &unpacked, &fault);
    fuzz_refused(err, &fault);
    if (commit_scan_header(header, &scanned)) {
        FUZZ_EXPECT(err == ERR_OK);
        check_same_facts(&scanned, &unpacked);
    }
    mem_free(scanned.changes);
    mem_free(unpacked.changes);
}

// The header, where there is one, is looked at by itself, too: run_unpack has it scanned.
static void check_headers(span_t run)
{
    scan_t scan = scan_of(run);
    scan_value_t commit, header;
    uint32_t tag = 0;
    unsigned wire = 0;
    while (scan.at < scan.end && !scan_tag(&scan, &tag, &wire) && !scan_value(&scan, wire, &commit))
        if (tag == 2 && wire == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED) {
            scan_t inside = scan_of(commit.bytes);
            if (inside.at < inside.end && !scan_tag(&inside, &tag, &wire) && tag == 1 &&
                wire == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED && !scan_value(&inside, wire, &header))
                check_header_readers(header.bytes);
        }
}

void check_run_readers(span_t bytes)
{
    run_t scanned, unpacked, decoded;
    fault_t fault = {0}, again = {0};
    err_t err = run_unpack(bytes, &unpacked, &fault);
    FUZZ_EXPECT(run_decode(bytes, &decoded, &again) == err);
    check_same_fault(&fault, &again);
    check_headers(bytes);
    if (run_scan(bytes, &scanned)) {
        FUZZ_EXPECT(err == ERR_OK && scanned.count == unpacked.count);
        FUZZ_EXPECT(feed_equal(&scanned.feed, &unpacked.feed));
        for (size_t i = 0; i < scanned.count; i++)
            check_same_commit(scanned.commits[i], unpacked.commits[i]);
    }
    run_clear(&scanned);
    if (!err) {
        run_clear(&unpacked);
        run_clear(&decoded);
    }
}
