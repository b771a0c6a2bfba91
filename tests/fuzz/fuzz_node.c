// A node among three members who may say anything, after a greeting that is
// valid: link messages, publications, commits, cards, rosters and beacons (signed
// as they would be), time, lost links; and its own author's records. The input is
// a story, one field an event (see `story`).
#include <string.h>

#include "daemon/control/author.h"
#include "enlace/v1/commit.pb-c.h"
#include "enlace/v1/control.pb-c.h"
#include "enlace/v1/link.pb-c.h"
#include "enlace/v1/membership.pb-c.h"
#include "enlace/v1/records.pb-c.h"
#include "lib/bounded.h"
#include "lib/mem.h"
#include "tests/fuzz/node_scene.h"
#include "tests/fuzz/wire_tree.h"
#include "tests/unit/protocol_samples.h"

enum { EVENTS_MAX = 40, PASS_MAX_MS = 1000 * 1000 };

// In the events that have a table: who, and what.
enum { WHO = 1, WHAT = 2, FLAGS = 3, TYPE = 4, TARGET = 5, LANE = 6 };

static const fuzz_field_t of_message[] = {
    {WHO, NULL, NULL}, {WHAT, &enlace__v1__link_message__descriptor, NULL}, {0, NULL, NULL}};
static const fuzz_field_t of_publication[] = {
    {WHO, NULL, NULL}, {WHAT, &enlace__v1__publication__descriptor, NULL}, {0, NULL, NULL}};
static const fuzz_field_t of_commit[] = {
    {WHO, NULL, NULL},    {WHAT, &enlace__v1__record__descriptor, NULL},
    {FLAGS, NULL, NULL},  {TYPE, NULL, NULL},
    {TARGET, NULL, NULL}, {LANE, NULL, NULL},
    {0, NULL, NULL}};
static const fuzz_field_t of_link[] = {{WHO, NULL, NULL}, {WHAT, NULL, NULL}, {0, NULL, NULL}};
static const fuzz_field_t of_card[] = {
    {WHO, NULL, NULL}, {WHAT, &enlace__v1__card__descriptor, NULL}, {0, NULL, NULL}};
static const fuzz_field_t of_beacon[] = {
    {WHO, NULL, NULL}, {WHAT, &enlace__v1__beacon__descriptor, NULL}, {0, NULL, NULL}};

static uint64_t number_in(wire_node_t *node, uint32_t tag)
{
    const wire_node_t *child = node ? wire_tree_child(node, tag) : NULL;
    return child ? child->number : 0;
}

static buf_t bytes_in(wire_node_t *node, uint32_t tag)
{
    const wire_node_t *child = wire_tree_child(node, tag);
    buf_t bytes = {0};
    if (child)
        wire_tree_print(child, &bytes);
    return bytes;
}

static line_t *line_in(scene_t *scene, wire_node_t *node)
{
    return &scene->lines[number_in(node, WHO) % LINE_COUNT];
}

// ---- as it comes ----

// A session of zeros stands for the line's own.
static void tell_message(scene_t *scene, wire_node_t *event)
{
    static const uint8_t own[2 + NONCE_SIZE] = {0x0a, NONCE_SIZE};
    line_t *line = line_in(scene, event);
    buf_t bytes = bytes_in(event, WHAT);
    if (bytes.size >= sizeof own && memcmp(bytes.data, own, sizeof own) == 0)
        memcpy(bytes.data + 2, line->session.bytes, NONCE_SIZE);
    scene_message(scene, line, buf_span(&bytes));
    buf_free(&bytes);
}

static void tell_publication(scene_t *scene, wire_node_t *event)
{
    buf_t bytes = bytes_in(event, WHAT);
    scene_publication(scene, line_in(scene, event), buf_span(&bytes));
    buf_free(&bytes);
}

static void tell_time(scene_t *scene, wire_node_t *event)
{
    scene_pass(scene, event->number % PASS_MAX_MS);
}

