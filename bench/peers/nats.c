// JetStream: a hub (A) with a stream in files, and a leaf node with a domain of its own (B)
// that holds a mirror of it.
//
// Neither syncs to disk before it acknowledges (the server's default: every two minutes), and
// nothing is signed: it is faster for that, and the comparison says so.
#include <nats/nats.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "bench/guard.h"
#include "bench/peers/peers.h"
#include "bench/peers/server.h"
#include "lib/mem.h"
#include "tests/system/fleet.h"

// Publications that wait for their acknowledgement at once.
enum { WINDOW = 4096, WAIT_MS = 1000, ACK_MS = 60000, SUBJECT_SIZE = 64 };
static const char name[] = "nats", stream[] = "VIEW", program[] = "nats-server";

typedef struct {
    char *dir, *config, *log;
    pid_t pid;
    char url[32];
    natsConnection *connection; // while it runs
    jsCtx *js;
} node_t;

typedef struct {
    node_t a, b;
    natsSubscription *tail; // at B
    records_t records;
    bool mirrored;
} nats_t;

static json_t *describe(void)
{
    char *version = server_line((const char *const[]){program, "--version", NULL});
    json_t *all =
        json_pack("{s:s, s:[s,s,s,s], s:i}", "version", version, "settings", "storage: file",
                  "hub and leaf node, a domain each", "mirror over the leaf node",
                  "sync_interval: 2m (default)", "publications_at_once", (int)WINDOW);
    mem_free(version);
    return all;
}

static void expect(natsStatus status, const char *what)
{
    if (status != NATS_OK)
        peer_fail(name, "%s: %s (%s): --keep keeps the logs", what, natsStatus_GetText(status),
                  nats_GetLastError(NULL) ? nats_GetLastError(NULL) : "");
}

// ---- a node ----

__attribute__((format(printf, 2, 3))) static void configure(node_t *node, const char *format, ...)
{
    va_list arguments;
    FILE *file = fopen(node->config, "we");
    if (!file)
        peer_fail(name, "%s cannot be written: is there room on the disk?", node->config);
    va_start(arguments, format);
    vfprintf(file, format, arguments);
    va_end(arguments);
    fclose(file);
}

static void node_open(node_t *node, const char *parent, const char *part, unsigned port)
{
    node->dir = mem_format("%s/%s", parent, part);
    node->config = mem_format("%s/%s.conf", parent, part);
    node->log = mem_format("%s/%s.log", parent, part);
    snprintf(node->url, sizeof node->url, "nats://127.0.0.1:%u", port);
    server_own(node->dir);
}

static void node_connect(node_t *node)
{
    unsigned tries = 0;
    while (natsConnection_ConnectTo(&node->connection, node->url) != NATS_OK) {
        if (!server_alive(node->pid))
            peer_fail(name, "the server ended at its start: --keep keeps its log, %s", node->log);
        peer_pause(name, &tries, "the start of a server");
    }
    jsOptions options;
    jsOptions_Init(&options);
    options.PublishAsync.MaxPending = WINDOW;
    options.PublishAsync.StallWait = ACK_MS; // not 0.2 s, after which a load would fail
    expect(natsConnection_JetStream(&node->js, node->connection, &options), "JetStream");
}

static void node_start(node_t *node)
{
    const char *const arguments[] = {program, "-c", node->config, NULL};
    node->pid = server_start(arguments, node->log, SIGKILL);
    node_connect(node);
}

static void node_stop(node_t *node)
{
    jsCtx_Destroy(node->js);
    natsConnection_Destroy(node->connection);
    node->js = NULL;
    node->connection = NULL;
    server_stop(&node->pid, SIGTERM);
}

static void node_close(node_t *node)
{
    if (node->pid)
        node_stop(node);
    mem_free(node->dir);
    mem_free(node->config);
    mem_free(node->log);
}

// ---- A and B ----

