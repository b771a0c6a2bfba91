#include "tests/unit/stage_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/mem.h"

// ---- what both sides of the script need ----

line_t *stage_line(stage_t *stage, const char *name)
{
    for (size_t i = 0; i < stage->line_count; i++)
        if (strcmp(stage->lines[i].name, name) == 0)
            return &stage->lines[i];
    fail_msg("no link %s", name);
    return NULL;
}

line_t *stage_line_of(stage_t *stage, core_link_t link)
{
    for (size_t i = 0; i < stage->line_count; i++)
        if (stage->lines[i].link == link)
            return &stage->lines[i];
    fail_msg("no link %llu", (unsigned long long)link);
    return NULL;
}

void stage_exchange(buf_t *bytes, const nonce_t *from, const nonce_t *to)
{
    static const nonce_t none = {{0}};
    if (memcmp(from->bytes, none.bytes, NONCE_SIZE) == 0)
        return;
    for (size_t at = 0; at + NONCE_SIZE <= bytes->size; at++)
        if (memcmp(bytes->data + at, from->bytes, NONCE_SIZE) == 0)
            memcpy(bytes->data + at, to->bytes, NONCE_SIZE);
}

void stage_take_deed(stage_t *stage, size_t place)
{
    buf_free(&stage->deeds[place].bytes);
    memmove(&stage->deeds[place], &stage->deeds[place + 1],
            (--stage->deed_count - place) * sizeof *stage->deeds);
}

void stage_forget_deeds(stage_t *stage)
{
    for (size_t i = 0; i < stage->deed_count; i++)
        buf_free(&stage->deeds[i].bytes);
    stage->deed_count = 0;
}

// ---- the edge ----

static void do_deed(stage_t *stage, did_t did, core_link_t link, span_t bytes)
{
    mem_grow(&stage->deeds, &stage->deed_capacity, stage->deed_count, sizeof *stage->deeds);
    stage->deeds[stage->deed_count++] = (deed_t){did, link, buf_copy(bytes)};
}

static void edge_clock(void *context, uint64_t *now_ms, uint64_t *wall_ms, uint8_t seed[32])
{
    static const uint8_t root[32] = {1};
    stage_t *stage = context;
    *now_ms = stage->now_ms;
    *wall_ms = stage->wall_ms;
    crypto_derive(root, stage->drawn++, seed, 32);
}

static void edge_send(void *context, core_link_t link, span_t message)
{
    do_deed(context, DID_SAY, link, message);
}

static void edge_publish(void *context, span_t topic, span_t body)
{
    stage_t *stage = context;
    assert_true(span_equal(topic, span_of(core_coalition(stage->core)->bytes, TOPIC_SIZE)));
    do_deed(stage, DID_PUBLISH, 0, body);
}

static void edge_close(void *context, core_link_t link)
{
    do_deed(context, DID_CLOSE, link, span_of(NULL, 0));
}

static core_link_t edge_dial(void *context, const char *endpoint, const pubkey_t *key, span_t topic,
                             err_t *reason)
{
    stage_t *stage = context;
    (void)endpoint;
    (void)key;
    (void)topic;
    *reason = ERR_OK;
    return stage->dialled = stage->next_link++;
}

static void edge_admit(void *context, const pubkey_t *keys, size_t count)
{
    (void)context;
    (void)keys;
    (void)count;
}

static void edge_written(void *context, uint64_t request, err_t reason, const feed_t *feed,
                         uint64_t first)
{
    (void)context;
    (void)request;
    (void)reason;
    (void)feed;
    (void)first;
}

static void edge_applied(void *context)
{
    (void)context;
}

static void edge_durable(void *context)
{
    (void)context;
}

static void edge_log(void *context, int level, const char *text)
{
    (void)context;
    (void)level;
    (void)text;
}

// ---- the node ----

static void fill_store(stage_t *stage)
{
    fault_t fault;
    assert_int_equal(store_open(stage->path, NULL, &stage->store, &fault), ERR_OK);
    assert_int_equal(store_add_roster(stage->store, stage->charter->roster, &fault), ERR_OK);
    for (size_t i = 0; i < stage->charter->card_count; i++)
        assert_int_equal(store_add_card(stage->store, stage->charter->cards[i], &fault), ERR_OK);
    assert_int_equal(store_commit(stage->store, &fault), ERR_OK);
}

