// Texts in several languages: at most one entry a language, sorted by it; and
// the tags that name languages.
//
// Tags: BCP 47 (RFC 5646) with language, script, region and variants, in its
// canonical case (es, es-CO, zh-Hant-TW), so that one language has one name.
#ifndef ENLACE_LIB_TEXT_H
#define ENLACE_LIB_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "enlace/v1/types.pb-c.h"

#define LANG_MAX 35u // bytes of a tag

bool lang_valid(const char *lang);
// How many bytes at the start of "es:Texto" are meant as a language, before the
// colon: two or three lower-case letters, or those with subtags in any case. 0 where none is.
size_t lang_prefix(const char *value);

// Sets one language, in its sorted place, whatever else is there.
void text_set(Enlace__V1__Text *text, const char *lang, const char *value);
void text_drop(Enlace__V1__Text *text, const char *lang);
// The text in that very language, or NULL.
const char *text_in(const Enlace__V1__Text *text, const char *lang);
// The text in `lang` (NULL: no wish), its primary language, es, en, or any. NULL where none.
const char *text_pick(const Enlace__V1__Text *text, const char *lang);
// Whether every entry is complete, languages valid, sorted and each but once,
// and there is nothing that this version does not know.
bool text_canonical(const Enlace__V1__Text *text);

#endif
