// What somebody looks for: words, bounded and folded as what is looked through is.
//
// Every word must be in the record, whatever the order. A word that ends with '*' stands for all
// that begin so, and is then at least ASKED_PREFIX_LEAST letters and digits long. Nothing else
// means anything: what is no letter or digit parts words.
#ifndef ENLACE_DAEMON_SEARCH_ASKED_H
#define ENLACE_DAEMON_SEARCH_ASKED_H

#include "daemon/search/tokenizer.h"
#include "daemon/search/tokens.h"

#define ASKED_MAX          16u
#define ASKED_BYTES_MAX    1024u // of what is asked, in all
#define ASKED_PREFIX_LEAST 3u
#define ASKED_ALIKE_MAX    64u // words that one stands for where alike ones count, too

typedef struct {
    char text[WORD_BYTES_MAX + 1];
    bool prefix;
    tokens_t alike; // those that are known; empty where only the word itself counts
} word_t;

typedef struct {
    size_t count;
    word_t items[ASKED_MAX];
    bool tolerant; // alike words count, too
} asked_t;

// `given`: what was asked, in one or more pieces. TOO_MANY, TOO_BIG; BAD_VALUE where no word is in
// it or the beginning of one is too short.
err_t asked_read(tokenizer_t *tokenizer, char *const *given, size_t count, asked_t *words,
                 fault_t *fault);
void asked_clear(asked_t *words);

// Whether a record with these (sorted) tokens is one that is looked for.
bool asked_match(const asked_t *words, const tokens_t *tokens);
// As FTS5 reads it, and'ed with `places` (NULL, or tokens that need no quoting within quotation
// marks). Empty places are left out. Caller frees.
char *asked_expression(const asked_t *words, const char *const *places, size_t count);

#endif
