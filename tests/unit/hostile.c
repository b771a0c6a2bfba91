#include "tests/unit/hostile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/ids.h"
#include "lib/mem.h"
#include "tests/unit/thin.h"

static uint8_t *exact_copy(span_t bytes)
{
    uint8_t *copy = mem_alloc(bytes.size);
    if (bytes.size)
        memcpy(copy, bytes.data, bytes.size);
    return copy;
}

void hostile_each_bit(span_t good, hostile_fn try_one, void *context)
{
    for (size_t bit = 0; bit < 8 * good.size; bit += thin(23)) {
        uint8_t *copy = exact_copy(good);
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        try_one(context, span_of(copy, good.size), bit);
        mem_free(copy);
    }
}

void hostile_each_prefix(span_t good, hostile_fn try_one, void *context)
{
    for (size_t size = 0; size < good.size; size += thin(23)) {
        uint8_t *copy = exact_copy(span_of(good.data, size));
        try_one(context, span_of(copy, size), size);
        mem_free(copy);
    }
}

// Numerical Recipes' generator: the same everywhere, which is all that is asked of it.
static unsigned draw(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static void spoil(buf_t *bytes, unsigned *state)
{
    size_t at = draw(state) % (bytes->size + 1);
    size_t left = bytes->size - at;
    uint8_t value = (uint8_t)draw(state);
    switch (draw(state) % 3) {
    case 0:
        if (left)
            bytes->data[at] = value;
        break;
    case 1:
        buf_extend(bytes, 1);
        memmove(bytes->data + at + 1, bytes->data + at, left);
        bytes->data[at] = value;
        break;
    default:
        if (left) {
            memmove(bytes->data + at, bytes->data + at + 1, left - 1);
            bytes->size--;
        }
    }
}

void hostile_rounds(span_t good, unsigned seed, size_t rounds, hostile_fn try_one, void *context)
{
    for (size_t round = 0; round < rounds; round += thin(23)) {
        buf_t bytes = buf_copy(good);
        for (unsigned changes = 1 + draw(&seed) % 6; changes; changes--)
            spoil(&bytes, &seed);
        uint8_t *copy = exact_copy(buf_span(&bytes));
        try_one(context, span_of(copy, bytes.size), round);
        mem_free(copy);
        buf_free(&bytes);
    }
}

buf_t from_hex(const char *hex)
{
    buf_t bytes = {0};
    while (*hex) {
        if (*hex == ' ') {
            hex++;
            continue;
        }
        char pair[3] = {hex[0], hex[1], '\0'};
        assert_true(hex_parse(pair, buf_extend(&bytes, 1), 1));
        hex += 2;
    }
    return bytes;
}

void expect_hex(const char *hex, const void *bytes, size_t size)
{
    char *text = mem_alloc(2 * size + 1);
    hex_format(bytes, size, text);
    assert_string_equal(text, hex);
    mem_free(text);
}
