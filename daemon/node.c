// Putting a node together, and its loop.
#include "daemon/node.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "daemon/charter.h"
#include "daemon/node_internal.h"
#include "daemon/store/wal.h"
#include "lib/log.h"
#include "lib/mem.h"

enum {
    BUDGET = 64,         // messages a socket a turn
    GOODBYE_MS = 500,    // for peers to take leave
    OWN_ITEMS = 2,       // polled beside net's and control's: signals, the preparer
    PREPARE_FROM = 8192, // bytes of a run: less is read sooner than it is handed over
};

// ---- what the control edge asks ----

static void node_append(void *context, uint64_t request, const draft_t *drafts, size_t count)
{
    node_t *node = context;
    event_t event = {.type = EVENT_APPEND};
    event.as.append.request = request;
    event.as.append.lane = LANE_COALITION;
    event.as.append.drafts = drafts;
    event.as.append.count = count;
    driver_step(node->driver, &event);
}

static void node_status(void *context, status_t *status, totals_t *totals)
{
    node_t *node = context;
    fault_t fault;
    core_status(node->core, clock_ms(CLOCK_MONOTONIC), status);
    if (store_totals(node->store, totals, &fault))
        *totals = (totals_t){0};
}

static err_t node_writing(void *context, const char **detail)
{
    node_t *node = context;
    return core_writing(node->core, detail);
}

static void node_recovery(void *context, recovery_t *recovery)
{
    node_t *node = context;
    core_recovery(node->core, recovery);
}

static void node_accept(void *context, uint64_t request)
{
    node_t *node = context;
    event_t event = {.type = EVENT_ACCEPT};
    event.as.accept.request = request;
    driver_step(node->driver, &event);
}

static const card_t *node_own_card(void *context, head_t **ends, size_t *count)
{
    node_t *node = context;
    *count = core_own_ends(node->core, ends);
    return core_own_card(node->core);
}

static err_t node_epoch(void *context, uint64_t request, span_t card, fault_t *fault)
{
    node_t *node = context;
    return epoch_begin(&node->epoch, node->dir, node->store, node->driver, &node->self, request,
                       card, fault);
}

static const roster_t *node_roster(void *context)
{
    node_t *node = context;
    return core_roster(node->core);
}

// ---- putting it together ----

static err_t open_signals(node_t *node, fault_t *fault)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    // Blocked before any thread is started, so that all inherit it.
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    node->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return node->signals >= 0 ? ERR_OK
                              : fault_set(fault, ERR_INTERNAL, "signalfd", "%s", strerror(errno));
}

static err_t open_core(node_t *node, fault_t *fault)
{
    core_dial_t *dials = mem_alloc_array(node->config->connect_count, sizeof *dials);
    for (size_t i = 0; i < node->config->connect_count; i++) {
        memcpy(dials[i].code, node->config->connects[i].code, sizeof dials[i].code);
        dials[i].endpoint = node->config->connects[i].endpoint;
    }
    core_options_t options = {.self = node->self,
                              .signing = node->keys->signing,
                              .listening = node->config->listen[0] != '\0',
                              .prepare_from = PREPARE_FROM,
                              .dial_count = node->config->connect_count,
                              .dials = dials,
                              .boot = node->boot.verdict,
                              .boot_detail = node->boot.why,
                              .boot_count = node->boot.marker.head_count,
                              .boot_heads = node->boot.marker.heads};
    err_t err = driver_load(node->store, &options, clock_ms(CLOCK_MONOTONIC),
                            clock_ms(CLOCK_REALTIME), &node->core, fault);
    mem_free(dials);
    if (err)
        return err;
    edge_t edge = node_edge(node);
    node->driver = driver_new(node->core, node->store, &edge);
    return ERR_OK;
}

static err_t open_net(node_t *node, fault_t *fault)
{
    char domain[2 * HASH_SIZE + 1];
    const char *hook = getenv("ENLACE_TEST_HOOK");
    hex_format(core_coalition(node->core)->bytes, HASH_SIZE, domain);
    net_options_t options = {.zmq = node->zmq,
                             .listen = node->config->listen[0] ? node->config->listen : NULL,
                             .socks = node->config->socks[0] ? node->config->socks : NULL,
                             .transport = node->keys->transport,
                             .transport_public = node->keys->transport_public,
                             .zap_domain = domain,
                             .test_drop_zap = hook && strcmp(hook, "drop-zap") == 0};
    err_t err = net_new(&options, node_on_net, node, &node->net, fault);
    if (err)
        return err;
    pubkey_t *keys;
    size_t count = core_admitted(node->core, &keys);
    net_admit(node->net, keys, count);
    mem_free(keys);
    return ERR_OK;
}

