// What is refused of a commit's header, field by field.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "enlace/v1/commit.pb-c.h"
#include "lib/bounded.h"
#include "lib/commit.h"
#include "lib/mem.h"
#include "tests/unit/hostile.h"
#include "tests/unit/protocol_samples.h"

static int start(void **state)
{
    (void)state;
    return (int)crypto_start();
}

// ---- what is refused of a header ----

// One header in a form that a test can spoil.
typedef struct {
    Enlace__V1__CommitHeader header;
    Enlace__V1__CommitHeader__Change changes[COMMIT_CHANGES_MAX + 1];
    Enlace__V1__CommitHeader__Change *list[COMMIT_CHANGES_MAX + 1];
    uint8_t origin[ORIGIN_SIZE + 1], previous[HASH_SIZE + 1], commitment[HASH_SIZE + 1];
} draft_header_t;

static void change_init(draft_header_t *draft, size_t i)
{
    Enlace__V1__CommitHeader__Change *change = &draft->changes[i];
    enlace__v1__commit_header__change__init(change);
    draft->list[i] = change;
    change->has_type = true;
    change->type = CHANGE_RECORD;
    change->has_min_reader = true;
    change->min_reader = 1;
    change->has_commitment = true;
    change->commitment = (ProtobufCBinaryData){HASH_SIZE, draft->commitment};
}

static draft_header_t *header_new(void)
{
    draft_header_t *draft = mem_alloc(sizeof *draft);
    Enlace__V1__CommitHeader *header = &draft->header;
    enlace__v1__commit_header__init(header);
    header->has_header_version = header->has_origin = header->has_epoch = header->has_lane = true;
    header->has_first_number = header->has_previous = header->has_time_ms = true;
    header->has_card_number = true;
    header->header_version = 1;
    header->origin = (ProtobufCBinaryData){ORIGIN_SIZE, draft->origin};
    header->epoch = 1;
    header->lane = 1;
    header->first_number = 1;
    header->previous = (ProtobufCBinaryData){HASH_SIZE, draft->previous};
    header->time_ms = 5;
    header->card_number = 1;
    for (size_t i = 0; i <= COMMIT_CHANGES_MAX; i++)
        change_init(draft, i);
    header->n_changes = 2;
    header->changes = draft->list;
    return draft;
}

// Decodes with every payload missing, so that only the header decides.
static err_t decode_header(span_t header, size_t payloads, fault_t *fault)
{
    payload_state_t states[COMMIT_CHANGES_MAX + 1];
    uint8_t salts[COMMIT_CHANGES_MAX + 1][SALT_SIZE] = {{0}};
    span_t bodies[COMMIT_CHANGES_MAX + 1] = {{0}};
    commit_t *commit = NULL;
    for (size_t i = 0; i <= COMMIT_CHANGES_MAX; i++)
        states[i] = PAYLOAD_MISSING;
    err_t err = commit_decode(header, NULL, payloads, states, (const uint8_t(*)[SALT_SIZE])salts,
                              bodies, &commit, fault);
    assert_int_equal(commit != NULL, err == ERR_OK);
    commit_destroy(&commit);
    return err;
}

static void expect_header(draft_header_t *draft, err_t expected, const char *where)
{
    fault_t fault = {ERR_OK, "", ""};
    buf_t bytes = bounded_pack(&draft->header.base);
    err_t err = decode_header(buf_span(&bytes), draft->header.n_changes, &fault);
    if (err != expected || strcmp(fault.where, where) != 0)
        fail_msg("%s at \"%s\", expected %s at \"%s\"", err_name(err), fault.where,
                 err_name(expected), where);
    buf_free(&bytes);
    mem_free(draft);
}

#define HEADER_CASE(change, expected, where)                                                       \
    do {                                                                                           \
        draft_header_t *d = header_new();                                                          \
        change;                                                                                    \
        expect_header(d, expected, where);                                                         \
    } while (0)

