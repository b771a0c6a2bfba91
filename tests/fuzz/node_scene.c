#include "tests/fuzz/node_scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/store/reader.h"
#include "lib/home.h"
#include "lib/mem.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/protocol_samples.h"

static const uint64_t start_ms = 1000, wall_start_ms = 1700000000000;

// ---- the store: begun from a copy of one that knows charter and cards ----

static buf_t template;
static char folder[64];

static void remove_folder(void)
{
    char *command = mem_format("rm -rf '%s'", folder);
    if (system(command) != 0)
        fprintf(stderr, "%s could not be removed\n", folder);
    mem_free(command);
    buf_free(&template);
}

static void path_in(char path[96], const char *name)
{
    snprintf(path, 96, "%s/%s", folder, name);
}

void scene_prepare(void)
{
    char path[96];
    store_t *store = NULL;
    fault_t fault = {0};
    const char *memory = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : P_tmpdir;
    snprintf(folder, sizeof folder, "%s/enlace-fuzz-XXXXXX", memory);
    FUZZ_EXPECT(mkdtemp(folder));
    path_in(path, "template.db");
    FUZZ_EXPECT(store_open(path, NULL, &store, &fault) == ERR_OK);
    FUZZ_EXPECT(store_add_roster(store, cast()->charter, &fault) == ERR_OK);
    for (size_t i = 0; i < CAST_MEMBERS; i++)
        FUZZ_EXPECT(store_add_card(store, cast()->actors[i].card, &fault) == ERR_OK);
    FUZZ_EXPECT(store_commit(store, &fault) == ERR_OK);
    store_close(&store);
    FUZZ_EXPECT(file_read(path, 16 * 1024 * 1024, &template, &fault) == ERR_OK);
    atexit(remove_folder);
}

static void open_store(scene_t *scene)
{
    static const char *const ends[] = {"-wal", "-shm"};
    char path[96 + 8];
    fault_t fault = {0};
    path_in(scene->path, "node.db");
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        snprintf(path, sizeof path, "%s%s", scene->path, ends[i]);
        unlink(path);
    }
    FILE *file = fopen(scene->path, "wb");
    FUZZ_EXPECT(file && fwrite(template.data, 1, template.size, file) == template.size);
    FUZZ_EXPECT(fclose(file) == 0);
    FUZZ_EXPECT(store_open(scene->path, NULL, &scene->store, &fault) == ERR_OK);
}

// ---- the driver's edge ----

static line_t *line_of(scene_t *scene, core_link_t link)
{
    for (size_t i = 0; i < LINE_COUNT; i++)
        if (scene->lines[i].up && scene->lines[i].link == link)
            return &scene->lines[i];
    return NULL;
}

static void edge_clock(void *context, uint64_t *now_ms, uint64_t *wall_ms, uint8_t seed[32])
{
    scene_t *scene = context;
    static const uint8_t root[32] = {1};
    *now_ms = scene->now_ms;
    *wall_ms = wall_start_ms + scene->now_ms;
    crypto_derive(root, scene->drawn++, seed, 32);
}

static void note_fetch(line_t *line, const message_t *message)
{
    if (message->type == MSG_FETCH && line->fetch_count < FETCHES_MAX)
        line->fetches[line->fetch_count++] =
            (fetch_t){message->as.fetch.fetch, message->as.fetch.feed, message->as.fetch.after};
    for (size_t i = 0; message->type == MSG_END_FETCH && i < line->fetch_count; i++)
        if (line->fetches[i].fetch == message->as.end_fetch.fetch)
            line->fetches[i] = line->fetches[--line->fetch_count];
}

static void edge_send(void *context, core_link_t link, span_t bytes)
{
    line_t *line = line_of(context, link);
    message_t message;
    fault_t fault = {0};
    FUZZ_EXPECT(message_decode(bytes, &message, &fault) == ERR_OK);
    if (line && message.type == MSG_HELLO) {
        line->hello = message.as.hello.nonce;
        line->heard_hello = true;
    } else if (line && message.type == MSG_WELCOME) {
        line->session = message.session;
        line->in_session = true;
    } else if (line) {
        note_fetch(line, &message);
    }
    message_clear(&message);
}

static void edge_publish(void *context, span_t topic, span_t body)
{
    publication_t publication;
    fault_t fault = {0};
    (void)context;
    FUZZ_EXPECT(publication_decode(topic, body, &cast()->charter->hash, &publication, &fault) ==
                ERR_OK);
    publication_clear(&publication);
}