static err_t open_control(node_t *node, fault_t *fault)
{
    control_options_t options = {.zmq = node->zmq,
                                 .dir = node->dir,
                                 .config = node->config,
                                 .self = node->self,
                                 .store = node->store,
                                 .database = node->database,
                                 .search = node->search,
                                 .started_ms = clock_ms(CLOCK_REALTIME)};
    control_node_t door = {.context = node,
                           .append = node_append,
                           .status = node_status,
                           .writing = node_writing,
                           .recovery = node_recovery,
                           .accept = node_accept,
                           .own_card = node_own_card,
                           .epoch = node_epoch,
                           .roster = node_roster};
    return control_new(&options, &door, &node->control, fault);
}

// Each node consents to the charter by a change of its own in lane 0, once, as
// soon as it may write: of one that was restored the change may be on its way back.
static void consent(node_t *node)
{
    status_t status;
    bool done = false;
    if (node->consented || core_writing(node->core, NULL))
        return;
    node->consented = true;
    core_status(node->core, clock_ms(CLOCK_MONOTONIC), &status);
    for (size_t i = 0; i < status.feed_count; i++)
        done = done || (origin_equal(&status.feeds[i].feed.origin, &node->self) &&
                        status.feeds[i].feed.lane == LANE_CONTROL && status.feeds[i].number > 0);
    status_clear(&status);
    if (done)
        return;
    buf_t body = charter_consent(core_coalition(node->core));
    draft_t draft = {.type = CHANGE_CONSENT, .min_reader = 1, .body = buf_span(&body)};
    event_t event = {.type = EVENT_APPEND};
    event.as.append.lane = LANE_CONTROL;
    event.as.append.drafts = &draft;
    event.as.append.count = 1;
    driver_step(node->driver, &event);
    driver_flush(node->driver);
    buf_free(&body);
}

// Never a reason not to start.
static void open_search(node_t *node, const nonce_t *before)
{
    search_options_t options = {
        .database = node->database, .path = node->search_path, .before = *before};
    search_start(&options, &node->search);
}

static err_t open_all(node_t *node, fault_t *fault)
{
    marker_home_t home = marker_home(node->dir);
    nonce_t next;
    crypto_random(next.bytes, sizeof next.bytes);
    err_t err = home_lock(node->dir, &node->lock, fault);
    if (!err)
        err = open_signals(node, fault);
    if (!err)
        err = home_config(node->dir, &node->config, fault);
    if (!err)
        err = store_open(node->database, NULL, &node->store, fault);
    if (!err)
        wal_reserve(node->database);
    if (!err)
        err = epoch_settle(node->dir, node->store, fault);
    if (!err)
        err = home_keys(node->dir, false, &node->keys, fault);
    if (!err)
        err = charter_install(node->dir, node->store, node->keys, &node->self, fault);
    if (!err)
        err = checkpoint_start(node->database, &node->checkpoint, fault);
    if (!err)
        err = preparer_start(&node->preparer, fault);
    if (!err)
        err = boot_read(&home, node->store, &node->self, &node->boot, fault);
    if (!err)
        err = open_core(node, fault);
    nonce_t before = node->boot.marker.nonces[0];
    if (!err)
        err = boot_agree(&node->boot, node->store, &next, fault);
    if (!err)
        open_search(node, &before);
    if (!err)
        err = open_net(node, fault);
    if (!err)
        err = open_control(node, fault);
    return err;
}

err_t node_open(const char *dir, node_t **node_pointer, fault_t *fault)
{
    node_t *node = mem_alloc(sizeof *node);
    node->lock = node->signals = -1;
    node->dir = mem_copy_string(dir);
    node->database = home_path(dir, "enlace.db");
    node->search_path = home_path(dir, "search.db");
    node->zmq = zmq_ctx_new();
    // Small stacks would do, but what matters is that there is one I/O thread.
    zmq_ctx_set(node->zmq, ZMQ_IO_THREADS, 1);
    err_t err = open_all(node, fault);
    if (err) {
        node_close(&node);
        return err;
    }
    if (node->boot.verdict)
        log_line(LOG_LEVEL_ERROR, "%s: %s", err_text(node->boot.verdict), node->boot.why);
    consent(node);
    boot_follow(&node->boot, node->core);
    *node_pointer = node;
    return ERR_OK;
}