static void start_core(stage_t *stage, const stage_options_t *options)
{
    fault_t fault;
    core_dial_t dials[4] = {0};
    const member_t *self = roster_by_code(stage->charter->roster, options->code);
    for (size_t i = 0; i < options->dial_count; i++) {
        snprintf(dials[i].code, sizeof dials[i].code, "%s", options->dials[i]);
        dials[i].endpoint = "tcp://127.0.0.1:7400";
    }
    core_options_t core = {.self = self->origin,
                           .signing = stage->signing,
                           .listening = options->listening,
                           .dial_count = options->dial_count,
                           .dials = dials};
    edge_t edge = {stage,      edge_clock,   edge_send,    edge_publish, edge_close,   edge_dial,
                   edge_admit, edge_written, edge_applied, edge_log,     edge_durable, NULL};
    assert_int_equal(
        driver_load(stage->store, &core, stage->now_ms, stage->wall_ms, &stage->core, &fault),
        ERR_OK);
    stage->driver = driver_new(stage->core, stage->store, &edge);
}

stage_t *stage_new(const stage_options_t *options)
{
    stage_t *stage = mem_alloc(sizeof *stage);
    pubkey_t key;
    fault_t fault;
    stage->next_link = 1;
    stage->now_ms = 1000;
    stage->wall_ms = options->wall_ms;
    snprintf(stage->path, sizeof stage->path, "%s", options->path);
    stage->signing = secret_sign_new(options->seed, &key);
    assert_int_equal(charter_decode(options->charter, &stage->charter, &fault), ERR_OK);
    fill_store(stage);
    start_core(stage, options);
    return stage;
}

void stage_destroy(stage_t **stage_pointer)
{
    stage_t *stage = *stage_pointer;
    driver_destroy(&stage->driver);
    core_destroy(&stage->core);
    store_close(&stage->store);
    charter_destroy(&stage->charter);
    secret_destroy(&stage->signing);
    stage_forget_deeds(stage);
    mem_free(stage->deeds);
    mem_free(stage);
    *stage_pointer = NULL;
}

const char *stage_path(const stage_t *stage)
{
    return stage->path;
}

void stage_counts(stage_t *stage, uint64_t *counts, size_t most)
{
    status_t status;
    memset(counts, 0, most * sizeof *counts);
    core_status(stage->core, stage->now_ms, &status);
    for (size_t i = 0; i < status.counter_count; i++) {
        assert_true((size_t)status.counters[i].reason < most);
        counts[status.counters[i].reason] = status.counters[i].count;
    }
    status_clear(&status);
}

// ---- exchanging what was drawn ----

static uint32_t *fetch_in(message_t *message)
{
    switch (message->type) {
    case MSG_RUN_PART:
        return &message->as.run_part.fetch;
    case MSG_NOPE:
        return &message->as.nope.fetch;
    case MSG_PAYLOAD_FOUND:
        return &message->as.payload.fetch;
    default:
        return NULL;
    }
}

// What comes speaks of the fetches that this node has opened.
static void exchange_fetch(const line_t *line, message_t *message)
{
    uint32_t *fetch = fetch_in(message);
    for (size_t i = 0; fetch && i < line->fetch_count; i++) {
        if (line->script_fetches[i] == *fetch) {
            *fetch = line->fetches[i];
            return;
        }
    }
}

// The nonces of a greeting, ours and theirs, make the session id.
static void learn_session(line_t *line, const message_t *message)
{
    const nonce_t *theirs = &message->as.hello.nonce;
    if (message->type == MSG_HELLO && !line->dialled) {
        line->script_session = session_id(theirs, &line->script_nonce);
    } else if (message->type == MSG_WELCOME && line->dialled) {
        line->session = session_id(&line->nonce, theirs);
        line->script_session = session_id(&line->script_nonce, theirs);
    }
}

// What a greeting of ours was drawn with.
static void learn_nonce(stage_t *stage, const deed_t *deed)
{
    message_t message;
    fault_t fault;
    assert_int_equal(message_decode(buf_span(&deed->bytes), &message, &fault), ERR_OK);
    line_t *line = stage_line_of(stage, deed->link);
    if (message.type == MSG_HELLO)
        line->nonce = message.as.hello.nonce;
    if (message.type == MSG_WELCOME) {
        line->nonce = message.as.welcome.nonce;
        line->session = message.session;
    }
    message_clear(&message);
}

// ---- what comes ----

static void end_turn(stage_t *stage)
{
    size_t from = stage->deed_count;
    driver_flush(stage->driver);
    for (size_t i = from; i < stage->deed_count; i++) {
        deed_t *deed = &stage->deeds[i];
        if (deed->did == DID_SAY)
            learn_nonce(stage, deed);
        if (deed->did == DID_CLOSE)
            stage_line_of(stage, deed->link)->open = false;
    }
}

static void step(stage_t *stage, event_t *event)
{
    driver_step(stage->driver, event);
    end_turn(stage);
}

static void tick(stage_t *stage)
{
    event_t event = {.type = EVENT_TICK};
    step(stage, &event);
}