static void make_stream(node_t *node)
{
    static const char *subjects[] = {"view.>"};
    jsStreamConfig config;
    jsStreamConfig_Init(&config);
    config.Name = stream;
    config.Subjects = subjects;
    config.SubjectsLen = 1;
    config.Storage = js_FileStorage;
    expect(js_AddStream(NULL, node->js, &config, NULL, NULL), "the stream at A");
}

static void *nats_open_pair(const char *dir)
{
    nats_t *self = mem_alloc(sizeof *self);
    unsigned hub = fleet_port(), leaf = fleet_port();
    guard_remove(dir); // what the last opening left
    server_own(dir);
    node_open(&self->a, dir, "a", hub);
    node_open(&self->b, dir, "b", leaf);
    configure(&self->a,
              "server_name: hub\nlisten: 127.0.0.1:%u\n"
              "jetstream { domain: hub, store_dir: \"%s\" }\n"
              "leafnodes { listen: 127.0.0.1:%u }\n",
              hub, self->a.dir, hub + 1);
    configure(&self->b,
              "server_name: leaf\nlisten: 127.0.0.1:%u\n"
              "jetstream { domain: leaf, store_dir: \"%s\" }\n"
              "leafnodes { reconnect: 1, remotes: [ { url: \"nats://127.0.0.1:%u\" } ] }\n",
              leaf, self->b.dir, hub + 1);
    node_start(&self->a);
    make_stream(&self->a);
    return self;
}

static void stop_tail(nats_t *self)
{
    natsSubscription_Destroy(self->tail);
    self->tail = NULL;
}

static void nats_close_pair(void *context)
{
    nats_t *self = context;
    stop_tail(self);
    node_close(&self->b);
    node_close(&self->a);
    records_clear(&self->records);
    mem_free(self);
    nats_ReleaseThreadMemory();
}

// A mirror that is made before B is connected to A tries again only after ten seconds.
static void wait_connected(nats_t *self)
{
    unsigned tries = 0;
    jsOptions options;
    jsOptions_Init(&options);
    options.Domain = "hub";
    options.Wait = 100;
    for (;;) {
        jsAccountInfo *info = NULL;
        natsStatus status = js_GetAccountInfo(&info, self->b.js, &options, NULL);
        jsAccountInfo_Destroy(info);
        if (status == NATS_OK)
            return;
        peer_pause(name, &tries, "that the leaf node is connected");
    }
}

static void make_mirror(nats_t *self)
{
    jsStreamConfig config;
    jsStreamSource source;
    jsExternalStream external;
    jsStreamConfig_Init(&config);
    jsStreamSource_Init(&source);
    jsExternalStream_Init(&external);
    external.APIPrefix = "$JS.hub.API";
    external.DeliverPrefix = ""; // the library takes none for a text
    source.Name = stream;
    source.External = &external;
    config.Name = stream;
    config.Storage = js_FileStorage;
    config.Mirror = &source;
    expect(js_AddStream(NULL, self->b.js, &config, NULL, NULL), "the mirror at B");
}

// Where the mirror is there already, the server takes it up by itself, some seconds later
// than it could: it tries first before it is connected, and no setting changes that.
static void follow(void *context)
{
    nats_t *self = context;
    node_start(&self->b);
    if (self->mirrored)
        return;
    wait_connected(self);
    make_mirror(self);
    self->mirrored = true;
}

static void pause_b(void *context)
{
    nats_t *self = context;
    stop_tail(self);
    node_stop(&self->b);
}

// ---- writing ----

static void prepare(void *context, uint64_t first, uint64_t count)
{
    records_prepare(&((nats_t *)context)->records, PEER_OWNER, first, count);
}

// What PostgreSQL has an index on; the key is in the record. A subject a record would be an index
// of keys, which none of the others keeps, and halves what the server takes in.
static void subject_of(char subject[SUBJECT_SIZE])
{
    snprintf(subject, SUBJECT_SIZE, "view.%s.%d", PEER_OWNER, (int)PEER_KIND);
}

