// Feeding, a bounded batch at a time: what the thread of search.h does, without the thread.
#ifndef ENLACE_DAEMON_SEARCH_FEEDER_H
#define ENLACE_DAEMON_SEARCH_FEEDER_H

#include "daemon/search/file.h"
#include "daemon/search/tokenizer.h"

#define FEEDER_CHANGES 2048u              // of a batch, at most
#define FEEDER_HOLD_MS 500u               // for which a batch is gathered within one snapshot
#define FEEDER_BYTES   (2u * 1024 * 1024) // of tokens; one record's more at most

typedef struct {
    char *database, *path;
    reader_t *reader; // NULL: not open
    file_t *file;     // likewise
    tokenizer_t *tokenizer;
    nonce_t before; // search.h
    uint64_t made_anew;
    uint64_t fed;
    int64_t waited;   // of the changes that wait those up to here had their turn in this round
    bool file_failed; // the last error was the file's, not the store's
} feeder_t;

void feeder_init(feeder_t *feeder, const char *database, const char *path, const nonce_t *before);
void feeder_clear(feeder_t *feeder);

// Opens what is not open, and makes the file anew where it is not of this store or not readable.
err_t feeder_open(feeder_t *feeder, fault_t *fault);
void feeder_anew(feeder_t *feeder); // takes the file away; feeder_open makes it again
// *more: there is more to feed, or to purge. After DAMAGED of the file: feeder_anew.
err_t feeder_batch(feeder_t *feeder, bool *more, fault_t *fault);

#endif
