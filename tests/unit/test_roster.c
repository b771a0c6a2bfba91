// The expected bytes of a charter's roster were put together, hashed and signed
// by a python script after membership.proto (hashlib.blake2b, RFC 8032 transcribed).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "enlace/v1/membership.pb-c.h"
#include "lib/bounded.h"
#include "lib/mem.h"
#include "lib/roster.h"
#include "tests/unit/hostile.h"
#include "tests/unit/protocol_samples.h"

static int start(void **state)
{
    (void)state;
    return (int)crypto_start();
}

static void a_charter_is_these_bytes(void **state)
{
    (void)state;
    roster_t *roster = sample_charter(2, 2);
    expect_hex(
        "08011a0a436f616c696369c3b36e20022a3a0a0241411210e6808f33fbec87975122804ac9ceda8e1a208a"
        "88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c28012a3a0a0242421210b18f"
        "47587456f38669826ce18fcdb2aa1a208139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f"
        "5b8fc9b394280138014080d095ffbc314a10e6808f33fbec87975122804ac9ceda8e",
        roster->body.data, roster->body.size);
    expect_hex("f7f00b6b25cf8e2b0274c43bdce708f2f6d408d09e8d26117fcb82a7291e6f7b",
               roster->hash.bytes, 32);
    assert_int_equal(roster->signature_count, 1);
    expect_hex(
        "1745e376c2843290bdf637bb659702e6c63b2b30172b7e73dc2dde49a97ec0079d4febf3746d45a0ad35"
        "69e5d350246e6f23b0de6f453d3df569a25e22f49002",
        roster->signatures[0].signature.bytes, 64);
    roster_destroy(&roster);
    assert_null(roster);
    roster_destroy(&roster);
}

// Version 2 of a charter of three, where BB has left with two cuts.
static roster_t *with_former(void)
{
    roster_t *charter = sample_charter(3, 2);
    roster_t *roster = roster_copy(charter);
    roster->signature_count = 0;
    roster->version = 2;
    roster->has_previous = true;
    roster->previous = charter->hash;
    roster->has_creator = false;
    mem_free(roster->formers);
    roster->formers = mem_alloc(sizeof *roster->formers);
    roster->former_count = 1;
    former_t *former = &roster->formers[0];
    const member_t *left = roster_by_code(roster, "BB");
    *former = (former_t){.code = left->code, .origin = left->origin, .root_key = left->root_key};
    former->cuts = mem_alloc_array(2, sizeof *former->cuts);
    former->cut_count = 2;
    former->cuts[0] = (cut_t){1, 1, 20, {{1}}};
    former->cuts[1] = (cut_t){1, 0, 2, {{2}}};
    roster->members[1] = roster->members[2];
    roster->member_count = 2;
    roster->members[0].role_count = 2;
    roster->members[0].roles[0] = 1;
    roster->members[0].roles[1] = 300;
    roster->members[0].min_card = 7;
    roster_seal(roster);
    roster_destroy(&charter);
    return roster;
}

static void expect_same(const roster_t *a, const roster_t *b)
{
    assert_int_equal(a->version, b->version);
    assert_int_equal(a->has_previous, b->has_previous);
    assert_true(hash_equal(&a->previous, &b->previous));
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->threshold, b->threshold);
    assert_int_equal(a->min_protocol, b->min_protocol);
    assert_int_equal(a->time_ms, b->time_ms);
    assert_int_equal(a->has_creator, b->has_creator);
    assert_true(hash_equal(&a->hash, &b->hash));
    assert_true(span_equal(buf_span(&a->body), buf_span(&b->body)));
    assert_int_equal(a->member_count, b->member_count);
    for (size_t i = 0; i < a->member_count; i++) {
        assert_string_equal(a->members[i].code.text, b->members[i].code.text);
        assert_true(origin_equal(&a->members[i].origin, &b->members[i].origin));
        assert_true(key_equal(&a->members[i].root_key, &b->members[i].root_key));
        assert_int_equal(a->members[i].min_card, b->members[i].min_card);
        assert_int_equal(a->members[i].role_count, b->members[i].role_count);
        for (size_t j = 0; j < a->members[i].role_count; j++)
            assert_int_equal(a->members[i].roles[j], b->members[i].roles[j]);
    }
    assert_int_equal(a->former_count, b->former_count);
    for (size_t i = 0; i < a->former_count; i++) {
        assert_string_equal(a->formers[i].code.text, b->formers[i].code.text);
        assert_int_equal(a->formers[i].cut_count, b->formers[i].cut_count);
        for (size_t j = 0; j < a->formers[i].cut_count; j++)
            assert_int_equal(a->formers[i].cuts[j].number, b->formers[i].cuts[j].number);
    }
    assert_int_equal(a->signature_count, b->signature_count);
    for (size_t i = 0; i < a->signature_count; i++) {
        assert_int_equal(a->signatures[i].card_number, b->signatures[i].card_number);
        assert_true(origin_equal(&a->signatures[i].origin, &b->signatures[i].origin));
        assert_memory_equal(a->signatures[i].signature.bytes, b->signatures[i].signature.bytes, 64);
    }
}

