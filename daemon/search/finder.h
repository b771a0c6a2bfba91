// Asking the file that search is kept in: read-only, one connection a thread.
//
// What it says is true of the changes that it knows; what came since is the unfed tail, which
// whoever asks looks at in the view itself. Order of snapshots: the finder's first, then the
// view's, so that the view is never behind what the finder knows.
#ifndef ENLACE_DAEMON_SEARCH_FINDER_H
#define ENLACE_DAEMON_SEARCH_FINDER_H

#include "daemon/search/asked.h"
#include "daemon/store/reader.h"

typedef struct finder finder_t;

// `path` NULL: there is no such file; then everything is tail.
err_t finder_new(const char *path, finder_t **finder, fault_t *fault);
void finder_destroy(finder_t **finder);
tokenizer_t *finder_tokenizer(finder_t *finder);

// One snapshot from here to finder_end. A file that is not there, not readable or not of this
// store knows nothing, which is no error; nor does one that is not to be looked at (`blind`).
void finder_begin(finder_t *finder, bool blind);
void finder_end(finder_t *finder);
// Why the file could not be read since finder_begin; ERR_OK. What was asked for has then failed,
// too: it can be asked again, blind. DAMAGED: it is to be made anew.
err_t finder_failed(const finder_t *finder);

// The records that the view may show differently than the finder knows, rising, each once.
// Within a snapshot of the reader's (reader_hold). Not `whole`: there are more than TAIL_MAX
// changes, or what the finder knows is not of this store; then `records` is empty, or what is
// known of them, and `behind` says how many changes are not looked at.
#define TAIL_MAX 2048u
typedef struct {
    int64_t *records;
    size_t count;
    bool whole;
    uint64_t behind;
} tail_t;
err_t finder_tail(finder_t *finder, reader_t *reader, tail_t *tail, fault_t *fault);
void tail_clear(tail_t *tail);
bool tail_has(const tail_t *tail, int64_t record);

// Words that are alike those looked for, into words->items[].alike: the nearest, at most
// ASKED_ALIKE_MAX.
err_t finder_alike(finder_t *finder, asked_t *words, fault_t *fault);

// ---- records by tokens, rising or falling ----
typedef struct {
    finder_t *finder;
    char *expression;
    struct sqlite3_stmt *statement; // NULL: not begun, or over
    int64_t from, to;
    bool falling;
    bool over;
} hits_t;
// Those of the records from `from` to `to` (both among them) that have what the expression asks
// for. It is copied. Nothing else may be begun in the same direction before hits_end.
void hits_begin(hits_t *hits, finder_t *finder, const char *expression, int64_t from, int64_t to,
                bool falling);
err_t hits_next(hits_t *hits, int64_t *record, fault_t *fault); // 0: no more
void hits_end(hits_t *hits);

#endif