void node_close(node_t **node_pointer)
{
    node_t *node = *node_pointer;
    if (!node)
        return;
    control_destroy(&node->control);
    net_destroy(&node->net);
    preparer_stop(&node->preparer);
    driver_destroy(&node->driver);
    core_destroy(&node->core);
    search_stop(&node->search);
    checkpoint_stop(&node->checkpoint);
    store_close(&node->store);
    if (node->zmq)
        zmq_ctx_term(node->zmq);
    secret_destroy(&node->epoch.signing);
    keys_destroy(&node->keys);
    config_destroy(&node->config);
    if (node->signals >= 0)
        close(node->signals);
    if (node->lock >= 0)
        home_unlock(&node->lock);
    mem_free(node->items);
    mem_free(node->database);
    mem_free(node->search_path);
    mem_free(node->dir);
    mem_free(node);
    *node_pointer = NULL;
}

// ---- the loop ----

static size_t fill_items(node_t *node)
{
    for (;;) {
        size_t count = OWN_ITEMS;
        size_t room = node->item_capacity > count ? node->item_capacity - count : 0;
        size_t net = net_poll_items(node->net, node->items ? node->items + OWN_ITEMS : NULL, room);
        size_t left = room > net ? room - net : 0;
        size_t control =
            control_poll_items(node->control, left ? node->items + OWN_ITEMS + net : NULL, left);
        count += net + control;
        if (count <= node->item_capacity) {
            node->items[0] = (zmq_pollitem_t){.fd = node->signals, .events = ZMQ_POLLIN};
            node->items[1] =
                (zmq_pollitem_t){.fd = preparer_fd(node->preparer), .events = ZMQ_POLLIN};
            return count;
        }
        node->item_capacity = count + 16;
        node->items = mem_resize(node->items, node->item_capacity * sizeof *node->items);
    }
}

static long wait_ms(const node_t *node, uint64_t now_ms, bool more)
{
    uint64_t wake = core_wake_ms(node->core);
    uint64_t control = control_wake_ms(node->control);
    if (control < wake)
        wake = control;
    return more || wake <= now_ms ? 0 : (long)(wake - now_ms);
}

static bool asked_to_stop(const node_t *node)
{
    struct signalfd_siginfo info;
    return read(node->signals, &info, sizeof info) == (ssize_t)sizeof info;
}

// One turn: what has arrived, what is due, to disk, out.
static bool turn(node_t *node)
{
    bool more = net_drain(node->net, BUDGET);
    more = control_drain(node->control, BUDGET, clock_ms(CLOCK_MONOTONIC)) || more;
    more = node_take_prepared(node) || more;
    uint64_t now_ms = clock_ms(CLOCK_MONOTONIC);
    if (now_ms >= core_wake_ms(node->core)) {
        event_t tick = {.type = EVENT_TICK};
        driver_step(node->driver, &tick);
    }
    if (now_ms >= control_wake_ms(node->control))
        control_tick(node->control, now_ms);
    node->failed = driver_flush(node->driver);
    consent(node);
    return more;
}

// A peer that reads the Bye closes its side. Closing ours before would take the
// Bye along with what the peer has not read yet; one that does not answer is not
// waited for long.
static void say_goodbye(node_t *node)
{
    event_t stopping = {.type = EVENT_STOPPING};
    uint64_t end = clock_ms(CLOCK_MONOTONIC) + GOODBYE_MS;
    driver_step(node->driver, &stopping);
    driver_flush(node->driver);
    for (uint64_t now = 0; net_links(node->net) && now < end; now = clock_ms(CLOCK_MONOTONIC)) {
        size_t count = fill_items(node);
        zmq_poll(node->items, (int)count, GOODBYE_MS / 10);
        turn(node);
    }
}

err_t node_run(node_t *node, void (*ready)(void), fault_t *fault)
{
    bool more = true;
    ready();
    while (!asked_to_stop(node) && !node->failed) {
        size_t count = fill_items(node);
        long wait = wait_ms(node, clock_ms(CLOCK_MONOTONIC), more);
        if (zmq_poll(node->items, (int)count, wait) < 0 && errno != EINTR)
            return fault_set(fault, ERR_INTERNAL, "poll", "%s", zmq_strerror(errno));
        more = turn(node);
    }
    if (node->failed)
        return fault_set(fault, node->failed, node->database, "start this node again");
    say_goodbye(node);
    return ERR_OK;
}