static void a_roster_comes_back(void **state)
{
    (void)state;
    roster_t *rosters[] = {sample_charter(1, 1), sample_charter(20, 11), with_former()};
    sample_vote(rosters[2], 1, &sample_coalition);
    sample_vote(rosters[2], 3, &sample_coalition);
    for (size_t i = 0; i < 3; i++) {
        roster_t *back = NULL;
        buf_t bytes = roster_encode(rosters[i]);
        assert_int_equal(roster_decode(buf_span(&bytes), &back, NULL), ERR_OK);
        expect_same(back, rosters[i]);
        roster_t *copy = roster_copy(back);
        roster_destroy(&back);
        expect_same(copy, rosters[i]);
        roster_destroy(&copy);
        buf_free(&bytes);
        roster_destroy(&rosters[i]);
    }
}

static void sealing_sorts(void **state)
{
    (void)state;
    roster_t *roster = sample_charter(3, 2);
    hash_t hash = roster->hash;
    member_t first = roster->members[0];
    roster->members[0] = roster->members[2];
    roster->members[2] = first;
    roster_seal(roster);
    assert_true(hash_equal(&roster->hash, &hash));
    assert_string_equal(roster->members[0].code.text, "AA");
    roster_destroy(&roster);
    roster = with_former();
    assert_int_equal(roster->formers[0].cuts[0].lane, 0);
    assert_int_equal(roster->formers[0].cuts[1].lane, 1);
    roster_destroy(&roster);
}

static void looking_up(void **state)
{
    (void)state;
    roster_t *roster = with_former();
    origin_t left = roster->formers[0].origin;
    origin_t stays = roster->members[1].origin;
    origin_t nobody = {{0xee}};
    origin_t found;
    assert_ptr_equal(roster_by_code(roster, "CC"), &roster->members[1]);
    assert_null(roster_by_code(roster, "BB"));
    assert_null(roster_by_code(roster, "ZZ"));
    assert_ptr_equal(roster_member(roster, &stays), &roster->members[1]);
    assert_null(roster_member(roster, &left));
    assert_ptr_equal(roster_former(roster, &left), &roster->formers[0]);
    assert_null(roster_former(roster, &stays));
    assert_string_equal(roster_code_of(roster, &stays), "CC");
    assert_string_equal(roster_code_of(roster, &left), "BB");
    assert_null(roster_code_of(roster, &nobody));
    assert_true(roster_origin_of(roster, "CC", &found));
    assert_true(origin_equal(&found, &stays));
    assert_true(roster_origin_of(roster, "BB", &found));
    assert_true(origin_equal(&found, &left));
    assert_false(roster_origin_of(roster, "ZZ", &found));
    roster_destroy(&roster);
}

// ---- what is refused ----

typedef struct {
    Enlace__V1__Roster roster;
    Enlace__V1__Roster__Member members[3];
    Enlace__V1__Roster__Member *member_list[3];
    Enlace__V1__Roster__Former formers[2];
    Enlace__V1__Roster__Former *former_list[2];
    char codes[5][20], name[256];
    uint32_t roles[ROSTER_ROLES_MAX + 1];
    uint8_t origins[5][17], key[33], hash[33], creator[17];
} roster_draft_t;