static void tell_link(scene_t *scene, wire_node_t *event)
{
    line_t *line = line_in(scene, event);
    scene_link_down(scene, line, number_in(event, WHAT) & 1 ? ERR_UNREACHABLE : ERR_DISCONNECTED);
    if (!(number_in(event, WHAT) & 2))
        scene_link_up(scene, line);
}

static void tell_flush(scene_t *scene, wire_node_t *event)
{
    (void)event;
    scene_flush(scene);
}

// ---- its own author ----

static void tell_put(scene_t *scene, wire_node_t *event)
{
    author_t author = {.store = scene->store,
                       .roster = core_roster(scene->core),
                       .self = cast()->actors[0].origin,
                       .own = "AA",
                       .lang = "es"};
    buf_t bytes = {0};
    wire_tree_print(event, &bytes);
    Enlace__V1__Put *put = enlace__v1__put__unpack(NULL, bytes.size, bytes.data);
    authored_t authored = {0};
    fault_t fault = {0};
    buf_free(&bytes);
    if (!put)
        return;
    err_t err = author_put(&author, put, &authored, &fault);
    fuzz_refused(err, &fault);
    if (!err) {
        event_t append = {.type = EVENT_APPEND};
        append.as.append.request = REQUEST_APPEND;
        append.as.append.lane = LANE_COALITION;
        append.as.append.drafts = &authored.draft;
        append.as.append.count = 1;
        driver_step(scene->driver, &append);
    }
    authored_clear(&authored);
    enlace__v1__put__free_unpacked(put, NULL);
}

// ---- its operator ----

static void tell_accept(scene_t *scene, wire_node_t *event)
{
    event_t accept = {.type = EVENT_ACCEPT};
    (void)event;
    accept.as.accept.request = REQUEST_ACCEPT;
    driver_step(scene->driver, &accept);
}

// The card that starts the next epoch; an even number cuts its feeds where they end,
// an odd one does not.
static void tell_epoch(scene_t *scene, wire_node_t *event)
{
    const card_t *newest = core_own_card(scene->core);
    event_t start = {.type = EVENT_EPOCH};
    head_t *heads;
    size_t count = core_own_ends(scene->core, &heads);
    scene_flush(scene); // an answer that is due counts
    if (scene->epoch + 1 >= EPOCHS_MAX || newest != core_own_card(scene->core)) {
        mem_free(heads);
        return;
    }
    card_t *card = card_copy(newest);
    const secret_t *signing = scene_signing(scene->epoch + 1, &card->signing_key);
    card->number++;
    card->has_previous = true;
    card->previous = newest->hash;
    card->epoch++;
    mem_free(card->cuts);
    card->cut_count = event->number & 1 ? 0 : count;
    card->cuts = mem_alloc_array(count, sizeof *card->cuts);
    for (size_t i = 0; i < card->cut_count; i++)
        card->cuts[i] =
            (cut_t){heads[i].feed.epoch, heads[i].feed.lane, heads[i].number, heads[i].hash};
    card_sign(card, cast()->actors[0].root);
    buf_t bytes = card_encode(card);
    start.as.epoch.request = REQUEST_EPOCH;
    start.as.epoch.card = buf_span(&bytes);
    start.as.epoch.signing = signing;
    driver_step(scene->driver, &start);
    scene_flush(scene);
    buf_free(&bytes);
    card_destroy(&card);
    mem_free(heads);
}

// ---- what members sign ----

enum { AS_ANSWER = 1, AS_PROOF = 2, STAYS = 4, UNSIGNED = 8, LATER_TIME = 16, MISSING = 32 };

static uint32_t fetch_of(const line_t *line, const feed_t *feed)
{
    for (size_t i = 0; i < line->fetch_count; i++)
        if (feed_equal(&line->fetches[i].feed, feed))
            return line->fetches[i].fetch;
    return 0;
}