static void a_header_is_whole(void **state)
{
    (void)state;
    HEADER_CASE((void)d, ERR_OK, "");
    HEADER_CASE(d->header.has_header_version = false, ERR_MISSING_FIELD, "header_version");
    HEADER_CASE(d->header.has_origin = false, ERR_MISSING_FIELD, "origin");
    HEADER_CASE(d->header.has_epoch = false, ERR_MISSING_FIELD, "epoch");
    HEADER_CASE(d->header.has_lane = false, ERR_MISSING_FIELD, "lane");
    HEADER_CASE(d->header.has_first_number = false, ERR_MISSING_FIELD, "first_number");
    HEADER_CASE(d->header.has_previous = false, ERR_MISSING_FIELD, "previous");
    HEADER_CASE(d->header.has_time_ms = false, ERR_MISSING_FIELD, "time_ms");
    HEADER_CASE(d->header.has_card_number = false, ERR_MISSING_FIELD, "card_number");
    HEADER_CASE(d->header.n_changes = 0, ERR_MISSING_FIELD, "changes");
    HEADER_CASE(d->changes[1].has_type = false, ERR_MISSING_FIELD, "changes.2.type");
    HEADER_CASE(d->changes[1].has_min_reader = false, ERR_MISSING_FIELD, "changes.2.min_reader");
    HEADER_CASE(d->changes[0].has_commitment = false, ERR_MISSING_FIELD, "changes.1.commitment");
}

static void a_header_keeps_its_lengths(void **state)
{
    (void)state;
    HEADER_CASE(d->header.origin.len = 15, ERR_BAD_LENGTH, "origin");
    HEADER_CASE(d->header.origin.len = 17, ERR_BAD_LENGTH, "origin");
    HEADER_CASE(d->header.origin.len = 0, ERR_BAD_LENGTH, "origin");
    HEADER_CASE(d->header.previous.len = 31, ERR_BAD_LENGTH, "previous");
    HEADER_CASE(d->header.previous.len = 33, ERR_BAD_LENGTH, "previous");
    HEADER_CASE(d->changes[1].commitment.len = 31, ERR_BAD_LENGTH, "changes.2.commitment");
    HEADER_CASE(d->changes[1].commitment.len = 33, ERR_BAD_LENGTH, "changes.2.commitment");
}

static void a_header_keeps_its_ranges(void **state)
{
    (void)state;
    HEADER_CASE(d->header.header_version = 0, ERR_BAD_VALUE, "header_version");
    HEADER_CASE(d->header.epoch = 0, ERR_BAD_VALUE, "epoch");
    HEADER_CASE(d->header.epoch = EPOCH_MAX, ERR_OK, "");
    HEADER_CASE(d->header.epoch = EPOCH_MAX + 1, ERR_BAD_VALUE, "epoch");
    HEADER_CASE(d->header.lane = 0, ERR_OK, "");
    HEADER_CASE(d->header.lane = LANE_MAX, ERR_OK, "");
    HEADER_CASE(d->header.lane = LANE_MAX + 1, ERR_BAD_VALUE, "lane");
    HEADER_CASE(d->header.first_number = 0, ERR_BAD_VALUE, "first_number");
    HEADER_CASE(d->header.first_number = NUMBER_MAX - 1, ERR_OK, "");
    HEADER_CASE(d->header.first_number = NUMBER_MAX, ERR_BAD_VALUE, "first_number");
    HEADER_CASE(d->header.first_number = UINT64_MAX, ERR_BAD_VALUE, "first_number");
    HEADER_CASE(d->header.time_ms = 0, ERR_OK, "");
    HEADER_CASE(d->header.time_ms = (uint64_t)1 << 53, ERR_OK, "");
    HEADER_CASE(d->header.time_ms = ((uint64_t)1 << 53) + 1, ERR_BAD_VALUE, "time_ms");
    HEADER_CASE(d->header.card_number = 0, ERR_BAD_VALUE, "card_number");
    HEADER_CASE(d->header.n_changes = COMMIT_CHANGES_MAX, ERR_OK, "");
    HEADER_CASE(d->header.n_changes = COMMIT_CHANGES_MAX + 1, ERR_TOO_MANY, "changes");
}

static void set_target(Enlace__V1__CommitHeader__Change *change, uint32_t epoch, uint32_t lane,
                       uint64_t number)
{
    change->has_target_epoch = change->has_target_lane = change->has_target_number = true;
    change->target_epoch = epoch;
    change->target_lane = lane;
    change->target_number = number;
}

