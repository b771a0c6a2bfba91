// A commit on its own, as the store reads it back: header, signature and payloads
// apart. The input is an encoded enlace.v1.Commit.
#include <string.h>

#include "enlace/v1/commit.pb-c.h"
#include "lib/bounded.h"
#include "tests/fuzz/check_commit.h"
#include "tests/fuzz/fuzz.h"

static const limits_t limits = {
    .bytes = RUN_BYTES_MAX, .fields = 4096, .depth = 2, .memory = RUN_BYTES_MAX, .unknown = true};

static void decode(const Enlace__V1__Commit *message)
{
    payload_state_t states[COMMIT_CHANGES_MAX + 1];
    uint8_t salts[COMMIT_CHANGES_MAX + 1][SALT_SIZE];
    span_t bodies[COMMIT_CHANGES_MAX + 1];
    commit_t *commit = NULL;
    fault_t fault = {0};
    size_t count = message->n_payloads;
    if (count > COMMIT_CHANGES_MAX + 1)
        return; // the wrapping's reader has refused it: fuzz_run
    memset(salts, 0, sizeof salts);
    for (size_t i = 0; i < count; i++) {
        const Enlace__V1__Payload *payload = message->payloads[i];
        states[i] = (payload_state_t)payload->state;
        if (payload->has_salt && payload->salt.len == SALT_SIZE)
            memcpy(salts[i], payload->salt.data, SALT_SIZE);
        bodies[i] = span_of(payload->body.data, payload->body.len);
    }
    bool is_signed = message->has_signature && message->signature.len == SIGNATURE_SIZE;
    err_t err = commit_decode(span_of(message->header.data, message->header.len),
                              is_signed ? message->signature.data : NULL, count, states,
                              (const uint8_t(*)[SALT_SIZE])salts, bodies, &commit, &fault);
    fuzz_refused(err, &fault);
    FUZZ_EXPECT((commit != NULL) == (err == ERR_OK));
    if (!commit)
        return;
    FUZZ_EXPECT(commit->count == count && commit->has_signature == is_signed);
    check_commit(commit);
    commit_destroy(&commit);
}

static void one(span_t input)
{
    ProtobufCMessage *message = NULL;
    if (bounded_unpack(&enlace__v1__commit__descriptor, input, &limits, &message, NULL))
        return;
    decode((const Enlace__V1__Commit *)message);
    bounded_free(message);
}

const fuzz_target_t fuzz_target = {
    .one = one, .type = &enlace__v1__commit__descriptor, .peak_bytes = 4 * 1024 * 1024};