static void put_members(roster_draft_t *draft)
{
    for (size_t i = 0; i < 3; i++) {
        Enlace__V1__Roster__Member *member = draft->member_list[i] = &draft->members[i];
        enlace__v1__roster__member__init(member);
        member->code = draft->codes[i];
        member->has_origin = member->has_root_key = member->has_min_card = true;
        member->origin = (ProtobufCBinaryData){ORIGIN_SIZE, draft->origins[i]};
        member->root_key = (ProtobufCBinaryData){KEY_SIZE, draft->key};
        member->min_card = 1;
        member->roles = draft->roles;
    }
    for (size_t i = 0; i < 2; i++) {
        Enlace__V1__Roster__Former *former = draft->former_list[i] = &draft->formers[i];
        enlace__v1__roster__former__init(former);
        former->code = draft->codes[3 + i];
        former->has_origin = former->has_root_key = true;
        former->origin = (ProtobufCBinaryData){ORIGIN_SIZE, draft->origins[3 + i]};
        former->root_key = (ProtobufCBinaryData){KEY_SIZE, draft->key};
    }
}

// Version 2 with members AA, BB, CC and formers DD, EE.
static roster_draft_t *roster_new(void)
{
    roster_draft_t *draft = mem_alloc(sizeof *draft);
    Enlace__V1__Roster *roster = &draft->roster;
    enlace__v1__roster__init(roster);
    for (size_t i = 0; i < 5; i++) {
        memset(draft->codes[i], 'A' + (int)i, 2);
        draft->origins[i][0] = (uint8_t)(9 - i);
    }
    put_members(draft);
    strcpy(draft->name, "Coalición");
    memcpy(draft->creator, draft->origins[0], ORIGIN_SIZE);
    roster->has_version = roster->has_previous = roster->has_threshold = true;
    roster->has_min_protocol = roster->has_time_ms = true;
    roster->version = 2;
    roster->previous = (ProtobufCBinaryData){HASH_SIZE, draft->hash};
    roster->name = draft->name;
    roster->threshold = 2;
    roster->n_members = 3;
    roster->members = draft->member_list;
    roster->n_formers = 2;
    roster->formers = draft->former_list;
    roster->min_protocol = 1;
    roster->creator = (ProtobufCBinaryData){ORIGIN_SIZE, draft->creator};
    return draft;
}

static void as_charter(roster_draft_t *draft)
{
    draft->roster.version = 1;
    draft->roster.has_previous = false;
    draft->roster.has_creator = true;
    draft->roster.n_formers = 0;
}

static buf_t wrap_body(span_t body)
{
    buf_t copy = buf_copy(body);
    Enlace__V1__SignedRoster outer = ENLACE__V1__SIGNED_ROSTER__INIT;
    outer.has_body = true;
    outer.body = (ProtobufCBinaryData){copy.size, copy.data};
    buf_t bytes = bounded_pack(&outer.base);
    buf_free(&copy);
    return bytes;
}

static void expect_roster(roster_draft_t *draft, err_t expected, const char *where)
{
    roster_t *roster = NULL;
    fault_t fault = {ERR_OK, "", ""};
    buf_t body = bounded_pack(&draft->roster.base);
    buf_t bytes = wrap_body(buf_span(&body));
    err_t err = roster_decode(buf_span(&bytes), &roster, &fault);
    if (err != expected || strcmp(fault.where, where) != 0)
        fail_msg("%s at \"%s\", expected %s at \"%s\"", err_name(err), fault.where,
                 err_name(expected), where);
    assert_int_equal(roster != NULL, expected == ERR_OK);
    roster_destroy(&roster);
    buf_free(&body);
    buf_free(&bytes);
    mem_free(draft);
}

#define ROSTER_CASE(change, expected, where)                                                       \
    do {                                                                                           \
        roster_draft_t *d = roster_new();                                                          \
        change;                                                                                    \
        expect_roster(d, expected, where);                                                         \
    } while (0)