static void targets_are_whole_or_absent(void **state)
{
    (void)state;
    static const char epoch[] = "changes.1.target_epoch";
    static const char lane[] = "changes.1.target_lane";
    static const char number[] = "changes.1.target_number";
    HEADER_CASE(set_target(&d->changes[0], 1, 0, 1), ERR_OK, "");
    HEADER_CASE(set_target(&d->changes[0], EPOCH_MAX, LANE_MAX, NUMBER_MAX), ERR_OK, "");
    HEADER_CASE(set_target(&d->changes[0], 0, 0, 1), ERR_BAD_VALUE, epoch);
    HEADER_CASE(set_target(&d->changes[0], EPOCH_MAX + 1, 0, 1), ERR_BAD_VALUE, epoch);
    HEADER_CASE(set_target(&d->changes[0], 1, LANE_MAX + 1, 1), ERR_BAD_VALUE, lane);
    HEADER_CASE(set_target(&d->changes[0], 1, 1, 0), ERR_BAD_VALUE, number);
    HEADER_CASE(set_target(&d->changes[0], 1, 1, NUMBER_MAX + 1), ERR_BAD_VALUE, number);
    HEADER_CASE(d->changes[0].has_target_epoch = true, ERR_BAD_VALUE, epoch);
    HEADER_CASE((set_target(&d->changes[0], 1, 1, 1), d->changes[0].has_target_lane = false),
                ERR_MISSING_FIELD, lane);
    HEADER_CASE(d->changes[0].has_target_lane = true, ERR_MISSING_FIELD, epoch);
    HEADER_CASE(d->changes[0].has_target_number = true, ERR_MISSING_FIELD, epoch);
    HEADER_CASE((set_target(&d->changes[0], 1, 1, 1), d->changes[0].has_target_number = false),
                ERR_MISSING_FIELD, number);
}

static void types_of_changes(void **state)
{
    (void)state;
    HEADER_CASE(d->changes[0].type = 0, ERR_BAD_VALUE, "changes.1.type");
    HEADER_CASE(d->changes[0].type = 7, ERR_OK, "");
    HEADER_CASE(d->changes[0].type = UINT32_MAX, ERR_OK, "");
    HEADER_CASE(d->changes[0].type = CHANGE_RETRACT, ERR_MISSING_FIELD, "changes.1.target_number");
    HEADER_CASE((d->changes[0].type = CHANGE_RETRACT, set_target(&d->changes[0], 1, 1, 1)), ERR_OK,
                "");
    HEADER_CASE(d->changes[0].min_reader = UINT32_MAX, ERR_OK, "");
}

static void newer_headers_are_told_from_bad_ones(void **state)
{
    (void)state;
    ProtobufCMessageUnknownField extra = {20, PROTOBUF_C_WIRE_TYPE_VARINT, 1, (uint8_t[]){5}};
    HEADER_CASE(d->header.header_version = 2, ERR_TOO_NEW, "header_version");
    HEADER_CASE(d->header.header_version = UINT32_MAX, ERR_TOO_NEW, "header_version");
    HEADER_CASE((d->header.header_version = 2, d->header.base.n_unknown_fields = 1,
                 d->header.base.unknown_fields = &extra),
                ERR_TOO_NEW, "header_version");
    HEADER_CASE((d->header.base.n_unknown_fields = 1, d->header.base.unknown_fields = &extra),
                ERR_UNKNOWN_FIELD, "");
    HEADER_CASE(
        (d->changes[1].base.n_unknown_fields = 1, d->changes[1].base.unknown_fields = &extra),
        ERR_UNKNOWN_FIELD, "");
}

// ---- one form ----

