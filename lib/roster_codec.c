// Rosters as bytes.
#include <stdlib.h>
#include <string.h>

#include "enlace/v1/membership.pb-c.h"
#include "lib/bounded.h"
#include "lib/mem.h"
#include "lib/roster.h"
#include "lib/wire.h"

// As many signatures as there can be members, of 3 fields each.
static const limits_t signed_limits = {
    .bytes = ROSTER_BYTES_MAX,
    .fields = 1 + 4 * ROSTER_MEMBERS_MAX,
    .depth = 2,
    .memory = 4 * ROSTER_BYTES_MAX,
};
// A member is 5 fields and up to 16 roles; formers share the room.
static const limits_t body_limits = {
    .bytes = ROSTER_BYTES_MAX,
    .fields = 16 + (5 + ROSTER_ROLES_MAX) * ROSTER_MEMBERS_MAX,
    .depth = 3,
    .memory = 8 * ROSTER_BYTES_MAX,
};

// ---- reading ----

static void read_member(wire_t *wire, const Enlace__V1__Roster__Member *message, member_t *member)
{
    wire_code(wire, "code", message->code, &member->code);
    WIRE_BYTES(wire, message, origin, &member->origin);
    WIRE_BYTES(wire, message, root_key, &member->root_key);
    wire_count(wire, "roles", message->n_roles, 0, ROSTER_ROLES_MAX);
    WIRE_U32(wire, message, min_card, 1, UINT32_MAX, &member->min_card);
    if (wire->err)
        return;
    member->role_count = message->n_roles;
    if (message->n_roles)
        memcpy(member->roles, message->roles, message->n_roles * sizeof *message->roles);
}

static void read_former(wire_t *wire, const Enlace__V1__Roster__Former *message, former_t *former)
{
    wire_code(wire, "code", message->code, &former->code);
    WIRE_BYTES(wire, message, origin, &former->origin);
    WIRE_BYTES(wire, message, root_key, &former->root_key);
    former->cuts = wire_cuts(wire, "cuts", message->cuts, message->n_cuts);
    former->cut_count = former->cuts ? message->n_cuts : 0;
}

static void read_members(wire_t *wire, const Enlace__V1__Roster *message, roster_t *roster)
{
    wire_count(wire, "members", message->n_members, 1, ROSTER_MEMBERS_MAX);
    if (wire->err)
        return;
    roster->members = mem_alloc_array(message->n_members, sizeof *roster->members);
    roster->member_count = message->n_members;
    for (size_t i = 0; i < message->n_members && !wire->err; i++) {
        wire_t inside = wire_inside(wire, "members", i + 1);
        read_member(&inside, message->members[i], &roster->members[i]);
        wire->err = inside.err;
    }
}

static void read_formers(wire_t *wire, const Enlace__V1__Roster *message, roster_t *roster)
{
    wire_count(wire, "formers", message->n_formers, 0, ROSTER_MEMBERS_MAX);
    if (wire->err)
        return;
    roster->formers = mem_alloc_array(message->n_formers, sizeof *roster->formers);
    roster->former_count = message->n_formers;
    for (size_t i = 0; i < message->n_formers && !wire->err; i++) {
        wire_t inside = wire_inside(wire, "formers", i + 1);
        read_former(&inside, message->formers[i], &roster->formers[i]);
        wire->err = inside.err;
    }
}

static void read_roster(wire_t *wire, const Enlace__V1__Roster *message, roster_t *roster)
{
    WIRE_U32(wire, message, version, 1, UINT32_MAX, &roster->version);
    roster->has_previous = message->has_previous;
    if (roster->has_previous)
        WIRE_BYTES(wire, message, previous, &roster->previous);
    roster->name = wire_name(wire, "name", message->name);
    WIRE_U32(wire, message, threshold, 1, ROSTER_MEMBERS_MAX, &roster->threshold);
    read_members(wire, message, roster);
    read_formers(wire, message, roster);
    WIRE_U32(wire, message, min_protocol, 1, UINT32_MAX, &roster->min_protocol);
    WIRE_U64(wire, message, time_ms, 0, TIME_MS_MAX, &roster->time_ms);
    roster->has_creator = message->has_creator;
    if (roster->has_creator)
        WIRE_BYTES(wire, message, creator, &roster->creator);
}

static err_t decode_body(roster_t *roster, fault_t *fault)
{
    span_t body = buf_span(&roster->body);
    ProtobufCMessage *message = NULL;
    wire_t wire = {.fault = fault};
    wire.err = bounded_unpack(&enlace__v1__roster__descriptor, body, &body_limits, &message, fault);
    if (wire.err)
        return wire.err;
    wire_canonical(&wire, message, body);
    read_roster(&wire, (const Enlace__V1__Roster *)message, roster);
    bounded_free(message);
    return wire.err;
}