static void deliver_run(scene_t *scene, line_t *line, uint64_t flags, const feed_t *feed, buf_t run)
{
    message_t message = {.type = flags & AS_PROOF ? MSG_PROOF : MSG_RUN_PART};
    uint32_t fetch = fetch_of(line, feed);
    if (flags & AS_PROOF) {
        message.as.proof.run = buf_span(&run);
    } else {
        message.as.run_part.fetch = fetch;
        message.as.run_part.last = message.as.run_part.end = true;
        message.as.run_part.bytes = buf_span(&run);
    }
    if (flags & AS_PROOF || fetch)
        scene_say(scene, line, &message);
    buf_free(&run);
}

static commit_t *author_next(scene_t *scene, const head_t *head, const actor_t *actor,
                             wire_node_t *event, span_t body)
{
    uint64_t target = number_in(event, TARGET), flags = number_in(event, FLAGS);
    uint8_t seed[32] = {(uint8_t)flags};
    uint64_t type = number_in(event, TYPE) % 8;
    draft_t draft = {.type = type ? (uint32_t)type : CHANGE_RECORD,
                     .has_target = target > 0 || type == CHANGE_RETRACT,
                     .target = {1, head->feed.lane, 1 + target % 8},
                     .min_reader = 1,
                     .body = body};
    uint64_t time_ms = 1700000000000 + (flags & LATER_TIME ? scene->now_ms : head->number);
    if (!draft.has_target)
        draft.target = (position_t){0};
    return commit_author(&head->feed, head->number + 1, &head->hash, time_ms, 1, &draft, 1, seed,
                         actor->signing, &cast()->charter->hash);
}

// The next commit of a member, or of AA itself where somebody has copied its disk.
static void tell_commit(scene_t *scene, wire_node_t *event)
{
    size_t member = (size_t)(number_in(event, WHO) % CAST_MEMBERS);
    uint64_t flags = number_in(event, FLAGS);
    line_t *line = &scene->lines[member == 0 ? 1 : (member - 1 + (flags >> 8)) % LINE_COUNT];
    head_t *head = &scene->heads[member], at = *head;
    buf_t body = bytes_in(event, WHAT);
    if (number_in(event, LANE) == 1)
        at = (head_t){{at.feed.origin, 1, LANE_CONTROL}, 0, cast()->actors[member].card->hash};
    commit_t *commit = author_next(scene, &at, &cast()->actors[member], event,
                                   span_of(body.data, body.size % PAYLOAD_BYTES_MAX));
    commit->has_signature = !(flags & UNSIGNED);
    if (flags & MISSING)
        commit->changes[0].state = PAYLOAD_MISSING;
    if (flags & (AS_ANSWER | AS_PROOF)) {
        deliver_run(scene, line, flags, &at.feed, run_encode(&at.feed, &commit, 1));
    } else {
        buf_t publication = publication_of_commit(commit);
        scene_publication(scene, &scene->lines[1], buf_span(&publication));
        buf_free(&publication);
    }
    if (!(flags & STAYS) && number_in(event, LANE) != 1)
        *head = (head_t){at.feed, commit->last, commit->hash};
    commit_destroy(&commit);
    buf_free(&body);
}

static void say_item(scene_t *scene, line_t *line, message_type_t type, buf_t item)
{
    message_t message = {.type = type};
    message.as.signed_items.count = 1;
    message.as.signed_items.items[0] = buf_span(&item);
    scene_say(scene, line, &message);
    buf_free(&item);
}

// Body and signature, whatever the body says.
static buf_t signed_form(span_t body, const signature_t *signature)
{
    Enlace__V1__SignedCard message = ENLACE__V1__SIGNED_CARD__INIT; // a beacon's is the same
    message.has_body = message.has_signature = true;
    message.body = (ProtobufCBinaryData){body.size, (uint8_t *)(uintptr_t)body.data};
    message.signature =
        (ProtobufCBinaryData){SIGNATURE_SIZE, (uint8_t *)(uintptr_t)signature->bytes};
    return bounded_pack(&message.base);
}

