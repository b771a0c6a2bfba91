// Signed rosters, charters among them, and whether they follow the cast's.
#include <string.h>

#include "enlace/v1/membership.pb-c.h"
#include "lib/roster.h"
#include "tests/fuzz/cast.h"
#include "tests/fuzz/fuzz.h"

static void check_members(const roster_t *roster)
{
    origin_t origin;
    FUZZ_EXPECT(roster->member_count >= 1 && roster->threshold >= 1);
    FUZZ_EXPECT(roster->threshold <= roster->member_count);
    for (size_t i = 0; i < roster->member_count; i++) {
        const member_t *member = &roster->members[i];
        FUZZ_EXPECT(code_valid(member->code.text) && member->role_count <= ROSTER_ROLES_MAX);
        FUZZ_EXPECT(roster_by_code(roster, member->code.text) == member);
        FUZZ_EXPECT(roster_member(roster, &member->origin) == member);
        FUZZ_EXPECT(!roster_former(roster, &member->origin));
        FUZZ_EXPECT(strcmp(roster_code_of(roster, &member->origin), member->code.text) == 0);
        FUZZ_EXPECT(roster_origin_of(roster, member->code.text, &origin));
        FUZZ_EXPECT(origin_equal(&origin, &member->origin));
    }
    for (size_t i = 0; i < roster->former_count; i++) {
        const former_t *former = &roster->formers[i];
        FUZZ_EXPECT(roster_former(roster, &former->origin) == former);
        FUZZ_EXPECT(!roster_by_code(roster, former->code.text));
        FUZZ_EXPECT(roster_origin_of(roster, former->code.text, &origin));
    }
}

static void check_one_form(const roster_t *roster)
{
    roster_t *copy = roster_copy(roster);
    roster_seal(copy);
    FUZZ_EXPECT(span_equal(buf_span(&copy->body), buf_span(&roster->body)));
    FUZZ_EXPECT(hash_equal(&copy->hash, &roster->hash));
    buf_t bytes = roster_encode(copy);
    roster_t *again = NULL;
    fault_t fault = {0};
    err_t err = roster_decode(buf_span(&bytes), &again, &fault);
    FUZZ_EXPECT(err == ERR_OK && hash_equal(&again->hash, &roster->hash));
    FUZZ_EXPECT(again->signature_count == roster->signature_count);
    roster_destroy(&again);
    buf_free(&bytes);
    roster_destroy(&copy);
}

static const pubkey_t *vote_key(void *context, const origin_t *origin, uint32_t card_number)
{
    const actor_t *actor = cast_by_origin(span_of(origin->bytes, ORIGIN_SIZE));
    (void)context;
    return actor && card_number == 1 ? &actor->signing_key : NULL;
}

static bool has_gone(const roster_t *next, const member_t *old)
{
    return !roster_member(next, &old->origin);
}

// Nobody comes in on, or is thrown out by, fewer than two of the cast.
static void check_succession(const roster_t *roster)
{
    const roster_t *charter = cast()->charter;
    err_t err = roster_follows(charter, roster, &charter->hash, vote_key, NULL);
    FUZZ_EXPECT(fuzz_known(err));
    FUZZ_EXPECT(roster_follows(roster, roster, &charter->hash, vote_key, NULL) == ERR_BAD_ROSTER);
    if (roster->version == 1)
        FUZZ_EXPECT(fuzz_known(charter_check(roster)));
    if (err)
        return;
    FUZZ_EXPECT(roster->version == 2 && hash_equal(&roster->previous, &charter->hash));
    FUZZ_EXPECT(roster->signature_count >= charter->threshold);
    for (size_t i = 0; i < charter->member_count; i++)
        if (has_gone(roster, &charter->members[i]))
            FUZZ_EXPECT(roster_former(roster, &charter->members[i].origin));
}

static void one(span_t input)
{
    roster_t *roster = NULL;
    fault_t fault = {0};
    err_t err = roster_decode(input, &roster, &fault);
    fuzz_refused(err, &fault);
    FUZZ_EXPECT((roster != NULL) == (err == ERR_OK));
    if (!roster)
        return;
    check_members(roster);
    check_one_form(roster);
    check_succession(roster);
    roster_destroy(&roster);
}

static void start(void)
{
    (void)cast();
}

const fuzz_target_t fuzz_target = {.one = one,
                                   .start = start,
                                   .type = &enlace__v1__signed_roster__descriptor,
                                   .peak_bytes = 64 * 1024 * 1024};
