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
// and the "> " of quoted mail inside it are passed over. ERR_BAD_ARMOUR.
err_t armour_parse(const char *name, span_t text, size_t max_bytes, buf_t *bytes, fault_t *fault);

// Eight words of two syllables, 12 bits each: the first 96 bits of HASH_WORDS of
// the hash, consonant then vowel, out of thirteen consonants and five vowels (64 of the 65 syllables) that
// sound apart in Spanish, English and Portuguese. Space between them.
#define WORDS_TEXT 64
void words_format(const hash_t *hash, char text[WORDS_TEXT]);
// Case, hyphens, commas and spacing do not matter.
bool words_match(const hash_t *hash, const char *text);

#endif
