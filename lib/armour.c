#include "lib/armour.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "lib/mem.h"

enum { CHECK_SIZE = 4, PREFIX_MAX = 64, BASE64 = sodium_base64_VARIANT_URLSAFE_NO_PADDING };

// What mail puts into a long line: breaks, indentation, the mark of a quotation.
static const char passed_over[] = " \t\r\n\v\f>";

// Keys are armoured too: what is worked on is either the result or wiped.

char *armour_format(const char *name, span_t bytes)
{
    hash_t check = crypto_hash_of(HASH_DERIVE, bytes);
    char hex[2 * CHECK_SIZE + 1];
    char prefix[PREFIX_MAX];
    hex_format(check.bytes, CHECK_SIZE, hex);
    int prefix_size = snprintf(prefix, sizeof prefix, "enlace-%s-1:", name);
    assert(prefix_size > 0 && prefix_size < PREFIX_MAX);
    size_t encoded = sodium_base64_ENCODED_LEN(bytes.size, BASE64); // its NUL included
    char *line = mem_alloc((size_t)prefix_size + encoded + sizeof hex);
    memcpy(line, prefix, (size_t)prefix_size);
    char *at = line + prefix_size;
    sodium_bin2base64(at, encoded, bytes.data, bytes.size, BASE64);
    snprintf(at + encoded - 1, 1 + sizeof hex, ":%s", hex);
    return line;
}

// ---- reading ----

typedef struct {
    const char *at;
    const char *end;
} text_t;

static bool is_passed_over(char c)
{
    return c && strchr(passed_over, c);
}

// The next character that counts, 0 at the end.
static char next(text_t *text)
{
    while (text->at < text->end && is_passed_over(*text->at))
        text->at++;
    return text->at < text->end ? *text->at++ : '\0';
}

// Whether the text goes on with `expected`; *text is then behind it.
static bool take(text_t *text, const char *expected)
{
    text_t ahead = *text;
    for (; *expected; expected++)
        if (next(&ahead) != *expected)
            return false;
    *text = ahead;
    return true;
}

static bool take_check(text_t *text, const hash_t *check)
{
    char given[2 * CHECK_SIZE + 1] = "";
    char expected[2 * CHECK_SIZE + 1];
    for (size_t i = 0; i < 2 * CHECK_SIZE; i++) {
        char c = next(text);
        given[i] = (char)(c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c);
    }
    hex_format(check->bytes, CHECK_SIZE, expected);
    return memcmp(given, expected, sizeof given) == 0;
}

// Base64 up to the colon, and the checksum. libsodium refuses padding, and bits
// that are set beyond the last byte.
static err_t read_rest(text_t *text, size_t max_bytes, buf_t *bytes)
{
    size_t left = (size_t)(text->end - text->at);
    const char *colon = left ? memchr(text->at, ':', left) : NULL;
    if (!colon || memchr(text->at, '\0', (size_t)(colon - text->at)))
        return ERR_BAD_ARMOUR; // libsodium would pass over a NUL
    size_t encoded = (size_t)(colon - text->at);
    size_t room = encoded / 4 * 3 + 3;
    size_t size = 0;
    const char *end = NULL;
    room = room > max_bytes ? max_bytes : room;
    errno = 0;
    // A byte more than is told of: there must be a place to write to even for none.
    int failed = sodium_base642bin(buf_extend(bytes, room + 1), room, text->at, encoded,
                                   passed_over, &size, &end, BASE64);
    if (failed || end != colon)
        return errno == ERANGE ? ERR_TOO_BIG : ERR_BAD_ARMOUR;
    bytes->size = size;
    hash_t check = crypto_hash_of(HASH_DERIVE, buf_span(bytes));
    text->at = colon + 1;
    return take_check(text, &check) ? ERR_OK : ERR_BAD_ARMOUR;
}

static void wipe(buf_t *bytes)
{
    if (bytes->data)
        sodium_memzero(bytes->data, bytes->capacity);
    buf_free(bytes);
}

// A line that is damaged does not hide a good one after it, but what is told in
// the end is what was wrong with the first.
err_t armour_parse(const char *name, span_t text, size_t max_bytes, buf_t *bytes, fault_t *fault)
{
    char prefix[PREFIX_MAX];
    int size = snprintf(prefix, sizeof prefix, "enlace-%s-1:", name);
    assert(size > 0 && size < PREFIX_MAX);
    err_t first = ERR_OK;
    const char *start = (const char *)text.data;
    const char *end = start + text.size;
    *bytes = (buf_t){0};
    for (const char *at = start; at < end; at++) {
        text_t rest = {at, end};
        if (*at != 'e' || !take(&rest, prefix))
            continue;
        err_t err = read_rest(&rest, max_bytes, bytes);
        if (!err)
            return ERR_OK;
        wipe(bytes);
        first = first ? first : err;
    }
    prefix[size - 1] = '\0';
    return fault_set(fault, first ? first : ERR_BAD_ARMOUR, prefix, NULL);
}
