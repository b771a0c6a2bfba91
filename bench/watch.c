#include "bench/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/load.h"
#include "bench/machine.h"
#include "lib/crypto.h"
#include "lib/mem.h"

enum { LOOK_EVERY_US = 1000, SEARCH_EVERY_US = 200000, GIVE_UP_SECONDS = 300 };

struct watch {
    talk_t *talk;
};

static void give_up(err_t err, const fault_t *fault)
{
    fprintf(stderr, "a node does not answer: %s (%s: %s)\n", err_text(err), fault->where,
            fault->detail);
    exit(1);
}

watch_t *watch_open(const char *dir)
{
    watch_t *watch = mem_alloc(sizeof *watch);
    fault_t fault = {0};
    err_t err = talk_open(dir, "en", &watch->talk, &fault);
    if (err)
        give_up(err, &fault);
    return watch;
}

void watch_close(watch_t **watch)
{
    talk_close(&(*watch)->talk);
    mem_free(*watch);
    *watch = NULL;
}

reply_t *watch_ask(watch_t *watch, request_t *request, Enlace__V1__ControlReply__BodyCase expected)
{
    reply_t *reply = NULL;
    fault_t fault = {0};
    err_t err = talk_ask(watch->talk, request, expected, &reply, &fault);
    if (err)
        give_up(err, &fault);
    return reply;
}

void watch_send(watch_t *watch, request_t *request)
{
    fault_t fault = {0};
    err_t err = talk_send(watch->talk, request, &fault);
    if (err)
        give_up(err, &fault);
}

reply_t *watch_wait(watch_t *watch, Enlace__V1__ControlReply__BodyCase expected)
{
    reply_t *reply = NULL;
    fault_t fault = {0};
    err_t err = talk_wait(watch->talk, expected, &reply, &fault);
    if (err)
        give_up(err, &fault);
    return reply;
}

static reply_t *ask_digest(watch_t *watch)
{
    request_t request = ENLACE__V1__CONTROL_REQUEST__INIT;
    Enlace__V1__DigestRequest body = ENLACE__V1__DIGEST_REQUEST__INIT;
    request.body_case = ENLACE__V1__CONTROL_REQUEST__BODY_DIGEST;
    request.digest = &body;
    return watch_ask(watch, &request, ENLACE__V1__CONTROL_REPLY__BODY_DIGEST);
}

uint64_t watch_number(watch_t *watch, const char *node)
{
    reply_t *reply = ask_digest(watch);
    uint64_t number = 0;
    for (size_t i = 0; i < reply->digest->n_feeds; i++) {
        const Enlace__V1__DigestReply__FeedLine *feed = reply->digest->feeds[i];
        if (feed->lane == LANE_COALITION && feed->node && strcmp(feed->node, node) == 0)
            number = feed->number;
    }
    talk_free(&reply);
    return number;
}

// What is waited for, and when it was seen to move last; {0} before the first look.
typedef struct {
    uint64_t last;
    double moved;
} progress_t;

// Ends the program where `here` has not changed for too long.
static void expect_progress(progress_t *progress, const char *what, uint64_t here, uint64_t goal)
{
    double now = machine_now();
    if (progress->moved == 0 || here != progress->last)
        *progress = (progress_t){here, now};
    if (now - progress->moved < GIVE_UP_SECONDS)
        return;
    fprintf(stderr, "%s: at %llu, not at %llu, and no further for %d s: `enlace status` says why\n",
            what, (unsigned long long)here, (unsigned long long)goal, GIVE_UP_SECONDS);
    exit(1);
}

double watch_until(watch_t *watch, const char *node, uint64_t number)
{
    progress_t progress = {0};
    for (uint64_t here; (here = watch_number(watch, node)) < number;) {
        expect_progress(&progress, node, here, number);
        usleep(LOOK_EVERY_US); // to look is work of the node that is measured
    }
    return machine_now();
}

static uint64_t search_behind(watch_t *watch)
{
    request_t request = ENLACE__V1__CONTROL_REQUEST__INIT;
    Enlace__V1__StatusRequest body = ENLACE__V1__STATUS_REQUEST__INIT;
    request.body_case = ENLACE__V1__CONTROL_REQUEST__BODY_STATUS;
    request.status = &body;
    reply_t *reply = watch_ask(watch, &request, ENLACE__V1__CONTROL_REPLY__BODY_STATUS);
    uint64_t behind = reply->status->search ? reply->status->search->behind : 0;
    talk_free(&reply);
    return behind;
}

void watch_searchable(watch_t *watch)
{
    progress_t progress = {0};
    for (uint64_t behind; (behind = search_behind(watch)) > 0;) {
        expect_progress(&progress, "changes that search lacks", behind, 0);
        usleep(SEARCH_EVERY_US); // asking takes time of its own
    }
}

hash_t watch_digest(watch_t *watch)
{
    reply_t *reply = ask_digest(watch);
    buf_t all = {0};
    for (size_t i = 0; i < reply->digest->n_feeds; i++) {
        const Enlace__V1__DigestReply__FeedLine *feed = reply->digest->feeds[i];
        buf_append(&all, span_of(feed->hash.data, feed->hash.len));
    }
    buf_append(&all, span_of(reply->digest->digest.data, reply->digest->digest.len));
    hash_t hash = crypto_hash_of(HASH_DERIVE, buf_span(&all));
    buf_free(&all);
    talk_free(&reply);
    return hash;
}

void watch_put(watch_t *watch, uint64_t number, const char *node)
{
    request_t request = ENLACE__V1__CONTROL_REQUEST__INIT;
    Enlace__V1__Put body = ENLACE__V1__PUT__INIT;
    body.json = load_line(node, number);
    request.body_case = ENLACE__V1__CONTROL_REQUEST__BODY_PUT;
    request.put = &body;
    reply_t *reply = watch_ask(watch, &request, ENLACE__V1__CONTROL_REPLY__BODY_WRITTEN);
    talk_free(&reply);
    mem_free(body.json);
}

uint64_t watch_tail(watch_t *watch, uint64_t since, uint32_t wait_ms)
{
    request_t request = ENLACE__V1__CONTROL_REQUEST__INIT;
    Enlace__V1__TailRequest body = ENLACE__V1__TAIL_REQUEST__INIT;
    body.has_since = body.has_wait_ms = 1;
    body.since = since;
    body.wait_ms = wait_ms;
    request.body_case = ENLACE__V1__CONTROL_REQUEST__BODY_TAIL;
    request.tail = &body;
    reply_t *reply = watch_ask(watch, &request, ENLACE__V1__CONTROL_REPLY__BODY_TAIL);
    uint64_t last = reply->tail->has_last ? reply->tail->last : since;
    talk_free(&reply);
    return last;
}

uint64_t watch_applied(watch_t *watch)
{
    return watch_tail(watch, INT64_MAX, 0); // one that lies ahead is answered by where it is
}
