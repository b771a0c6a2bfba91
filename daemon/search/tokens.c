#include "daemon/search/tokens.h"

#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

void tokens_clear(tokens_t *tokens)
{
    buf_free(&tokens->bytes);
    mem_free(tokens->at);
    *tokens = (tokens_t){0};
}

void tokens_add(tokens_t *tokens, span_t token)
{
    mem_grow(&tokens->at, &tokens->capacity, tokens->count, sizeof *tokens->at);
    tokens->at[tokens->count++] = tokens->bytes.size;
    buf_append(&tokens->bytes, token);
    buf_append(&tokens->bytes, span_of("", 1));
    tokens->sorted = false;
}

const char *tokens_at(const tokens_t *tokens, size_t index)
{
    return (const char *)tokens->bytes.data + tokens->at[index];
}

static int compare(const void *a, const void *b, void *context)
{
    const char *bytes = context;
    return strcmp(bytes + *(const size_t *)a, bytes + *(const size_t *)b);
}

void tokens_sort(tokens_t *tokens)
{
    size_t kept = 0;
    if (tokens->count && !tokens->sorted)
        qsort_r(tokens->at, tokens->count, sizeof *tokens->at, compare, tokens->bytes.data);
    for (size_t i = 0; i < tokens->count && !tokens->sorted; i++)
        if (!kept || strcmp(tokens_at(tokens, kept - 1), tokens_at(tokens, i)) != 0)
            tokens->at[kept++] = tokens->at[i];
    if (!tokens->sorted)
        tokens->count = kept;
    tokens->sorted = true;
}

bool tokens_has(const tokens_t *tokens, const char *token, bool prefix)
{
    size_t low = 0, high = tokens->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(tokens_at(tokens, middle), token) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == tokens->count)
        return false;
    const char *found = tokens_at(tokens, low);
    return prefix ? strncmp(found, token, strlen(token)) == 0 : strcmp(found, token) == 0;
}

bool token_is_word(const char *token)
{
    return token[0] != '=' && token[0] != '@';
}

buf_t tokens_join(const tokens_t *tokens)
{
    buf_t joined = {0};
    for (size_t i = 0; i < tokens->count; i++) {
        if (i)
            buf_append(&joined, span_of(" ", 1));
        buf_append(&joined, span_text(tokens_at(tokens, i)));
    }
    return joined;
}

void tokens_split(tokens_t *tokens, span_t joined)
{
    const char *at = (const char *)joined.data, *end = at + joined.size;
    while (at < end) {
        const char *blank = memchr(at, ' ', (size_t)(end - at));
        const char *stop = blank ? blank : end;
        if (stop > at)
            tokens_add(tokens, span_of(at, (size_t)(stop - at)));
        at = stop + 1;
    }
    tokens_sort(tokens);
}
