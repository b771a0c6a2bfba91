#include "client/text.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/text.h"

void text_start(const char *lang)
{
    setlocale(LC_ALL, "");
    // Characters are UTF-8 here also under LANG=C; numbers are never localised.
    setlocale(LC_CTYPE, "C.UTF-8");
    setlocale(LC_NUMERIC, "C");
    if (lang) {
        // gettext heeds LANGUAGE only where the locale is not plain "C".
        setenv("LANGUAGE", lang, 1);
        setlocale(LC_MESSAGES, "C.UTF-8");
    }
    bindtextdomain("enlace", ENLACE_LOCALEDIR);
    bind_textdomain_codeset("enlace", "UTF-8");
    textdomain("enlace");
}

// The first that says anything, as gettext(3) looks them up.
static const char *environment_language(void)
{
    static const char *const names[] = {"LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = getenv(names[i]);
        if (value && *value)
            return value;
    }
    return "";
}

void text_language(const char *lang, char language[TEXT_LANG_MAX])
{
    // es_CR.UTF-8@euro and es:en become es-CR and es.
    const char *from = lang ? lang : environment_language();
    snprintf(language, TEXT_LANG_MAX, "%.*s", (int)strcspn(from, ".@:"), from);
    for (char *at = language; *at; at++)
        if (*at == '_')
            *at = '-';
    if (!lang_valid(language))
        language[0] = '\0';
}