static void load(void *context, uint64_t first, uint64_t count)
{
    nats_t *self = context;
    char subject[SUBJECT_SIZE];
    jsPubOptions options;
    subject_of(subject);
    for (uint64_t i = 0; i < count; i++)
        expect(js_PublishAsync(self->a.js, subject, records_body(&self->records, first + i),
                               LOAD_PAYLOAD, NULL),
               "a publication");
    jsPubOptions_Init(&options);
    options.MaxWait = ACK_MS;
    expect(js_PublishAsyncComplete(self->a.js, &options), "the acknowledgements");
}

static void put(void *context, uint64_t number)
{
    nats_t *self = context;
    char subject[SUBJECT_SIZE];
    subject_of(subject);
    expect(js_Publish(NULL, self->a.js, subject, records_body(&self->records, number), LOAD_PAYLOAD,
                      NULL, NULL),
           "a publication");
}

// ---- looking ----

typedef struct {
    uint64_t messages, bytes, last;
} state_t;

static state_t state_of(const node_t *node)
{
    jsStreamInfo *info = NULL;
    expect(js_GetStreamInfo(&info, node->js, stream, NULL, NULL), "the state of a stream");
    state_t state = {info->State.Msgs, info->State.Bytes, info->State.LastSeq};
    jsStreamInfo_Destroy(info);
    return state;
}

static void until(void *context, uint64_t number)
{
    unsigned tries = 0;
    while (state_of(&((nats_t *)context)->b).last < number)
        peer_pause(name, &tries, "that the last record came");
}

static void settle(void *context)
{
    nats_t *self = context;
    unsigned tries = 0;
    until(self, state_of(&self->a).last);
    for (bool active = false; !active;) {
        jsStreamInfo *info = NULL;
        expect(js_GetStreamInfo(&info, self->b.js, stream, NULL, NULL), "the state of the mirror");
        // Since it was heard of last, in nanoseconds; -1: never.
        active = info->Mirror && info->Mirror->Active >= 0;
        jsStreamInfo_Destroy(info);
        if (!active)
            peer_pause(name, &tries, "that the mirror is connected");
    }
}

static void check(void *context, uint64_t number)
{
    const nats_t *self = context;
    state_t is = state_of(&self->b), must_be = state_of(&self->a);
    if (memcmp(&is, &must_be, sizeof is) != 0 || is.messages != number)
        peer_fail(name, "after %llu records A holds %llu, B %llu: --keep keeps the logs",
                  (unsigned long long)number, (unsigned long long)must_be.messages,
                  (unsigned long long)is.messages);
}

static void start_tail(nats_t *self, uint64_t since)
{
    jsSubOptions options;
    jsSubOptions_Init(&options);
    options.Stream = stream;
    options.Ordered = true;
    options.Config.DeliverPolicy = js_DeliverByStartSequence;
    options.Config.OptStartSeq = since + 1;
    expect(js_SubscribeSync(&self->tail, self->b.js, "view.>", NULL, &options, NULL),
           "the reader at B");
}

// The mirror's own reader: what it gets is stored at B.
static uint64_t wait_more(void *context, uint64_t since)
{
    nats_t *self = context;
    natsMsg *message = NULL;
    jsMsgMetaData *meta = NULL;
    if (!self->tail)
        start_tail(self, since);
    natsStatus status = natsSubscription_NextMsg(&message, self->tail, WAIT_MS);
    if (status == NATS_TIMEOUT)
        return since;
    expect(status, "reading at B");
    expect(natsMsg_GetMetaData(&meta, message), "reading at B");
    uint64_t number = meta->Sequence.Stream;
    jsMsgMetaData_Destroy(meta);
    natsMsg_Destroy(message);
    return number;
}

const subject_t peer_nats = {
    .name = name,
    .describe = describe,
    .open = nats_open_pair,
    .close = nats_close_pair,
    .prepare = prepare,
    .load = load,
    .put = put,
    .follow = follow,
    .settle = settle,
    .pause = pause_b,
    .until = until,
    .check = check,
    .wait = wait_more,
};