static void tell_card(scene_t *scene, wire_node_t *event)
{
    const actor_t *actor = &cast()->actors[number_in(event, WHO) % CAST_MEMBERS];
    buf_t body = bytes_in(event, WHAT);
    hash_t hash = crypto_hash_of(HASH_CARD, buf_span(&body));
    signature_t signature = crypto_sign_hash(actor->root, SIGN_CARD, NULL, &hash);
    say_item(scene, line_in(scene, event), MSG_CARDS, signed_form(buf_span(&body), &signature));
    buf_free(&body);
}

static void tell_beacon(scene_t *scene, wire_node_t *event)
{
    const actor_t *actor = &cast()->actors[number_in(event, WHO) % CAST_MEMBERS];
    buf_t body = bytes_in(event, WHAT);
    hash_t hash = crypto_hash_of(HASH_BEACON, buf_span(&body));
    signature_t signature =
        crypto_sign_hash(actor->signing, SIGN_BEACON, &cast()->charter->hash, &hash);
    say_item(scene, line_in(scene, event), MSG_BEACONS, signed_form(buf_span(&body), &signature));
    buf_free(&body);
}

// The version that comes next, as far as number and previous hash go, voted for by all.
static void tell_roster(scene_t *scene, wire_node_t *event)
{
    const roster_t *before = core_roster(scene->core);
    buf_t bytes = {0};
    wire_tree_print(event, &bytes);
    Enlace__V1__Roster *message = enlace__v1__roster__unpack(NULL, bytes.size, bytes.data);
    buf_free(&bytes);
    if (!message)
        return;
    message->has_version = true;
    message->version = before->version + 1;
    message->has_creator = false;
    message->has_previous = true;
    message->previous.data = mem_resize(message->previous.data, HASH_SIZE);
    message->previous.len = HASH_SIZE;
    memcpy(message->previous.data, before->hash.bytes, HASH_SIZE);
    roster_t roster = {.body = bounded_pack(&message->base)};
    roster.hash = crypto_hash_of(HASH_ROSTER, buf_span(&roster.body));
    for (uint8_t n = 1; n <= CAST_MEMBERS; n++)
        sample_vote(&roster, n, &cast()->charter->hash);
    say_item(scene, &scene->lines[0], MSG_ROSTERS, roster_encode(&roster));
    buf_free(&roster.body);
    mem_free(roster.signatures);
    enlace__v1__roster__free_unpacked(message, NULL);
}

// ---- the story ----

static const struct {
    uint32_t tag;
    void (*tell)(scene_t *scene, wire_node_t *event);
} events[] = {{1, tell_message}, {2, tell_publication}, {3, tell_time},   {4, tell_put},
              {5, tell_commit},  {6, tell_link},        {7, tell_flush},  {8, tell_roster},
              {9, tell_card},    {10, tell_beacon},     {11, tell_epoch}, {12, tell_accept}};

static const fuzz_field_t story[] = {
    {1, NULL, of_message}, {2, NULL, of_publication},
    {3, NULL, NULL},       {4, &enlace__v1__put__descriptor, NULL},
    {5, NULL, of_commit},  {6, NULL, of_link},
    {7, NULL, NULL},       {8, &enlace__v1__roster__descriptor, NULL},
    {9, NULL, of_card},    {10, NULL, of_beacon},
    {0, NULL, NULL}};

static void tell(scene_t *scene, wire_node_t *event)
{
    for (size_t i = 0; i < sizeof events / sizeof *events; i++)
        if (events[i].tag == event->tag)
            events[i].tell(scene, event);
}

static void one(span_t input)
{
    scene_t scene;
    wire_node_t root;
    wire_tree_parse(&root, NULL, story, input);
    scene_open(&scene);
    for (size_t i = 0; i < root.count && i < EVENTS_MAX; i++)
        tell(&scene, &root.children[i]);
    scene_check(&scene);
    scene_close(&scene);
    wire_tree_clear(&root);
}

const fuzz_target_t fuzz_target = {
    .one = one, .start = scene_prepare, .fields = story, .keeps = true};
