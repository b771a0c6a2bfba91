#include "lib/roster.h"

#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

// ---- looking up ----

static int compare_member_code(const void *code, const void *member)
{
    return strcmp(code, ((const member_t *)member)->code.text);
}

static int compare_former_code(const void *code, const void *former)
{
    return strcmp(code, ((const former_t *)former)->code.text);
}

const member_t *roster_by_code(const roster_t *roster, const char *code)
{
    if (roster->member_count == 0)
        return NULL;
    return bsearch(code, roster->members, roster->member_count, sizeof *roster->members,
                   compare_member_code);
}

static const former_t *former_by_code(const roster_t *roster, const char *code)
{
    if (roster->former_count == 0)
        return NULL;
    return bsearch(code, roster->formers, roster->former_count, sizeof *roster->formers,
                   compare_former_code);
}

const member_t *roster_member(const roster_t *roster, const origin_t *origin)
{
    // Asked for each beacon that comes: compared here and not by a call each.
    for (size_t i = 0; i < roster->member_count; i++)
        if (memcmp(roster->members[i].origin.bytes, origin->bytes, ORIGIN_SIZE) == 0)
            return &roster->members[i];
    return NULL;
}

const former_t *roster_former(const roster_t *roster, const origin_t *origin)
{
    for (size_t i = 0; i < roster->former_count; i++)
        if (origin_equal(&roster->formers[i].origin, origin))
            return &roster->formers[i];
    return NULL;
}

const char *roster_code_of(const roster_t *roster, const origin_t *origin)
{
    const member_t *member = roster_member(roster, origin);
    if (member)
        return member->code.text;
    const former_t *former = roster_former(roster, origin);
    return former ? former->code.text : NULL;
}

bool roster_origin_of(const roster_t *roster, const char *code, origin_t *origin)
{
    const member_t *member = roster_by_code(roster, code);
    const former_t *former = member ? NULL : former_by_code(roster, code);
    if (member)
        *origin = member->origin;
    else if (former)
        *origin = former->origin;
    return member || former;
}

// ---- signatures ----

void roster_add_signature(roster_t *roster, const roster_signature_t *signature)
{
    size_t count = roster->signature_count;
    roster->signatures = mem_resize(roster->signatures, (count + 1) * sizeof *roster->signatures);
    roster->signatures[count] = *signature;
    roster->signature_count++;
}

err_t charter_check(const roster_t *charter)
{
    if (charter->version != 1 || !charter->has_creator)
        return ERR_BAD_ROSTER;
    const member_t *creator = roster_member(charter, &charter->creator);
    if (!creator)
        return ERR_BAD_ROSTER;
    err_t err = ERR_TOO_FEW_SIGNATURES;
    for (size_t i = 0; i < charter->signature_count; i++) {
        const roster_signature_t *signature = &charter->signatures[i];
        if (signature->card_number != 0 || !origin_equal(&signature->origin, &charter->creator))
            continue;
        if (crypto_verify_hash(&creator->root_key, SIGN_CHARTER, NULL, &charter->hash,
                               &signature->signature))
            return ERR_OK;
        err = ERR_BAD_SIGNATURE;
    }
    return err;
}

// Whether a signature by that card counts: by the lowest card that either version
// accepts, and by nothing that arrives on another way. Whoever asked for the
// newest card here would refuse, after a member replaced its key, a version that
// others had taken before: the two would never meet again.
static bool card_votes(const member_t *before, const roster_t *next, uint32_t card_number)
{
    const member_t *after = roster_member(next, &before->origin);
    return card_number >= before->min_card && (!after || card_number >= after->min_card);
}

// Counts each member of `before` once, however many signatures bear its name,
// and stops at the threshold.
static bool enough_signatures(const roster_t *before, const roster_t *next, const hash_t *coalition,
                              vote_key_fn vote_key, void *context)
{
    size_t valid = 0;
    bool *counted = mem_alloc_array(before->member_count, sizeof *counted);
    for (size_t i = 0; i < next->signature_count && valid < before->threshold; i++) {
        const roster_signature_t *signature = &next->signatures[i];
        const member_t *member = roster_member(before, &signature->origin);
        if (!member || !card_votes(member, next, signature->card_number) ||
            counted[member - before->members])
            continue;
        const pubkey_t *key = vote_key(context, &signature->origin, signature->card_number);
        if (!key ||
            !crypto_verify_hash(key, SIGN_ROSTER, coalition, &next->hash, &signature->signature))
            continue;
        counted[member - before->members] = true;
        valid++;
    }
    mem_free(counted);
    return before->threshold > 0 && valid >= before->threshold;
}

// ---- succession ----