static void line_ends(line_t *line)
{
    line->up = line->heard_hello = line->in_session = false;
    line->fetch_count = 0;
}

static void edge_close(void *context, core_link_t link)
{
    line_t *line = line_of(context, link);
    if (line)
        line_ends(line);
}

// Connects at once; EVENT_LINK_UP comes after the turn.
static core_link_t edge_dial(void *context, const char *endpoint, const pubkey_t *key, span_t topic,
                             err_t *reason)
{
    scene_t *scene = context;
    (void)endpoint;
    (void)topic;
    *reason = ERR_OK;
    for (size_t i = 0; i < LINE_COUNT; i++) {
        line_t *line = &scene->lines[i];
        if (!line->outbound || !key_equal(key, &cast()->actors[line->member].card->transport_key))
            continue;
        line->link = ++scene->last_link;
        return line->link;
    }
    *reason = ERR_UNREACHABLE; // a key of a later card
    return 0;
}

static void edge_admit(void *context, const pubkey_t *keys, size_t count)
{
    (void)context;
    FUZZ_EXPECT(count == 0 || keys);
}

static void edge_written(void *context, uint64_t request, err_t reason, const feed_t *feed,
                         uint64_t first)
{
    scene_t *scene = context;
    FUZZ_EXPECT(request && fuzz_known(reason));
    if (request == REQUEST_APPEND && !reason)
        FUZZ_EXPECT(first > 0 && feed->lane == LANE_COALITION);
    if (request == REQUEST_EPOCH && !reason)
        scene->epoch++;
}

static void edge_applied(void *context)
{
    ((scene_t *)context)->applied = true;
}

static void edge_durable(void *context)
{
    (void)context;
}

static void edge_log(void *context, int level, const char *text)
{
    (void)context;
    FUZZ_EXPECT(level >= 0 && level <= 7 && text);
}

// ---- beginning ----

const secret_t *scene_signing(uint32_t epoch, pubkey_t *key)
{
    static secret_t *secrets[EPOCHS_MAX];
    static pubkey_t keys[EPOCHS_MAX];
    if (epoch == 0) {
        *key = cast()->actors[0].signing_key;
        return cast()->actors[0].signing;
    }
    if (!secrets[epoch])
        secrets[epoch] = sample_secret((uint8_t)(200 + epoch), &keys[epoch]);
    *key = keys[epoch];
    return secrets[epoch];
}

static void load(scene_t *scene)
{
    static const core_dial_t dials[] = {{"CC", "tcp://192.0.2.1:7000"}};
    const edge_t edge = {scene,        edge_clock, edge_send,    edge_publish,
                         edge_close,   edge_dial,  edge_admit,   edge_written,
                         edge_applied, edge_log,   edge_durable, NULL};
    fault_t fault = {0};
    pubkey_t key;
    core_options_t options = {.self = cast()->actors[0].origin,
                              .signing = scene_signing(scene->epoch, &key),
                              .listening = true,
                              .dial_count = 1,
                              .dials = dials};
    FUZZ_EXPECT(driver_load(scene->store, &options, scene->now_ms, wall_start_ms + scene->now_ms,
                            &scene->core, &fault) == ERR_OK);
    scene->driver = driver_new(scene->core, scene->store, &edge);
}

void scene_open(scene_t *scene)
{
    *scene = (scene_t){.now_ms = start_ms};
    open_store(scene);
    load(scene);
    for (size_t i = 0; i < LINE_COUNT; i++)
        scene->lines[i] = (line_t){.member = i + 1, .outbound = i == 1};
    for (size_t i = 0; i < CAST_MEMBERS; i++)
        scene->heads[i] = (head_t){
            {cast()->actors[i].origin, 1, LANE_COALITION}, 0, cast()->actors[i].card->hash};
    scene_pass(scene, 10);
    for (size_t i = 0; i < LINE_COUNT; i++)
        scene_link_up(scene, &scene->lines[i]);
    scene_flush(scene);
}

static void unload(scene_t *scene)
{
    driver_destroy(&scene->driver);
    core_destroy(&scene->core);
}

void scene_close(scene_t *scene)
{
    unload(scene);
    store_close(&scene->store);
}

// ---- the lines ----