static void a_roster_is_whole(void **state)
{
    (void)state;
    ROSTER_CASE((void)d, ERR_OK, "");
    ROSTER_CASE(as_charter(d), ERR_OK, "");
    ROSTER_CASE(d->roster.has_version = false, ERR_MISSING_FIELD, "version");
    ROSTER_CASE(d->roster.name = NULL, ERR_MISSING_FIELD, "name");
    ROSTER_CASE(d->roster.has_threshold = false, ERR_MISSING_FIELD, "threshold");
    ROSTER_CASE(d->roster.n_members = 0, ERR_MISSING_FIELD, "members");
    ROSTER_CASE(d->roster.n_formers = 0, ERR_OK, "");
    ROSTER_CASE(d->roster.has_min_protocol = false, ERR_MISSING_FIELD, "min_protocol");
    ROSTER_CASE(d->roster.has_time_ms = false, ERR_MISSING_FIELD, "time_ms");
    ROSTER_CASE(d->members[1].code = NULL, ERR_MISSING_FIELD, "members.2.code");
    ROSTER_CASE(d->members[1].has_origin = false, ERR_MISSING_FIELD, "members.2.origin");
    ROSTER_CASE(d->members[1].has_root_key = false, ERR_MISSING_FIELD, "members.2.root_key");
    ROSTER_CASE(d->members[1].has_min_card = false, ERR_MISSING_FIELD, "members.2.min_card");
    ROSTER_CASE(d->formers[1].code = NULL, ERR_MISSING_FIELD, "formers.2.code");
    ROSTER_CASE(d->formers[1].has_origin = false, ERR_MISSING_FIELD, "formers.2.origin");
    ROSTER_CASE(d->formers[1].has_root_key = false, ERR_MISSING_FIELD, "formers.2.root_key");
}

static void a_roster_keeps_lengths_and_ranges(void **state)
{
    (void)state;
    ROSTER_CASE(d->roster.version = 0, ERR_BAD_VALUE, "version");
    ROSTER_CASE(d->roster.previous.len = 31, ERR_BAD_LENGTH, "previous");
    ROSTER_CASE((as_charter(d), d->roster.creator.len = 17), ERR_BAD_LENGTH, "creator");
    ROSTER_CASE(strcpy(d->name, ""), ERR_BAD_VALUE, "name");
    ROSTER_CASE(strcpy(d->name, "a\x1b]0;b"), ERR_BAD_VALUE, "name");
    ROSTER_CASE(d->roster.threshold = 0, ERR_BAD_VALUE, "threshold");
    ROSTER_CASE(d->roster.threshold = 3, ERR_OK, "");
    ROSTER_CASE(d->roster.threshold = 4, ERR_BAD_ROSTER, "threshold");
    ROSTER_CASE(d->roster.min_protocol = 0, ERR_BAD_VALUE, "min_protocol");
    ROSTER_CASE(d->roster.time_ms = ((uint64_t)1 << 53) + 1, ERR_BAD_VALUE, "time_ms");
    ROSTER_CASE(strcpy(d->codes[1], "bb"), ERR_BAD_NODE_CODE, "members.2.code");
    ROSTER_CASE(d->members[1].origin.len = 15, ERR_BAD_LENGTH, "members.2.origin");
    ROSTER_CASE(d->members[1].root_key.len = 33, ERR_BAD_LENGTH, "members.2.root_key");
    ROSTER_CASE(d->members[1].min_card = 0, ERR_BAD_VALUE, "members.2.min_card");
    ROSTER_CASE(d->members[1].n_roles = ROSTER_ROLES_MAX, ERR_OK, "");
    ROSTER_CASE(d->members[1].n_roles = ROSTER_ROLES_MAX + 1, ERR_TOO_MANY, "members.2.roles");
    ROSTER_CASE(d->formers[0].origin.len = 17, ERR_BAD_LENGTH, "formers.1.origin");
}