static void read_signatures(wire_t *wire, const Enlace__V1__SignedRoster *outer, roster_t *roster)
{
    wire_count(wire, "signatures", outer->n_signatures, 0, ROSTER_MEMBERS_MAX);
    for (size_t i = 0; i < outer->n_signatures && !wire->err; i++) {
        const Enlace__V1__RosterSignature *message = outer->signatures[i];
        roster_signature_t signature = {0};
        wire_t inside = wire_inside(wire, "signatures", i + 1);
        WIRE_BYTES(&inside, message, origin, &signature.origin);
        WIRE_U32(&inside, message, card_number, 0, UINT32_MAX, &signature.card_number);
        WIRE_BYTES(&inside, message, signature, &signature.signature);
        wire->err = inside.err;
        if (!wire->err)
            roster_add_signature(roster, &signature);
    }
}

static err_t decode_signed(span_t bytes, roster_t *roster, fault_t *fault)
{
    ProtobufCMessage *message = NULL;
    wire_t wire = {.fault = fault};
    wire.err = bounded_unpack(&enlace__v1__signed_roster__descriptor, bytes, &signed_limits,
                              &message, fault);
    if (wire.err)
        return wire.err;
    const Enlace__V1__SignedRoster *outer = (const Enlace__V1__SignedRoster *)message;
    span_t body = {0};
    WIRE_SPAN(&wire, outer, body, ROSTER_BYTES_MAX, &body);
    read_signatures(&wire, outer, roster);
    if (!wire.err) {
        roster->body = buf_copy(body);
        roster->hash = crypto_hash_of(HASH_ROSTER, body);
    }
    bounded_free(message);
    return wire.err;
}

// ---- what a roster can be asked without knowing any other ----

static int compare_origins(const void *a, const void *b)
{
    const origin_t *const *left = a;
    const origin_t *const *right = b;
    return origin_compare(*left, *right);
}

static bool origins_unique(const roster_t *roster)
{
    size_t count = 0;
    bool unique = true;
    const origin_t **all =
        mem_alloc_array(roster->member_count + roster->former_count, sizeof(const origin_t *));
    for (size_t i = 0; i < roster->member_count; i++)
        all[count++] = &roster->members[i].origin;
    for (size_t i = 0; i < roster->former_count; i++)
        all[count++] = &roster->formers[i].origin;
    qsort(all, count, sizeof(const origin_t *), compare_origins);
    for (size_t i = 1; i < count && unique; i++)
        unique = !origin_equal(all[i - 1], all[i]);
    mem_free(all);
    return unique;
}

static bool codes_sorted(const roster_t *roster)
{
    for (size_t i = 1; i < roster->member_count; i++)
        if (strcmp(roster->members[i - 1].code.text, roster->members[i].code.text) >= 0)
            return false;
    for (size_t i = 1; i < roster->former_count; i++)
        if (strcmp(roster->formers[i - 1].code.text, roster->formers[i].code.text) >= 0)
            return false;
    return true;
}

static bool codes_apart(const roster_t *roster)
{
    for (size_t i = 0; i < roster->former_count; i++)
        if (roster_by_code(roster, roster->formers[i].code.text))
            return false;
    return true;
}

static err_t check_alone(const roster_t *roster, fault_t *fault)
{
    bool charter = roster->version == 1;
    if (roster->has_previous == charter)
        return fault_set(fault, ERR_BAD_ROSTER, "previous", NULL);
    if (roster->has_creator != charter)
        return fault_set(fault, ERR_BAD_ROSTER, "creator", NULL);
    if (roster->has_creator && !roster_member(roster, &roster->creator))
        return fault_set(fault, ERR_BAD_ROSTER, "creator", NULL);
    if (roster->threshold > roster->member_count)
        return fault_set(fault, ERR_BAD_ROSTER, "threshold", NULL);
    if (!codes_sorted(roster))
        return fault_set(fault, ERR_NOT_CANONICAL, "members", NULL);
    if (!codes_apart(roster) || !origins_unique(roster))
        return fault_set(fault, ERR_BAD_ROSTER, "members", NULL);
    if (charter && roster->former_count)
        return fault_set(fault, ERR_BAD_ROSTER, "formers", NULL);
    return ERR_OK;
}

err_t roster_decode(span_t signed_roster, roster_t **roster, fault_t *fault)
{
    roster_t *made = mem_alloc(sizeof *made);
    err_t err = decode_signed(signed_roster, made, fault);
    if (!err)
        err = decode_body(made, fault);
    if (!err)
        err = check_alone(made, fault);
    if (err)
        roster_destroy(&made);
    *roster = made;
    return err;
}

// ---- writing ----

