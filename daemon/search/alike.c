#include "daemon/search/alike.h"

#include <stdint.h>
#include <string.h>

enum { LEAST = 4, CHANGES_MAX = 3, TOO_LONG = ALIKE_LETTERS_MAX + CHANGES_MAX + 1 };

// The letters of a word, at most TOO_LONG: then there are more.
static size_t letters_of(const char *word, uint32_t letters[TOO_LONG])
{
    size_t count = 0;
    for (const uint8_t *at = (const uint8_t *)word; *at && count < TOO_LONG; count++) {
        letters[count] = *at++;
        while ((*at & 0xc0) == 0x80)
            letters[count] = letters[count] << 8 | *at++;
    }
    return count;
}

bool alike_worthy(const char *word)
{
    uint32_t letters[TOO_LONG];
    size_t count = letters_of(word, letters), digits = 0;
    for (size_t i = 0; i < count; i++)
        digits += letters[i] >= '0' && letters[i] <= '9';
    return count >= LEAST && count <= ALIKE_LETTERS_MAX && digits * 2 <= count;
}

unsigned alike_changes(const char *word)
{
    uint32_t letters[TOO_LONG];
    if (!alike_worthy(word))
        return 0;
    unsigned changes = (unsigned)(letters_of(word, letters) + 1) / 4;
    return changes < CHANGES_MAX ? changes : CHANGES_MAX;
}

static unsigned least_of(unsigned a, unsigned b, unsigned c)
{
    unsigned least = a < b ? a : b;
    return least < c ? least : c;
}

// The row after one more letter of `a`; gives the least in it.
static unsigned next_row(unsigned *row, uint32_t letter, const uint32_t *b, size_t size)
{
    unsigned corner = row[0]++, least = row[0];
    for (size_t j = 1; j <= size; j++) {
        unsigned above = row[j];
        row[j] = least_of(above + 1, row[j - 1] + 1, corner + (letter != b[j - 1]));
        corner = above;
        least = row[j] < least ? row[j] : least;
    }
    return least;
}

unsigned alike_distance(const char *a, const char *b, unsigned most)
{
    uint32_t left[TOO_LONG], right[TOO_LONG];
    unsigned row[TOO_LONG + 1];
    size_t m = letters_of(a, left), n = letters_of(b, right);
    if (m == TOO_LONG || n == TOO_LONG || m > n + most || n > m + most)
        return most + 1;
    for (size_t j = 0; j <= n; j++)
        row[j] = (unsigned)j;
    for (size_t i = 0; i < m; i++)
        if (next_row(row, left[i], right, n) > most)
            return most + 1;
    return row[n] > most ? most + 1 : row[n];
}

bool alike(const char *wanted, const char *word)
{
    unsigned most = alike_changes(wanted);
    if (strcmp(wanted, word) == 0)
        return true;
    return most && alike_worthy(word) && alike_distance(wanted, word, most) <= most;
}

buf_t alike_padded(const char *word)
{
    buf_t padded = buf_copy(span_text("__"));
    buf_append(&padded, span_text(word));
    buf_append(&padded, span_text("_"));
    return padded;
}
