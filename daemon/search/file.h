// The file that search is kept in, beside the store's and made from it: its schema, and writing.
//
// Invariants
//   F1  what is fed and how far it is fed change in one transaction: after any kill the file says
//       of itself, rightly, which changes it knows;
//   F2  nothing in it is the only copy of anything: where it is damaged, of another version or
//       not of this store, it is taken away and made anew;
//   F3  a token is in the index if and only if a record fed has it, a word among the terms if and
//       only if a record fed has it (while there are fewer than FILE_TERMS_MAX);
//   F4  a purge is asked for in the transaction that takes away what was erased, and over when
//       the words are gone from the file's bytes, whatever happens in between.
//
// It may lose its last transactions with the power (synchronous=NORMAL): they are fed again.
// A file_t is one writing connection and belongs to one thread.
#ifndef ENLACE_DAEMON_SEARCH_FILE_H
#define ENLACE_DAEMON_SEARCH_FILE_H

#include "daemon/search/tokens.h"
#include "daemon/store/reader.h"
#include "daemon/store/sql.h"

#define FILE_APPLICATION 0x456e5363 // "EnSc"
#define FILE_VERSION     3          // another schema, other words, other facets: made anew
#define FILE_TERMS_MAX   500000     // words that alike ones are looked for among

typedef struct file file_t;

// DAMAGED where it is no such file or of another version.
err_t file_open(const char *path, file_t **file, fault_t *fault);
void file_close(file_t **file);
void file_remove(const char *path); // with what belongs to it; nobody writes to it any more
uint64_t file_bytes(const char *path);

// What it knows: stand.applied, and the store of which that is true.
typedef enum { PURGE_NONE, PURGE_ASKED, PURGE_BEGUN } purge_t; // numbers stand in the file
typedef struct {
    stand_t stand;
    purge_t purge;
} known_t;
err_t file_known(sql_t *sql, known_t *known, fault_t *fault);
sql_t *file_sql(file_t *file);

// ---- a batch: put, wait, advance; then all of it, or nothing ----
err_t file_begin(file_t *file, fault_t *fault);
err_t file_commit(file_t *file, fault_t *fault);
void file_rollback(file_t *file);
// The record is found by these from now on; by nothing where there are none.
err_t file_put(file_t *file, int64_t record, const tokens_t *tokens, bool erased, fault_t *fault);
// A change whose payload is not here is looked at again when it is.
err_t file_wait(file_t *file, int64_t change, int64_t record, fault_t *fault);
err_t file_came(file_t *file, int64_t change, fault_t *fault);
err_t file_advance(file_t *file, const stand_t *stand, fault_t *fault);

// Changes that wait, after `after`, at most `most`.
err_t file_waiting(sql_t *sql, int64_t after, size_t most, changed_t *changed, size_t *count,
                   fault_t *fault);

// A step of F4; *done: nothing is left of it.
err_t file_purge(file_t *file, bool *done, fault_t *fault);
err_t file_store_of(file_t *file, const nonce_t *boot, fault_t *fault); // it is of that run now
void file_release_memory(file_t *file);

#endif
