// What the parts of the control edge share. Private to daemon/control*.c and
// daemon/control/status_reply.c.
#ifndef ENLACE_DAEMON_CONTROL_PARTS_H
#define ENLACE_DAEMON_CONTROL_PARTS_H

#include "daemon/control/control.h"
#include "daemon/control/import.h"
#include "daemon/control/query.h"
#include "daemon/control/requests.h"

enum { DOORS = 2 };

// One kind of request: who may ask, and what is done with it. `start` ends the
// request (control_finish, control_refuse) or leaves it in the table in another state.
struct control_case {
    Enlace__V1__ControlRequest__BodyCase body;
    const char *name;
    bool writes; // full rights, logged with who asked, refused while the node does not write
    bool full;   // full rights
    size_t cost; // of a turn\'s budget, about a quarter of a millisecond each
    void (*start)(control_t *control, request_t *request);
    // What was handed to the core is on disk, or not; NULL: a record was written.
    void (*written)(control_t *control, request_t *request, err_t reason);
};

// What was refused at the door before it was anybody's request: for status.
typedef struct {
    err_t reason;
    uint64_t count;
    uint64_t last_ms;
    char where[96];
} tally_t;

// An import under way, of the client that began it.
typedef struct {
    uint64_t number;
    door_t *door;
    route_t route;
    uint64_t expires_ms;
    import_t *import;
} session_t;

#define SESSIONS_MAX    16u
#define SESSION_LIFE_MS 120000u

struct control {
    control_node_t node;
    char *dir;
    char *name;
    char *database;
    char own[CODE_MAX + 1];
    char lang[QUERY_LANG_MAX + 1];
    origin_t self;
    bool listening;
    uint64_t started_ms;
    store_t *store;
    search_t *search;
    door_t *doors[DOORS];
    readers_t *readers;
    requests_t *requests;
    size_t session_count;
    session_t sessions[SESSIONS_MAX];
    uint64_t last_session;
    size_t tally_count, tally_capacity;
    tally_t *tallies;
    uint64_t applied; // how many times something was applied
    uint64_t now_ms;  // monotonic, of the last drain or tick
};

// ---- control.c ----
void control_finish(control_t *control, request_t *request, buf_t *reply); // frees both
void control_refuse(control_t *control, request_t *request, err_t reason, const fault_t *fault,
                    uint64_t line);
author_t control_author(control_t *control);

// ---- writing.c ----
void control_put(control_t *control, request_t *request);
void control_edit(control_t *control, request_t *request);
void control_retract(control_t *control, request_t *request);
void control_log_write(const request_t *request, const char *what);

// ---- importing.c ----
void control_import_begin(control_t *control, request_t *request);
void control_import_lines(control_t *control, request_t *request);
void control_import_check(control_t *control, request_t *request);
void control_import_write(control_t *control, request_t *request);
void control_import_abort(control_t *control, request_t *request);
void control_import_written(control_t *control, request_t *request, err_t reason);
void control_import_expire(control_t *control);
uint64_t control_import_wake_ms(const control_t *control);
void control_import_clear(control_t *control);

// ---- reading.c ----
void control_list(control_t *control, request_t *request);
void control_search(control_t *control, request_t *request);
void control_show(control_t *control, request_t *request);
void control_tail(control_t *control, request_t *request);
void control_digest(control_t *control, request_t *request);
void control_verify(control_t *control, request_t *request);
bool control_take_answers(control_t *control, size_t budget);  // whether more is waiting
void control_wake_tails(control_t *control);                   // all that wait look again
void control_end_tail(control_t *control, request_t *request); // its time is over

// ---- recovering.c ----
void control_recover_show(control_t *control, request_t *request);
void control_recover_accept(control_t *control, request_t *request);
void control_recover_written(control_t *control, request_t *request, err_t reason);
void control_epoch(control_t *control, request_t *request);
void control_epoch_written(control_t *control, request_t *request, err_t reason);

// ---- status_reply.c ----
void control_status(control_t *control, request_t *request);

#endif
