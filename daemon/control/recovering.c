// The fence and epochs, at the door: what a node waits for before it writes again,
// taking that risk, and starting an epoch.
#include <string.h>

#include "daemon/control/parts.h"
#include "daemon/control/reply.h"
#include "lib/mem.h"

typedef Enlace__V1__RecoverReply reply_t;
typedef Enlace__V1__RecoverReply__Peer peer_t;
typedef Enlace__V1__RecoverReply__Told told_t;
typedef Enlace__V1__RecoverReply__Own own_t;
typedef Enlace__V1__RecoverReply__Past past_t;

enum { PAST_MAX = 16 };

#define SET(line, field, value) ((line)->has_##field = true, (line)->field = (value))

// Messages, and the list of pointers to them that the encoder takes.
#define MESSAGES(type, init_function, lines, list, count)                                          \
    type *lines = mem_alloc_array((count), sizeof(type));                                          \
    type **list = mem_alloc_array((count), sizeof(type *));                                        \
    for (size_t line_index = 0; line_index < (count); line_index++) {                              \
        init_function(&(lines)[line_index]);                                                       \
        (list)[line_index] = &(lines)[line_index];                                                 \
    }

static char *name_of(err_t reason)
{
    return (char *)err_name(reason); // the encoder only reads
}

// ---- what it waits for ----

static void fill_told(const teller_t *teller, peer_t *peer)
{
    if (!teller->told_count)
        return;
    MESSAGES(told_t, enlace__v1__recover_reply__told__init, lines, list, teller->told_count)
    for (size_t i = 0; i < teller->told_count; i++) {
        SET(&lines[i], epoch, teller->told[i].feed.epoch);
        SET(&lines[i], lane, teller->told[i].feed.lane);
        SET(&lines[i], number, teller->told[i].number);
    }
    peer->n_told = teller->told_count;
    peer->told = list;
}

static void free_told(peer_t *peer)
{
    if (peer->n_told)
        mem_free(peer->told[0]); // all of them, in one
    mem_free(peer->told);
}

static void fill_peer(teller_t *teller, peer_t *peer)
{
    peer->code = teller->code.text[0] ? teller->code.text : NULL;
    peer->endpoint = teller->endpoint;
    SET(peer, configured, teller->endpoint != NULL);
    if (teller->told_ms)
        SET(peer, told_ms, teller->told_ms);
    SET(peer, here, teller->here);
    peer->why = teller->why ? name_of(teller->why) : NULL;
    fill_told(teller, peer);
}

static void fill_own(const own_end_t *end, own_t *own)
{
    SET(own, epoch, end->held.epoch);
    SET(own, lane, end->held.lane);
    SET(own, held, end->held.number);
    SET(own, known, end->known);
    SET(own, known_signed, end->known_signed);
}

static char *how_of(lift_t how)
{
    static const char *const names[] = {
        [LIFT_TOLD] = "told", [LIFT_ACCEPTED] = "accepted", [LIFT_EPOCH] = "epoch"};
    bool known = how >= LIFT_TOLD && how <= LIFT_EPOCH;
    return (char *)(known ? names[how] : "");
}

static void fill_past(lifting_t *lifting, past_t *past)
{
    past->fence = name_of(lifting->fence);
    SET(past, since_ms, lifting->fence_ms);
    past->detail = lifting->fence_detail;
    past->how = how_of(lifting->how);
    SET(past, lifted_ms, lifting->lifted_ms);
    past->missing = lifting->detail;
}