static void a_header_has_one_form(void **state)
{
    (void)state;
    static const char change[] =
        "4a26 0801 2801 3220 0000000000000000000000000000000000000000000000000000000000000000";
    static const char rest[] =
        "28 01 32 20 0000000000000000000000000000000000000000000000000000000000000000 38 05 40 01";
    static const char origin[] = "12 10 00000000000000000000000000000000";
    static const struct {
        const char *parts[6];
        err_t err;
    } cases[] = {
        {{"08 01", origin, "18 01", "20 01", rest, change}, ERR_OK},
        {{"08 01", origin, "20 01", "18 01", rest, change}, ERR_NOT_CANONICAL},
        {{origin, "08 01", "18 01", "20 01", rest, change}, ERR_NOT_CANONICAL},
        {{change, "08 01", origin, "18 01", "20 01", rest}, ERR_NOT_CANONICAL},
        {{"08 01", origin, "18 81 00", "20 01", rest, change}, ERR_BAD_VARINT},
        {{"88 00 01", origin, "18 01", "20 01", rest, change}, ERR_BAD_VARINT},
        {{"08 01", origin, "18 01 18 01", "20 01", rest, change}, ERR_DUPLICATE_FIELD},
        // Within the change: min_reader before type
        {{"08 01", origin, "18 01", "20 01", rest,
          "4a26 2801 0801 3220 0000000000000000000000000000000000000000000000000000000000000000"},
         ERR_NOT_CANONICAL},
        {{"08 01", origin, "18 01", "20 01", rest,
          "4a27 0801 2881 00 3220 "
          "0000000000000000000000000000000000000000000000000000000000000000"},
         ERR_BAD_VARINT},
        {{"08 01", origin, "18 01", "20 01", rest,
          "4aa600 0801 2801 3220 0000000000000000000000000000000000000000000000000000000000000000"},
         ERR_BAD_VARINT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        buf_t bytes = {0};
        for (size_t j = 0; j < 6; j++) {
            buf_t part = from_hex(cases[i].parts[j]);
            buf_append(&bytes, buf_span(&part));
            buf_free(&part);
        }
        err_t err = decode_header(buf_span(&bytes), 1, NULL);
        if (err != cases[i].err)
            fail_msg("case %zu: %s", i, err_name(err));
        buf_free(&bytes);
    }
}

// Payloads that their commitments hold for, but too big, each and together.
static err_t decode_sized(size_t changes, size_t size)
{
    draft_header_t *draft = header_new();
    uint8_t salts[3][SALT_SIZE] = {{0}};
    uint8_t *body = mem_alloc(size);
    span_t bodies[3] = {{body, size}, {body, size}, {body, size}};
    payload_state_t states[3] = {PAYLOAD_PRESENT, PAYLOAD_PRESENT, PAYLOAD_PRESENT};
    commit_t *commit = NULL;
    hash_t commitment = crypto_commitment(salts[0], bodies[0]);
    memcpy(draft->commitment, commitment.bytes, HASH_SIZE);
    draft->header.n_changes = changes;
    buf_t bytes = bounded_pack(&draft->header.base);
    err_t err = commit_decode(buf_span(&bytes), NULL, changes, states,
                              (const uint8_t(*)[SALT_SIZE])salts, bodies, &commit, NULL);
    commit_destroy(&commit);
    buf_free(&bytes);
    mem_free(body);
    mem_free(draft);
    return err;
}

static void payloads_are_bounded(void **state)
{
    (void)state;
    assert_int_equal(decode_sized(1, PAYLOAD_BYTES_MAX), ERR_OK);
    assert_int_equal(decode_sized(1, PAYLOAD_BYTES_MAX + 1), ERR_TOO_BIG);
    assert_int_equal(decode_sized(2, PAYLOAD_BYTES_MAX - 200), ERR_OK);
    assert_int_equal(decode_sized(2, PAYLOAD_BYTES_MAX), ERR_TOO_BIG);
    assert_int_equal(decode_sized(3, PAYLOAD_BYTES_MAX - 200), ERR_TOO_BIG);
}

// ---- anything at all ----

static void try_header(void *context, span_t bytes, size_t place)
{
    const commit_t *good = context;
    payload_state_t states[] = {PAYLOAD_MISSING, PAYLOAD_MISSING, PAYLOAD_MISSING};
    uint8_t salts[3][SALT_SIZE] = {{0}};
    span_t bodies[3] = {{0}};
    commit_t *commit = NULL;
    (void)place;
    if (commit_decode(bytes, good->signature.bytes, 3, states, (const uint8_t(*)[SALT_SIZE])salts,
                      bodies, &commit, NULL))
        return;
    pubkey_t key;
    secret_t *secret = sample_secret(1, &key);
    bool same = span_equal(bytes, good->header);
    assert_true(span_equal(commit->header, bytes));
    assert_int_equal(commit_signature_holds(commit, &key, &sample_coalition), same);
    secret_destroy(&secret);
    commit_destroy(&commit);
}

static void refuse_header(void *context, span_t bytes, size_t place)
{
    (void)context;
    (void)place;
    assert_int_not_equal(decode_header(bytes, 3, NULL), ERR_OK);
}

static void altered_headers(void **state)
{
    (void)state;
    commit_t *good = sample_commit(1, NULL, 3, 10);
    hostile_each_bit(good->header, try_header, good);
    hostile_each_prefix(good->header, refuse_header, NULL);
    hostile_rounds(good->header, 1, 3000, try_header, good);
    commit_destroy(&good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_is_whole),
        cmocka_unit_test(a_header_keeps_its_lengths),
        cmocka_unit_test(a_header_keeps_its_ranges),
        cmocka_unit_test(targets_are_whole_or_absent),
        cmocka_unit_test(types_of_changes),
        cmocka_unit_test(newer_headers_are_told_from_bad_ones),
        cmocka_unit_test(a_header_has_one_form),
        cmocka_unit_test(payloads_are_bounded),
        cmocka_unit_test(altered_headers),
    };
    return cmocka_run_group_tests_name("commit_header", tests, start, NULL);
}
