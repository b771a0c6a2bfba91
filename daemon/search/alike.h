// Words that a damaged scan may have made of one another: "coalicion", "coalici6n", "coaliclon".
//
// Alike: by so many letters put in, left out or replaced (Levenshtein 1966) as alike_changes says.
// Among many words those that can be are found by runs of three letters (trigrams): a word of L
// letters, written "__word_", has L + 1 of them, and a change takes away three at most; since
// L + 1 > 3 * changes, words that are alike share one. So nothing that is alike is missed.
#ifndef ENLACE_DAEMON_SEARCH_ALIKE_H
#define ENLACE_DAEMON_SEARCH_ALIKE_H

#include <stdbool.h>

#include "lib/bytes.h"

#define ALIKE_LETTERS_MAX 24u

// Whether a word has anything alike but itself: 4 to 24 letters, most of them no digits.
bool alike_worthy(const char *word);
unsigned alike_changes(const char *word); // 0 where it is not worthy
// How many changes make `b` of `a`; more than `most`: most + 1. Words of UTF-8.
unsigned alike_distance(const char *a, const char *b, unsigned most);
bool alike(const char *wanted, const char *word);
// "__word_", for the trigrams. Caller frees.
buf_t alike_padded(const char *word);

#endif
