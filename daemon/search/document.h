// What a record is found by: its words, the values of its fields, and where it is.
#ifndef ENLACE_DAEMON_SEARCH_DOCUMENT_H
#define ENLACE_DAEMON_SEARCH_DOCUMENT_H

#include "daemon/search/tokenizer.h"
#include "daemon/search/tokens.h"
#include "daemon/store/reader.h"
#include "lib/record.h"

// The words of every text in it (all languages), its key and its codes among them, but not of its
// label: that would be everybody's.
void document_words(tokenizer_t *tokenizer, const record_t *record, tokens_t *tokens);
// All tokens of a row of the view, sorted; none where nothing of it is readable.
void document_tokens(tokenizer_t *tokenizer, const row_t *row, tokens_t *tokens);

#endif
