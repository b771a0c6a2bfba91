// A node seen through its control socket, for as long as it runs.
#ifndef ENLACE_BENCH_WATCH_H
#define ENLACE_BENCH_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "client/talk.h"
#include "lib/ids.h"

typedef struct watch watch_t;

// The node's daemon runs. Ends the program, naming the reason, where it does not answer;
// so do all of these.
watch_t *watch_open(const char *dir);
void watch_close(watch_t **watch);

// Any other question; id and language are set here. Free with talk_free.
reply_t *watch_ask(watch_t *watch, request_t *request, Enlace__V1__ControlReply__BodyCase expected);
// The same in two steps, one question at a time.
void watch_send(watch_t *watch, request_t *request);
reply_t *watch_wait(watch_t *watch, Enlace__V1__ControlReply__BodyCase expected);

// How far a node's feed (lane 1, its highest epoch) has come here.
uint64_t watch_number(watch_t *watch, const char *node);
// Waits until it has come to `number`; when that was seen first (machine_now). Ends the program
// where nothing more comes for five minutes.
double watch_until(watch_t *watch, const char *node, uint64_t number);
// Until search knows all that is held there.
void watch_searchable(watch_t *watch);
// All heads and the view's digest, as one hash.
hash_t watch_digest(watch_t *watch);

// `body key=... name=...` by one put: durable when it returns.
void watch_put(watch_t *watch, uint64_t number, const char *node);
// Waits at most so long for a change after local apply number `since`; how far it came.
uint64_t watch_tail(watch_t *watch, uint64_t since, uint32_t wait_ms);
// Newest local apply number, of whatever feed.
uint64_t watch_applied(watch_t *watch);

#endif