static greeting_t greeting_of(const line_t *line, card_number_t *numbers)
{
    const roster_t *charter = cast()->charter;
    greeting_t greeting = {.protocol_min = 1,
                           .protocol_max = 1,
                           .coalition = charter->hash,
                           .roster_version = 1,
                           .roster_hash = charter->hash,
                           .card_count = CAST_MEMBERS,
                           .cards = numbers,
                           .origin = cast()->actors[line->member].origin};
    for (size_t i = 0; i < CAST_MEMBERS; i++)
        numbers[i] = (card_number_t){cast()->actors[i].origin, 1};
    memset(greeting.nonce.bytes, 0x40 + (int)line->member, NONCE_SIZE);
    return greeting;
}

static void send_encoded(scene_t *scene, line_t *line, const message_t *message)
{
    buf_t bytes = message_encode(message);
    scene_message(scene, line, buf_span(&bytes));
    buf_free(&bytes);
}

static void say_hello(scene_t *scene, line_t *line)
{
    card_number_t numbers[CAST_MEMBERS];
    message_t message = {.type = MSG_HELLO};
    message.as.hello = greeting_of(line, numbers);
    send_encoded(scene, line, &message);
}

static void say_welcome(scene_t *scene, line_t *line)
{
    card_number_t numbers[CAST_MEMBERS];
    message_t message = {.type = MSG_WELCOME, .has_session = true};
    message.as.welcome = greeting_of(line, numbers);
    message.as.welcome.hello_nonce = line->hello;
    line->session = session_id(&line->hello, &message.as.welcome.nonce);
    line->in_session = true;
    line->heard_hello = false;
    message.session = line->session;
    send_encoded(scene, line, &message);
}

static void announce_link(scene_t *scene, line_t *line)
{
    event_t event = {.type = EVENT_LINK_UP, .link = line->link};
    event.as.link_up.outbound = line->outbound;
    event.as.link_up.key = cast()->actors[line->member].card->transport_key;
    line->up = true;
    driver_step(scene->driver, &event);
}

void scene_link_up(scene_t *scene, line_t *line)
{
    if (line->up || line->outbound)
        return;
    line->link = ++scene->last_link;
    announce_link(scene, line);
    if (line->up)
        say_hello(scene, line);
}

void scene_link_down(scene_t *scene, line_t *line, err_t reason)
{
    event_t event = {.type = EVENT_LINK_DOWN, .link = line->link};
    if (!line->up)
        return;
    event.as.link_down.reason = reason;
    line_ends(line);
    line->link = 0;
    driver_step(scene->driver, &event);
}

// What AA has dialled connects, and is answered.
static void answer_dials(scene_t *scene)
{
    for (size_t i = 0; i < LINE_COUNT; i++) {
        line_t *line = &scene->lines[i];
        if (line->outbound && !line->up && line->link) {
            announce_link(scene, line);
            driver_flush(scene->driver);
        }
        if (line->outbound && line->up && line->heard_hello && !line->in_session) {
            say_welcome(scene, line);
            driver_flush(scene->driver);
        }
        if (!line->up)
            line->link = 0;
    }
}

void scene_flush(scene_t *scene)
{
    driver_flush(scene->driver);
    answer_dials(scene);
}

void scene_pass(scene_t *scene, uint64_t ms)
{
    enum { TICKS_MAX = 12 };
    uint64_t end = scene->now_ms + ms;
    event_t tick = {.type = EVENT_TICK};
    for (unsigned i = 0; i < TICKS_MAX && core_wake_ms(scene->core) <= end; i++) {
        if (core_wake_ms(scene->core) > scene->now_ms)
            scene->now_ms = core_wake_ms(scene->core);
        driver_step(scene->driver, &tick);
        scene_flush(scene);
    }
    scene->now_ms = end;
    driver_step(scene->driver, &tick);
    scene_flush(scene);
}

static void refused(scene_t *scene, const line_t *line, err_t err, const char *where, bool drop)
{
    event_t event = {.type = EVENT_REFUSED, .link = line->link};
    event.as.refused.reason = err;
    event.as.refused.where = where;
    event.as.refused.drop = drop;
    driver_step(scene->driver, &event);
}