// Who stays keeps code and origin; who comes brings both, never seen before.
static bool member_may_stand(const roster_t *before, const member_t *member)
{
    const member_t *old = roster_by_code(before, member->code.text);
    if (old)
        return origin_equal(&old->origin, &member->origin) && member->min_card >= old->min_card;
    return !former_by_code(before, member->code.text) && !roster_member(before, &member->origin) &&
           !roster_former(before, &member->origin);
}

static bool same_identity(const code_t *code, const origin_t *origin, const pubkey_t *root_key,
                          const former_t *former)
{
    return strcmp(code->text, former->code.text) == 0 && origin_equal(origin, &former->origin) &&
           key_equal(root_key, &former->root_key);
}

static bool left_properly(const roster_t *next, const member_t *old)
{
    if (roster_by_code(next, old->code.text))
        return true; // has not left
    const former_t *former = former_by_code(next, old->code.text);
    return former && same_identity(&old->code, &old->origin, &old->root_key, former);
}

static bool same_cuts(const former_t *a, const former_t *b)
{
    for (size_t i = 0; i < a->cut_count && i < b->cut_count; i++)
        if (a->cuts[i].epoch != b->cuts[i].epoch || a->cuts[i].lane != b->cuts[i].lane ||
            a->cuts[i].number != b->cuts[i].number ||
            !hash_equal(&a->cuts[i].hash, &b->cuts[i].hash))
            return false;
    return a->cut_count == b->cut_count;
}

static bool former_kept(const roster_t *next, const former_t *old)
{
    const former_t *former = former_by_code(next, old->code.text);
    return former && same_identity(&old->code, &old->origin, &old->root_key, former) &&
           same_cuts(old, former);
}

static bool members_follow(const roster_t *before, const roster_t *next)
{
    for (size_t i = 0; i < next->member_count; i++)
        if (!member_may_stand(before, &next->members[i]))
            return false;
    for (size_t i = 0; i < before->member_count; i++)
        if (!left_properly(next, &before->members[i]))
            return false;
    return true;
}

// Nobody vanishes from the formers, and nobody is there who was never a member.
static bool formers_follow(const roster_t *before, const roster_t *next)
{
    for (size_t i = 0; i < before->former_count; i++)
        if (!former_kept(next, &before->formers[i]))
            return false;
    for (size_t i = 0; i < next->former_count; i++) {
        const char *code = next->formers[i].code.text;
        if (!roster_by_code(before, code) && !former_by_code(before, code))
            return false;
    }
    return true;
}

// Signatures first: what is compared after them is at least a quorum's word.
err_t roster_follows(const roster_t *before, const roster_t *next, const hash_t *coalition,
                     vote_key_fn vote_key, void *context)
{
    if (before->version == UINT32_MAX || next->version != before->version + 1 ||
        !next->has_previous || !hash_equal(&next->previous, &before->hash))
        return ERR_BAD_ROSTER;
    if (!enough_signatures(before, next, coalition, vote_key, context))
        return ERR_TOO_FEW_SIGNATURES;
    return members_follow(before, next) && formers_follow(before, next) ? ERR_OK : ERR_BAD_ROSTER;
}

// ---- memory ----

static void *copy_array(const void *array, size_t count, size_t size)
{
    void *copy = mem_alloc_array(count, size);
    if (count)
        memcpy(copy, array, count * size);
    return copy;
}

roster_t *roster_copy(const roster_t *roster)
{
    roster_t *copy = mem_alloc(sizeof *copy);
    *copy = *roster;
    copy->name = mem_copy_string(roster->name);
    copy->members = copy_array(roster->members, roster->member_count, sizeof *roster->members);
    copy->formers = copy_array(roster->formers, roster->former_count, sizeof *roster->formers);
    for (size_t i = 0; i < roster->former_count; i++)
        copy->formers[i].cuts = copy_array(roster->formers[i].cuts, roster->formers[i].cut_count,
                                           sizeof *roster->formers[i].cuts);
    copy->body = buf_copy(buf_span(&roster->body));
    copy->signatures = NULL;
    copy->signature_count = 0;
    for (size_t i = 0; i < roster->signature_count; i++)
        roster_add_signature(copy, &roster->signatures[i]);
    return copy;
}

void roster_destroy(roster_t **roster)
{
    if (!roster || !*roster)
        return;
    for (size_t i = 0; i < (*roster)->former_count; i++)
        mem_free((*roster)->formers[i].cuts);
    mem_free((*roster)->formers);
    mem_free((*roster)->members);
    mem_free((*roster)->name);
    mem_free((*roster)->signatures);
    buf_free(&(*roster)->body);
    mem_free(*roster);
    *roster = NULL;
}
