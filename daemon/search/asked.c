#include "daemon/search/asked.h"

#include <string.h>

#include "daemon/search/alike.h"
#include "lib/mem.h"

typedef struct {
    asked_t *words;
    bool too_many;
} reading_t;

static void take_word(void *context, span_t word)
{
    reading_t *reading = context;
    asked_t *words = reading->words;
    for (size_t i = 0; i < words->count; i++)
        if (!words->items[i].prefix && span_equal(span_text(words->items[i].text), word))
            return;
    if (words->count == ASKED_MAX) {
        reading->too_many = true;
        return;
    }
    word_t *item = &words->items[words->count++];
    *item = (word_t){0};
    memcpy(item->text, word.data, word.size); // at most WORD_BYTES_MAX
}

static size_t letters_of(const char *text)
{
    size_t count = 0;
    for (; *text; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

// One piece without blanks in it. What comes last in it may be a beginning.
static err_t read_piece(tokenizer_t *tokenizer, span_t piece, reading_t *reading, fault_t *fault)
{
    asked_t *words = reading->words;
    size_t before = words->count;
    bool star = piece.size > 1 && piece.data[piece.size - 1] == '*';
    tokenizer_cut(tokenizer, piece, take_word, reading);
    if (reading->too_many)
        return fault_set(fault, ERR_TOO_MANY, "words", "at most %u words", ASKED_MAX);
    if (!star || words->count == before)
        return ERR_OK;
    word_t *last = &words->items[words->count - 1];
    last->prefix = true;
    if (letters_of(last->text) < ASKED_PREFIX_LEAST)
        return fault_set(fault, ERR_BAD_VALUE, "words",
                         "of a word's beginning (%s*) at least %u letters are needed", last->text,
                         ASKED_PREFIX_LEAST);
    return ERR_OK;
}

static err_t read_pieces(tokenizer_t *tokenizer, const char *given, reading_t *reading,
                         fault_t *fault)
{
    static const char blanks[] = " \t\r\n\f\v";
    err_t err = ERR_OK;
    for (const char *at = given + strspn(given, blanks); !err && *at; at += strspn(at, blanks)) {
        size_t size = strcspn(at, blanks);
        err = read_piece(tokenizer, span_of(at, size), reading, fault);
        at += size;
    }
    return err;
}

err_t asked_read(tokenizer_t *tokenizer, char *const *given, size_t count, asked_t *words,
                 fault_t *fault)
{
    reading_t reading = {words, false};
    size_t bytes = 0;
    err_t err = ERR_OK;
    *words = (asked_t){0};
    for (size_t i = 0; i < count; i++)
        bytes += strlen(given[i]) + 1;
    if (bytes > ASKED_BYTES_MAX)
        return fault_set(fault, ERR_TOO_BIG, "words", "at most %u bytes", ASKED_BYTES_MAX);
    for (size_t i = 0; i < count && !err; i++)
        err = read_pieces(tokenizer, given[i], &reading, fault);
    if (!err && !words->count)
        err = fault_set(fault, ERR_BAD_VALUE, "words", "there is no word in it to look for");
    return err;
}

void asked_clear(asked_t *words)
{
    for (size_t i = 0; i < words->count; i++)
        tokens_clear(&words->items[i].alike);
    *words = (asked_t){0};
}

// ---- matching ----

static bool has_alike(const char *wanted, const tokens_t *tokens)
{
    for (size_t i = 0; i < tokens->count; i++) {
        const char *token = tokens_at(tokens, i);
        if (token_is_word(token) && alike(wanted, token))
            return true;
    }
    return false;
}

bool asked_match(const asked_t *words, const tokens_t *tokens)
{
    for (size_t i = 0; i < words->count; i++) {
        const word_t *word = &words->items[i];
        if (!tokens_has(tokens, word->text, word->prefix) &&
            !(words->tolerant && !word->prefix && has_alike(word->text, tokens)))
            return false;
    }
    return true;
}

static void put(buf_t *to, const char *before, const char *token, const char *after)
{
    buf_append(to, span_text(before));
    buf_append(to, span_text(token));
    buf_append(to, span_text(after));
}

static void put_word(buf_t *to, const word_t *word)
{
    buf_append(to, span_text("("));
    put(to, "\"", word->text, word->prefix ? "\" *" : "\"");
    for (size_t i = 0; i < word->alike.count; i++)
        put(to, " OR \"", tokens_at(&word->alike, i), "\"");
    buf_append(to, span_text(")"));
}

char *asked_expression(const asked_t *words, const char *const *places, size_t count)
{
    buf_t made = {0};
    for (size_t i = 0; i < words->count; i++) {
        if (i)
            buf_append(&made, span_text(" AND "));
        put_word(&made, &words->items[i]);
    }
    for (size_t i = 0; i < count; i++)
        if (places[i][0])
            put(&made, " AND \"", places[i], "\"");
    buf_append(&made, span_of("", 1));
    return (char *)made.data;
}