void scene_message(scene_t *scene, line_t *line, span_t bytes)
{
    message_t message;
    fault_t fault = {0};
    event_t event = {.type = EVENT_MESSAGE, .link = line->link, .bytes = bytes.size};
    if (!line->up)
        return;
    err_t err = message_decode(bytes, &message, &fault);
    if (err) {
        refused(scene, line, err, fault.where, true);
        return;
    }
    event.as.message = &message;
    driver_step(scene->driver, &event);
    message_clear(&message);
}

void scene_publication(scene_t *scene, line_t *line, span_t body)
{
    publication_t publication;
    fault_t fault = {0};
    event_t event = {
        .type = EVENT_PUBLICATION, .link = line->link, .bytes = TOPIC_SIZE + body.size};
    if (!line->up || !line->outbound)
        return; // AA has subscribed to whom it has dialled
    err_t err = publication_decode(span_of(cast()->charter->hash.bytes, TOPIC_SIZE), body,
                                   &cast()->charter->hash, &publication, &fault);
    if (err) {
        refused(scene, line, err, fault.where, false);
        return;
    }
    event.as.publication = &publication;
    driver_step(scene->driver, &event);
    publication_clear(&publication);
}

void scene_say(scene_t *scene, line_t *line, message_t *message)
{
    message->has_session = true;
    message->session = line->session;
    send_encoded(scene, line, message);
}

// ---- what must hold ----

static hash_t digest_of(const scene_t *scene)
{
    reader_t *reader = NULL;
    digest_t digest = {0};
    fault_t fault = {0};
    FUZZ_EXPECT(reader_open(scene->path, &reader, &fault) == ERR_OK);
    FUZZ_EXPECT(reader_digest(reader, &digest, &fault) == ERR_OK);
    hash_t hash = digest.digest;
    digest_clear(&digest);
    reader_close(&reader);
    return hash;
}

static uint64_t stored(const snapshot_t *snapshot, const feed_t *feed)
{
    for (size_t i = 0; i < snapshot->feed_count; i++)
        if (feed_equal(&snapshot->feeds[i].head.feed, feed))
            return snapshot->feeds[i].head.number;
    return 0;
}

// Core and store hold the same.
static void check_heads(const scene_t *scene)
{
    snapshot_t snapshot;
    status_t status;
    fault_t fault = {0};
    FUZZ_EXPECT(store_snapshot(scene->store, &snapshot, &fault) == ERR_OK);
    core_status(scene->core, scene->now_ms, &status);
    for (size_t i = 0; i < status.feed_count; i++)
        FUZZ_EXPECT(status.feeds[i].number == stored(&snapshot, &status.feeds[i].feed));
    for (size_t i = 0; i < status.counter_count; i++)
        FUZZ_EXPECT(fuzz_known(status.counters[i].reason));
    FUZZ_EXPECT(status.roster_version == snapshot.roster_count);
    FUZZ_EXPECT(status.writing == snapshot.fence);
    recovery_t recovery;
    core_recovery(scene->core, &recovery);
    FUZZ_EXPECT(recovery.fence == snapshot.fence && fuzz_known(recovery.accept));
    recovery_clear(&recovery);
    status_clear(&status);
    snapshot_clear(&snapshot);
}

static void count_finding(void *context, const char *where, err_t reason, const char *detail)
{
    fprintf(stderr, "verify: %s: %s %s\n", where, err_name(reason), detail);
    ++*(size_t *)context;
}

// Chain, signatures, commitments; and the view is the fold of the log (S2).
static void check_store(scene_t *scene)
{
    size_t findings = 0;
    verify_t verify = {.context = &findings, .finding = count_finding};
    fault_t fault = {0};
    hash_t before = digest_of(scene);
    FUZZ_EXPECT(store_verify(scene->path, &verify, &fault) == ERR_OK && findings == 0);
    FUZZ_EXPECT(store_rebuild(scene->store, &fault) == ERR_OK);
    FUZZ_EXPECT(store_commit(scene->store, &fault) == ERR_OK);
    hash_t after = digest_of(scene);
    FUZZ_EXPECT(hash_equal(&before, &after));
}

// Verifying takes several times what a story does: a fourth of them is verified,
// which depends on the story alone.
void scene_check(scene_t *scene)
{
    scene_flush(scene);
    check_heads(scene);
    if (!scene->applied)
        return;
    if (scene->drawn % 4 == 0)
        check_store(scene);
    unload(scene);
    load(scene);
    check_heads(scene);
}
