// Vocabularies that others keep: countries, currencies, and the code lists of
// which records use values. An unknown scheme or version is carried as it is;
// only a code that claims to be of a list held here is checked against it.
//
// Sources: ISO 3166-1 alpha-2; ISO 4217; HTCDS 2.0 (IOM, CC BY 4.0); IATI code
// lists OrganisationType, ActivityStatus, OrganisationRole; DANE DIVIPOLA.
#ifndef ENLACE_LIB_VOCABULARY_H
#define ENLACE_LIB_VOCABULARY_H

#include <stdbool.h>
#include <stddef.h>

// Stored in records: a name once given stays.
#define SCHEME_HTCDS_ORGANISATION_TYPE "htcds-organisation-type"
#define SCHEME_HTCDS_SERVICES          "htcds-services"
#define SCHEME_IATI_ORGANISATION_TYPE  "iati-organisation-type"
#define SCHEME_IATI_ACTIVITY_STATUS    "iati-activity-status"
#define SCHEME_IATI_ORGANISATION_ROLE  "iati-organisation-role"
#define SCHEME_DIVIPOLA                "divipola"

#define SCHEME_MAX     64u  // bytes of a scheme's name: a-z, digits and - _ .
#define VOCAB_CODE_MAX 128u // bytes of a code, and of a version

bool country_valid(const char *code);  // ISO 3166-1 alpha-2
bool currency_valid(const char *code); // ISO 4217
// Decimal digits of the minor unit: 2 for EUR, 0 for CLP and for what is unknown.
unsigned currency_digits(const char *code);

bool scheme_valid(const char *scheme);
// Whether the scheme's list has the code; true where no list of it is held here.
bool scheme_has_code(const char *scheme, const char *code);

#endif
