// What people read goes through gettext: the English text is the msgid.
#ifndef ENLACE_CLIENT_TEXT_H
#define ENLACE_CLIENT_TEXT_H

#include <libintl.h>

#define _(text)  gettext(text)
#define N_(text) text // marks a msgid that is looked up where it is printed

// Locale for messages from the environment, or `lang` where given (NULL: not);
// characters are UTF-8 whatever the locale says. Once, at the start.
void text_start(const char *lang);
// The language of the person who asks, as BCP 47 ("es", "pt-BR"), from `lang` or
// the environment; empty where neither says.
#define TEXT_LANG_MAX 16
void text_language(const char *lang, char language[TEXT_LANG_MAX]);

#endif