typedef struct {
    Enlace__V1__Roster message;
    Enlace__V1__Roster__Member *members;
    Enlace__V1__Roster__Member **member_list;
    Enlace__V1__Roster__Former *formers;
    Enlace__V1__Roster__Former **former_list;
} packing_t;

static void put_member(Enlace__V1__Roster__Member *message, member_t *member)
{
    enlace__v1__roster__member__init(message);
    message->code = member->code.text;
    WIRE_SET_BYTES(message, origin, &member->origin);
    WIRE_SET_BYTES(message, root_key, &member->root_key);
    message->n_roles = member->role_count;
    message->roles = member->roles;
    WIRE_SET(message, min_card, member->min_card);
}

static void put_former(Enlace__V1__Roster__Former *message, former_t *former)
{
    enlace__v1__roster__former__init(message);
    message->code = former->code.text;
    WIRE_SET_BYTES(message, origin, &former->origin);
    WIRE_SET_BYTES(message, root_key, &former->root_key);
    message->n_cuts = former->cut_count;
    message->cuts = wire_put_cuts(former->cuts, former->cut_count);
}

static void put_lists(packing_t *packing, roster_t *roster)
{
    size_t members = roster->member_count;
    size_t formers = roster->former_count;
    packing->members = mem_alloc_array(members, sizeof *packing->members);
    packing->member_list = mem_alloc_array(members, sizeof *packing->member_list);
    packing->formers = mem_alloc_array(formers, sizeof *packing->formers);
    packing->former_list = mem_alloc_array(formers, sizeof *packing->former_list);
    for (size_t i = 0; i < members; i++) {
        packing->member_list[i] = &packing->members[i];
        put_member(&packing->members[i], &roster->members[i]);
    }
    for (size_t i = 0; i < formers; i++) {
        packing->former_list[i] = &packing->formers[i];
        put_former(&packing->formers[i], &roster->formers[i]);
    }
    packing->message.n_members = members;
    packing->message.members = packing->member_list;
    packing->message.n_formers = formers;
    packing->message.formers = packing->former_list;
}

static void free_lists(packing_t *packing)
{
    for (size_t i = 0; i < packing->message.n_formers; i++)
        mem_free(packing->formers[i].cuts);
    mem_free(packing->members);
    mem_free(packing->member_list);
    mem_free(packing->formers);
    mem_free(packing->former_list);
}

static int compare_members(const void *a, const void *b)
{
    return strcmp(((const member_t *)a)->code.text, ((const member_t *)b)->code.text);
}

static int compare_formers(const void *a, const void *b)
{
    return strcmp(((const former_t *)a)->code.text, ((const former_t *)b)->code.text);
}

static void sort(roster_t *roster)
{
    if (roster->member_count > 1)
        qsort(roster->members, roster->member_count, sizeof *roster->members, compare_members);
    if (roster->former_count > 1)
        qsort(roster->formers, roster->former_count, sizeof *roster->formers, compare_formers);
    for (size_t i = 0; i < roster->former_count; i++)
        wire_sort_cuts(roster->formers[i].cuts, roster->formers[i].cut_count);
}

void roster_seal(roster_t *roster)
{
    packing_t packing = {.message = ENLACE__V1__ROSTER__INIT};
    Enlace__V1__Roster *message = &packing.message;
    sort(roster);
    WIRE_SET(message, version, roster->version);
    if (roster->has_previous)
        WIRE_SET_BYTES(message, previous, &roster->previous);
    message->name = roster->name;
    WIRE_SET(message, threshold, roster->threshold);
    put_lists(&packing, roster);
    WIRE_SET(message, min_protocol, roster->min_protocol);
    WIRE_SET(message, time_ms, roster->time_ms);
    if (roster->has_creator)
        WIRE_SET_BYTES(message, creator, &roster->creator);
    buf_free(&roster->body);
    roster->body = bounded_pack(&message->base);
    roster->hash = crypto_hash_of(HASH_ROSTER, buf_span(&roster->body));
    free_lists(&packing);
}

static buf_t pack_signature(const roster_signature_t *signature)
{
    Enlace__V1__RosterSignature message = ENLACE__V1__ROSTER_SIGNATURE__INIT;
    WIRE_SET_BYTES(&message, origin, &signature->origin);
    WIRE_SET(&message, card_number, signature->card_number);
    WIRE_SET_BYTES(&message, signature, &signature->signature);
    return bounded_pack(&message.base);
}

buf_t roster_encode(const roster_t *roster)
{
    buf_t bytes = {0};
    wire_append(&bytes, 1, buf_span(&roster->body));
    for (size_t i = 0; i < roster->signature_count; i++) {
        buf_t signature = pack_signature(&roster->signatures[i]);
        wire_append(&bytes, 2, buf_span(&signature));
        buf_free(&signature);
    }
    return bytes;
}
