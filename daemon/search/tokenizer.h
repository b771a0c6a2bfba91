// Words as search knows them: cut out of a text, in small letters, without diacritics.
//
// What a word is and how it is folded is SQLite's own tokenizer unicode61 (remove_diacritics
// 2): a run of letters and digits of any script. It works the same on what is fed, on what is
// asked and on what is not fed yet, so the three cannot disagree.
//
// A tokenizer_t belongs to one thread.
#ifndef ENLACE_DAEMON_SEARCH_TOKENIZER_H
#define ENLACE_DAEMON_SEARCH_TOKENIZER_H

#include "lib/bytes.h"
#include "lib/error.h"

#define WORD_BYTES_MAX 64u // bytes; what is longer is cut at a whole character

typedef struct tokenizer tokenizer_t;

// INTERNAL where SQLite was built without FTS5.
err_t tokenizer_new(tokenizer_t **tokenizer, fault_t *fault);
void tokenizer_destroy(tokenizer_t **tokenizer);

// `word` is UTF-8, 1 to WORD_BYTES_MAX bytes, until the call returns.
typedef void tokenizer_word_fn(void *context, span_t word);
void tokenizer_cut(tokenizer_t *tokenizer, span_t text, tokenizer_word_fn *fn, void *context);

#endif
