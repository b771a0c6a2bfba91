#include "daemon/search/document.h"

#include <string.h>

#include "daemon/search/facet.h"
#include "lib/record_walk.h"

typedef struct {
    tokenizer_t *tokenizer;
    tokens_t *tokens;
} words_t;

static void take_word(void *context, span_t word)
{
    tokens_add(context, word);
}

static void take_text(words_t *words, const char *text)
{
    if (text)
        tokenizer_cut(words->tokenizer, span_text(text), take_word, words->tokens);
}

static void take_message(words_t *words, const ProtobufCMessage *message)
{
    if (message->descriptor == &enlace__v1__code__descriptor)
        take_text(words, ((const Enlace__V1__Code *)message)->code);
    if (message->descriptor != &enlace__v1__text__descriptor)
        return;
    const Enlace__V1__Text *text = (const Enlace__V1__Text *)message;
    for (size_t i = 0; i < text->n_entries; i++)
        take_text(words, text->entries[i]->text);
}

static err_t visit(void *context, const visit_t *visit, fault_t *fault)
{
    (void)fault;
    if (visit->field->type == PROTOBUF_C_TYPE_MESSAGE)
        take_message(context, *(ProtobufCMessage *const *)visit->value);
    else if (visit->field->type == PROTOBUF_C_TYPE_STRING &&
             strcmp(visit->site->trail.field, "label") != 0)
        take_text(context, *(char *const *)visit->value);
    return ERR_OK;
}

void document_words(tokenizer_t *tokenizer, const record_t *record, tokens_t *tokens)
{
    words_t words = {tokenizer, tokens};
    record_walk(record, visit, &words, NULL);
}

static void add_places(const row_t *row, const kind_t *kind, tokens_t *tokens)
{
    char token[PLACE_SIZE];
    place_of_kind(kind->tag, token);
    tokens_add(tokens, span_text(token));
    place_of_owner(row->place.origin, token);
    tokens_add(tokens, span_text(token));
}

// A list tells of it whatever the filter (daemon/control/query.c).
static void add_unreadable(scope_t scope, tokens_t *tokens)
{
    char token[FACET_SIZE];
    facet_token(FACET_UNREADABLE, scope, token);
    tokens_add(tokens, span_text(token));
    tokens_sort(tokens);
}

void document_tokens(tokenizer_t *tokenizer, const row_t *row, tokens_t *tokens)
{
    record_t *record = NULL;
    const kind_t *kind = row->kind ? kind_by_name(row->kind) : NULL;
    if (kind && row->note == ERR_DAMAGED && !row->body.size)
        add_unreadable((scope_t){kind->tag, row->place.feed}, tokens);
    if (!kind || !row->body.size || record_decode(row->body, &record, NULL))
        return;
    document_words(tokenizer, record, tokens);
    facet_record(record, (scope_t){kind->tag, row->place.feed}, tokens);
    add_places(row, kind, tokens);
    record_destroy(&record);
    tokens_sort(tokens);
}