static void a_roster_does_not_contradict_itself(void **state)
{
    (void)state;
    ROSTER_CASE(d->roster.has_previous = false, ERR_BAD_ROSTER, "previous");
    ROSTER_CASE((as_charter(d), d->roster.has_previous = true), ERR_BAD_ROSTER, "previous");
    ROSTER_CASE(d->roster.has_creator = true, ERR_BAD_ROSTER, "creator");
    ROSTER_CASE((as_charter(d), d->roster.has_creator = false), ERR_BAD_ROSTER, "creator");
    ROSTER_CASE((as_charter(d), d->creator[0] = 77), ERR_BAD_ROSTER, "creator");
    ROSTER_CASE((as_charter(d), d->roster.n_formers = 1), ERR_BAD_ROSTER, "formers");
    ROSTER_CASE(strcpy(d->codes[0], "BA"), ERR_OK, "");
    ROSTER_CASE(strcpy(d->codes[0], "BB"), ERR_NOT_CANONICAL, "members");
    ROSTER_CASE(strcpy(d->codes[0], "BC"), ERR_NOT_CANONICAL, "members");
    ROSTER_CASE(strcpy(d->codes[3], "EE"), ERR_NOT_CANONICAL, "members");
    ROSTER_CASE(strcpy(d->codes[3], "CC"), ERR_BAD_ROSTER, "members");
    ROSTER_CASE(d->origins[1][0] = d->origins[0][0], ERR_BAD_ROSTER, "members");
    ROSTER_CASE(d->origins[3][0] = d->origins[0][0], ERR_BAD_ROSTER, "members");
    ROSTER_CASE(d->origins[3][0] = d->origins[4][0], ERR_BAD_ROSTER, "members");
}

static void a_roster_has_one_form(void **state)
{
    (void)state;
    ProtobufCMessageUnknownField extra = {40, PROTOBUF_C_WIRE_TYPE_VARINT, 1, (uint8_t[]){5}};
    ROSTER_CASE((d->roster.base.n_unknown_fields = 1, d->roster.base.unknown_fields = &extra),
                ERR_UNKNOWN_FIELD, "#40");
    ROSTER_CASE(
        (d->members[2].base.n_unknown_fields = 1, d->members[2].base.unknown_fields = &extra),
        ERR_UNKNOWN_FIELD, "members.3.#40");
}

// Roles in the form of before packing: 20 05 instead of 22 01 05.
static void roles_have_one_form(void **state)
{
    (void)state;
    roster_t *roster = sample_charter(2, 2);
    roster_t *back = NULL;
    buf_t unpacked = {0};
    roster->members[0].role_count = 1;
    roster->members[0].roles[0] = 5;
    roster_seal(roster);
    const uint8_t *at = roster->body.data;
    size_t member = 0;
    while (at[member] != 0x2a)
        member++;
    size_t roles = member;
    while (memcmp(at + roles, (uint8_t[]){0x22, 0x01, 0x05}, 3) != 0)
        roles++;
    buf_append(&unpacked, span_of(at, roles));
    buf_append(&unpacked, span_of((uint8_t[]){0x20, 0x05}, 2));
    buf_append(&unpacked, span_of(at + roles + 3, roster->body.size - roles - 3));
    unpacked.data[member + 1]--; // the member is a byte shorter
    buf_t bytes = wrap_body(buf_span(&unpacked));
    assert_int_equal(roster_decode(buf_span(&bytes), &back, NULL), ERR_NOT_CANONICAL);
    buf_free(&bytes);
    buf_free(&unpacked);
    roster_destroy(&roster);
}

static void signatures_are_whole(void **state)
{
    (void)state;
    roster_t *roster = sample_charter(1, 1);
    static const char *const cases[] = {
        "12 00",
        "12 04 0a 02 01 02",
        // No card number; a signature of 63 bytes; an unknown field.
        "12 54 0a 10 00000000000000000000000000000000 1a 40"
        "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "000000000000000000000000000000000000000000000000",
        "12 55 0a 10 00000000000000000000000000000000 10 00 1a 3f"
        "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "0000000000000000000000000000000000000000000000",
        "12 58 0a 10 00000000000000000000000000000000 10 00 1a 40"
        "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "000000000000000000000000000000000000000000000000 20 01",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        roster_t *back = NULL;
        buf_t bytes = wrap_body(buf_span(&roster->body));
        buf_t more = from_hex(cases[i]);
        assert_int_equal(roster_decode(buf_span(&bytes), &back, NULL), ERR_OK);
        roster_destroy(&back);
        buf_append(&bytes, buf_span(&more));
        assert_int_not_equal(roster_decode(buf_span(&bytes), &back, NULL), ERR_OK);
        assert_null(back);
        buf_free(&bytes);
        buf_free(&more);
    }
    roster_destroy(&roster);
}

// ---- many ----

