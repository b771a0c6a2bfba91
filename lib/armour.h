// Bytes as lines that survive mail: a name, base64 without padding (URL
// alphabet) and a checksum; and the eight words of a fingerprint.
#ifndef ENLACE_LIB_ARMOUR_H
#define ENLACE_LIB_ARMOUR_H

#include "lib/bytes.h"
#include "lib/crypto.h"

// "enlace-NAME-1:BASE64URL:CCCCCCCC", one line, no newline at its end; the
// checksum is the first 4 bytes of HASH_DERIVE of the bytes, in hex. Caller frees.
char *armour_format(const char *name, span_t bytes);
// Finds the first such line of that name in a text; white space, line breaks
// and the "> " of quoted mail inside it are passed over. ERR_BAD_ARMOUR, or
// ERR_TOO_BIG over max_bytes; *bytes is the caller's on success only. Where the
// first is damaged and a later one is not, the later one counts.
err_t armour_parse(const char *name, span_t text, size_t max_bytes, buf_t *bytes, fault_t *fault);

// Eight words of two syllables, a space between them, 12 bits each: the first 96
// bits of HASH_WORDS of the hash, six for each syllable, highest bit first. A
// syllable is a consonant and a vowel, number 5 * consonant + vowel, of the
// thirteen consonants b d f g k l m n r s t y w and the vowels a e i o u, which
// stay apart when read aloud in Spanish, English and Portuguese (no c, h, j, p, q,
// v, x, z). That makes 65; the last one, "wu", is not used.
#define WORDS_TEXT 64
void words_format(const hash_t *hash, char text[WORDS_TEXT]);
// Case, hyphens, commas and spacing do not matter.
bool words_match(const hash_t *hash, const char *text);

#endif