static buf_t make_reply(uint64_t id, recovery_t *recovery, lifting_t *liftings, size_t count)
{
    reply_t reply = ENLACE__V1__RECOVER_REPLY__INIT;
    MESSAGES(peer_t, enlace__v1__recover_reply__peer__init, peers, peer_list,
             recovery->teller_count)
    MESSAGES(own_t, enlace__v1__recover_reply__own__init, own, own_list, recovery->own_count)
    MESSAGES(past_t, enlace__v1__recover_reply__past__init, past, past_list, count)
    reply.fence = name_of(recovery->fence);
    if (recovery->fence) {
        SET(&reply, since_ms, recovery->since_ms);
        reply.detail = recovery->detail;
        reply.missing = recovery->missing;
        reply.accept = name_of(recovery->accept);
    }
    for (size_t i = 0; i < recovery->teller_count; i++)
        fill_peer(&recovery->tellers[i], &peers[i]);
    for (size_t i = 0; i < recovery->own_count; i++)
        fill_own(&recovery->own[i], &own[i]);
    for (size_t i = 0; i < count; i++)
        fill_past(&liftings[i], &past[i]);
    reply.n_peers = recovery->teller_count;
    reply.peers = peer_list;
    reply.n_own = recovery->own_count;
    reply.own = own_list;
    reply.n_past = count;
    reply.past = past_list;
    buf_t encoded = reply_recover(id, &reply);
    for (size_t i = 0; i < recovery->teller_count; i++)
        free_told(&peers[i]);
    mem_free(peers);
    mem_free(peer_list);
    mem_free(own);
    mem_free(own_list);
    mem_free(past);
    mem_free(past_list);
    return encoded;
}

void control_recover_show(control_t *control, request_t *request)
{
    recovery_t recovery;
    lifting_t *liftings = mem_alloc_array(PAST_MAX, sizeof *liftings);
    size_t count = 0;
    fault_t fault = {0};
    err_t err = store_liftings(control->store, PAST_MAX, liftings, &count, &fault);
    if (err) {
        control_refuse(control, request, err, &fault, 0);
    } else {
        control->node.recovery(control->node.context, &recovery);
        buf_t reply = make_reply(request->id, &recovery, liftings, count);
        recovery_clear(&recovery);
        control_finish(control, request, &reply);
    }
    mem_free(liftings);
}

// ---- accepting ----

void control_recover_accept(control_t *control, request_t *request)
{
    request->state = REQUEST_WRITING;
    control->node.accept(control->node.context, request->number);
}

void control_recover_written(control_t *control, request_t *request, err_t reason)
{
    if (reason) {
        control_refuse(control, request, reason, NULL, 0);
        return;
    }
    control_log_write(request, "accepted");
    control_recover_show(control, request);
}

// ---- epochs ----

static void tell_epoch(control_t *control, request_t *request)
{
    Enlace__V1__EpochReply reply = ENLACE__V1__EPOCH_REPLY__INIT;
    head_t *heads;
    size_t count;
    const card_t *card = control->node.own_card(control->node.context, &heads, &count);
    buf_t bytes = card_encode(card);
    MESSAGES(Enlace__V1__EpochReply__End, enlace__v1__epoch_reply__end__init, ends, list, count)
    for (size_t i = 0; i < count; i++) {
        SET(&ends[i], lane, heads[i].feed.lane);
        SET(&ends[i], number, heads[i].number);
        SET(&ends[i], hash, ((ProtobufCBinaryData){HASH_SIZE, heads[i].hash.bytes}));
    }
    SET(&reply, epoch, card->epoch);
    SET(&reply, card, ((ProtobufCBinaryData){bytes.size, bytes.data}));
    reply.n_ends = count;
    reply.ends = list;
    buf_t encoded = reply_epoch(request->id, &reply);
    mem_free(list);
    mem_free(ends);
    mem_free(heads);
    buf_free(&bytes);
    control_finish(control, request, &encoded);
}

void control_epoch(control_t *control, request_t *request)
{
    const Enlace__V1__EpochRequest *asked = request->message->epoch;
    fault_t fault = {0};
    if (!asked->has_card) {
        tell_epoch(control, request);
        return;
    }
    request->state = REQUEST_WRITING;
    err_t err = control->node.epoch(control->node.context, request->number,
                                    span_of(asked->card.data, asked->card.len), &fault);
    if (err)
        control_refuse(control, request, err, &fault, 0);
}

void control_epoch_written(control_t *control, request_t *request, err_t reason)
{
    if (reason) {
        control_refuse(control, request, reason, NULL, 0);
        return;
    }
    control_log_write(request, "started");
    tell_epoch(control, request);
}