static void add_many(roster_t *roster, size_t count)
{
    mem_free(roster->members);
    roster->members = mem_alloc_array(count, sizeof *roster->members);
    roster->member_count = count;
    for (size_t i = 0; i < count; i++) {
        member_t *member = &roster->members[i];
        snprintf(member->code.text, sizeof member->code.text, "M%05u", (unsigned)i % 100000);
        memcpy(member->origin.bytes, &i, sizeof i);
        memcpy(member->root_key.bytes, &i, sizeof i);
        member->min_card = 1;
    }
}

static void eleven_thousand_members(void **state)
{
    (void)state;
    roster_t *roster = sample_charter(1, 1);
    roster_t *back = NULL;
    add_many(roster, 11000);
    roster->creator = roster->members[0].origin;
    roster_seal(roster);
    for (size_t i = 0; i < 11000; i++) {
        roster_signature_t signature = {.origin = roster->members[i].origin, .card_number = 1};
        roster_add_signature(roster, &signature);
    }
    buf_t bytes = roster_encode(roster);
    assert_true(bytes.size <= ROSTER_BYTES_MAX);
    assert_int_equal(roster_decode(buf_span(&bytes), &back, NULL), ERR_OK);
    expect_same(back, roster);
    buf_free(&bytes);
    roster_destroy(&back);
    add_many(roster, ROSTER_MEMBERS_MAX + 1);
    roster->creator = roster->members[0].origin;
    roster->signature_count = 0;
    roster_seal(roster);
    bytes = roster_encode(roster);
    assert_int_equal(roster_decode(buf_span(&bytes), &back, NULL), ERR_TOO_MANY);
    buf_free(&bytes);
    roster_destroy(&roster);
}

// ---- anything at all ----

static void refuse_roster(void *context, span_t bytes, size_t place)
{
    roster_t *roster = NULL;
    const size_t *body_end = context;
    if (place == *body_end)
        return; // all but the signatures is an unsigned roster
    assert_int_not_equal(roster_decode(bytes, &roster, NULL), ERR_OK);
    assert_null(roster);
}

// Whatever still decodes is not the charter that was signed.
static void try_roster(void *context, span_t bytes, size_t place)
{
    const roster_t *good = context;
    roster_t *roster = NULL;
    (void)place;
    if (roster_decode(bytes, &roster, NULL))
        return;
    if (!hash_equal(&roster->hash, &good->hash))
        assert_int_not_equal(charter_check(roster), ERR_OK);
    buf_t again = roster_encode(roster);
    roster_destroy(&roster);
    assert_int_equal(roster_decode(buf_span(&again), &roster, NULL), ERR_OK);
    roster_destroy(&roster);
    buf_free(&again);
}

static void altered_rosters(void **state)
{
    (void)state;
    roster_t *rosters[] = {sample_charter(2, 2), with_former()};
    sample_vote(rosters[1], 1, &sample_coalition);
    for (size_t i = 0; i < 2; i++) {
        buf_t bytes = roster_encode(rosters[i]);
        size_t body_end = rosters[i]->body.size + 3; // tag and two bytes of length
        assert_true(rosters[i]->body.size >= 128);
        hostile_each_bit(buf_span(&bytes), try_roster, rosters[i]);
        hostile_each_prefix(buf_span(&bytes), refuse_roster, &body_end);
        hostile_rounds(buf_span(&bytes), 8, 3000, try_roster, rosters[i]);
        buf_free(&bytes);
        roster_destroy(&rosters[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_charter_is_these_bytes),
        cmocka_unit_test(a_roster_comes_back),
        cmocka_unit_test(sealing_sorts),
        cmocka_unit_test(looking_up),
        cmocka_unit_test(a_roster_is_whole),
        cmocka_unit_test(a_roster_keeps_lengths_and_ranges),
        cmocka_unit_test(a_roster_does_not_contradict_itself),
        cmocka_unit_test(a_roster_has_one_form),
        cmocka_unit_test(roles_have_one_form),
        cmocka_unit_test(signatures_are_whole),
        cmocka_unit_test(eleven_thousand_members),
        cmocka_unit_test(altered_rosters),
    };
    return cmocka_run_group_tests_name("roster", tests, start, NULL);
}
