// Fingerprints to read aloud.
//
// Consonants, in this order: b d f g k l m n r s t y w. Left out: c, q, x and z
// (said like k, s or something else from one language to the next), v (b in
// Spanish), h (silent in Spanish and Portuguese), j (h, y or g by language), p
// (b on a bad line). Vowels: a e i o u. Syllable number 5 * consonant + vowel;
// that leaves out the last of the 65, "wu", which many say like "gu" or "u".
#include <string.h>

#include "lib/armour.h"

enum { WORDS = 8, WORD_SIZE = 4, SYLLABLES = 2 * WORDS, LETTERS = WORDS * WORD_SIZE };

// Six bits at a time, the highest first.
static unsigned six_bits(const uint8_t *bytes, size_t index)
{
    size_t bit = 6 * index;
    unsigned pair = (unsigned)bytes[bit / 8] << 8 | bytes[bit / 8 + 1];
    return pair >> (10 - bit % 8) & 63;
}

static void spell(const hash_t *hash, char letters[LETTERS])
{
    static const char consonants[] = "bdfgklmnrstyw";
    static const char vowels[] = "aeiou";
    hash_t words = crypto_hash_of(HASH_WORDS, span_of(hash->bytes, sizeof hash->bytes));
    for (size_t i = 0; i < SYLLABLES; i++) {
        unsigned syllable = six_bits(words.bytes, i);
        letters[2 * i] = consonants[syllable / 5];
        letters[2 * i + 1] = vowels[syllable % 5];
    }
}

void words_format(const hash_t *hash, char text[WORDS_TEXT])
{
    char letters[LETTERS];
    spell(hash, letters);
    for (size_t i = 0; i < WORDS; i++) {
        memcpy(text, letters + i * WORD_SIZE, WORD_SIZE);
        text += WORD_SIZE;
        *text++ = ' ';
    }
    text[-1] = '\0';
}

bool words_match(const hash_t *hash, const char *text)
{
    char letters[LETTERS];
    size_t count = 0;
    spell(hash, letters);
    for (; text && *text; text++) {
        char c = *text >= 'A' && *text <= 'Z' ? (char)(*text - 'A' + 'a') : *text;
        if (strchr(" \t\r\n-,", c))
            continue;
        if (count == LETTERS || c != letters[count++])
            return false;
    }
    return count == LETTERS;
}
