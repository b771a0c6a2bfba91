// A set of tokens: what a record is found by. A word stands as it is; what is no word begins
// with '=' (a value of a field) or '@' (kind, owner), which no word does.
#ifndef ENLACE_DAEMON_SEARCH_TOKENS_H
#define ENLACE_DAEMON_SEARCH_TOKENS_H

#include <stdbool.h>

#include "lib/bytes.h"

typedef struct {
    buf_t bytes; // the tokens, each with its NUL
    size_t *at;  // where each begins
    size_t count, capacity;
    bool sorted; // and each there once
} tokens_t;      // {0}: none

void tokens_clear(tokens_t *tokens);
void tokens_add(tokens_t *tokens, span_t token); // neither empty nor with a NUL in it
void tokens_sort(tokens_t *tokens);
const char *tokens_at(const tokens_t *tokens, size_t index);
// Of sorted ones. With `prefix`: whether one begins so.
bool tokens_has(const tokens_t *tokens, const char *token, bool prefix);
bool token_is_word(const char *token);

// With blanks between them, and back. Caller frees.
buf_t tokens_join(const tokens_t *tokens);
void tokens_split(tokens_t *tokens, span_t joined);

#endif
