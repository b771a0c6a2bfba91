// What the parts of verify share.
//
// The connection's main database is a scratch one with the view's tables; the
// store is attached, read-only, as `log`. Names without a schema find main first:
// so the projection (view.c) writes to the scratch and reads the log.
#ifndef ENLACE_DAEMON_STORE_VERIFY_INTERNAL_H
#define ENLACE_DAEMON_STORE_VERIFY_INTERNAL_H

#include "daemon/store/internal.h"
#include "daemon/store/reader.h"

#define WHERE_TEXT 96

typedef struct {
    sql_t *sql;
    verify_t *report;
    view_t view;
    roster_t *roster; // the newest; NULL: none
    hash_t coalition;
    int64_t applied;      // newest change when it began
    int64_t committed;    // newest commit when it began
    uint64_t done, total; // for progress
    struct {              // the signing key that was asked for last
        int64_t origin;
        uint32_t number;
        bool known;
        pubkey_t key;
    } card;
} checker_t;

void checker_find(checker_t *checker, const char *where, err_t reason, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
// ERR_STOPPING where the caller wants no more.
err_t checker_progress(checker_t *checker, uint64_t steps);

// One snapshot of the log, and one transaction of the scratch database.
err_t checker_begin(checker_t *checker, fault_t *fault);
err_t checker_end(checker_t *checker, err_t err, fault_t *fault); // err first, where there is one

// CODE of an origin's row; its number where there is none.
err_t checker_code(checker_t *checker, int64_t origin, code_t *code, fault_t *fault);
// checker->card becomes that of (origin, number); known tells whether it is held and decodes.
err_t checker_card(checker_t *checker, int64_t origin, uint32_t number, fault_t *fault);

// Whether a card of the origin, or the newest roster, has a cut at that very position.
err_t checker_cut(checker_t *checker, int64_t origin, const head_t *at, bool *cut, fault_t *fault);

err_t verify_members(checker_t *checker, fault_t *fault);
err_t verify_log(checker_t *checker, fault_t *fault);
err_t verify_view(checker_t *checker, fault_t *fault);

#endif