void stage_up(stage_t *stage, const char *name, bool dialled, const pubkey_t *key,
              const nonce_t *nonce)
{
    event_t event = {.type = EVENT_LINK_UP};
    assert_true(stage->line_count < LINES_MAX);
    line_t *line = &stage->lines[stage->line_count++];
    *line = (line_t){.open = true, .dialled = dialled, .script_nonce = *nonce};
    snprintf(line->name, sizeof line->name, "%s", name);
    if (dialled) {
        tick(stage);
        assert_true(stage->dialled != 0);
    }
    line->link = dialled ? stage->dialled : stage->next_link++;
    event.link = line->link;
    event.as.link_up.outbound = dialled;
    event.as.link_up.key = *key;
    step(stage, &event);
}

void stage_down(stage_t *stage, const char *name)
{
    line_t *line = stage_line(stage, name);
    event_t event = {.type = EVENT_LINK_DOWN, .link = line->link};
    event.as.link_down.reason = ERR_DISCONNECTED;
    if (line->open)
        step(stage, &event);
    line->open = false;
}

// As daemon/node_edge.c does: what does not decode is refused, and drops the link.
static void take_message(stage_t *stage, line_t *line, span_t bytes)
{
    message_t message;
    fault_t fault = {0};
    event_t event = {.type = EVENT_MESSAGE, .link = line->link, .bytes = bytes.size};
    err_t err = message_decode(bytes, &message, &fault);
    if (err) {
        event.type = EVENT_REFUSED;
        event.as.refused.reason = err;
        event.as.refused.where = "link";
        event.as.refused.drop = true;
    } else {
        exchange_fetch(line, &message);
        event.as.message = &message;
    }
    step(stage, &event);
    message_clear(&message);
}

void stage_get(stage_t *stage, const char *name, span_t script)
{
    message_t message;
    fault_t fault;
    line_t *line = stage_line(stage, name);
    if (!line->open)
        return;
    if (message_decode(script, &message, &fault) == ERR_OK)
        learn_session(line, &message);
    message_clear(&message);
    buf_t bytes = buf_copy(script);
    stage_exchange(&bytes, &line->script_nonce, &line->nonce);
    stage_exchange(&bytes, &line->script_session, &line->session);
    take_message(stage, line, buf_span(&bytes));
    buf_free(&bytes);
}

void stage_publication(stage_t *stage, const char *name, span_t topic, span_t body)
{
    publication_t publication;
    fault_t fault = {0};
    event_t event = {.type = EVENT_PUBLICATION, .link = stage_line(stage, name)->link};
    err_t err = publication_decode(topic, body, core_coalition(stage->core), &publication, &fault);
    if (err) {
        event.type = EVENT_REFUSED;
        event.as.refused.reason = err;
        event.as.refused.where = "publication";
    } else {
        event.as.publication = &publication;
    }
    step(stage, &event);
    publication_clear(&publication);
}

void stage_wait(stage_t *stage, uint64_t ms)
{
    stage->now_ms += ms;
    stage->wall_ms += ms;
    tick(stage);
}

// ---- what was taken before ----

// Any other member, who greets and leaves again.
static void greet_as(stage_t *stage, const char *name, const card_t *card)
{
    static const nonce_t nonce = {{7}};
    message_t hello = {.type = MSG_HELLO};
    hello.as.hello = (greeting_t){.protocol_min = 1,
                                  .protocol_max = 1,
                                  .coalition = *core_coalition(stage->core),
                                  .nonce = nonce,
                                  .roster_version = core_roster(stage->core)->version,
                                  .roster_hash = core_roster(stage->core)->hash,
                                  .origin = card->origin};
    stage_up(stage, name, false, &card->transport_key, &nonce);
    buf_t bytes = message_encode(&hello);
    stage_get(stage, name, buf_span(&bytes));
    buf_free(&bytes);
}

static const card_t *last_card(const stage_t *stage)
{
    return stage->charter->cards[stage->charter->card_count - 1];
}

// A link of its own, out of which nothing is heard; what was waiting stays so.
void stage_hold(stage_t *stage, span_t run)
{
    const char *name = "taken before";
    publication_t publication = {.type = PUB_RUN};
    fault_t fault;
    assert_int_equal(run_decode(run, &publication.run, &fault), ERR_OK);
    size_t before = stage->deed_count;
    greet_as(stage, name, last_card(stage));
    event_t event = {.type = EVENT_PUBLICATION, .link = stage_line(stage, name)->link};
    event.as.publication = &publication;
    step(stage, &event);
    stage_down(stage, name);
    core_link_t hidden = stage_line(stage, name)->link;
    stage->line_count--;
    publication_clear(&publication);
    for (size_t i = before; i < stage->deed_count;) {
        if (stage->deeds[i].link != hidden && stage->deeds[i].did != DID_PUBLISH) {
            i++;
            continue;
        }
        stage_take_deed(stage, i);
    }
}
