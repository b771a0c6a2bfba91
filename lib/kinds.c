#include "lib/kinds.h"

#include <string.h>

#include "enlace/v1/records.pb-c.h"
#include "lib/vocabulary.h"

#define GREEN "TLP:GREEN"

static const kind_t kinds[] = {
    {"coalition", &enlace__v1__coalition__descriptor, 32, GREEN, "name"},
    {"committee", &enlace__v1__committee__descriptor, 33, GREEN, "name"},
    {"organisation", &enlace__v1__organisation__descriptor, 34, GREEN, "name"},
    {"membership", &enlace__v1__membership__descriptor, 35, GREEN, NULL},
    {"meeting", &enlace__v1__meeting__descriptor, 37, GREEN, "title"},
    {"agreement", &enlace__v1__agreement__descriptor, 39, GREEN, "text"},
    {"adoption", &enlace__v1__adoption__descriptor, 40, GREEN, NULL},
    {"guideline", &enlace__v1__guideline__descriptor, 45, GREEN, "title"},
    {"guideline_action", &enlace__v1__guideline_action__descriptor, 46, GREEN, "text"},
    {"project", &enlace__v1__project__descriptor, 48, GREEN, "title"},
    {"training", &enlace__v1__training__descriptor, 50, GREEN, "title"},
    {"instrument", &enlace__v1__instrument__descriptor, 51, GREEN, "title"},
    {"document", &enlace__v1__document__descriptor, 52, GREEN, "title"},
    {"body", &enlace__v1__body__descriptor, 55, GREEN, "name"},
};

// What the schema cannot say about a field.
typedef struct {
    const char *kind;
    const char *field;   // path without places
    const char *targets; // of a reference; NULL: any kind
    const char *scheme;  // of a code
    format_t format;     // of a plain text
} rule_t;

#define REF(kind, field, targets)                                                                  \
    {                                                                                              \
        kind, field, targets, NULL, FORMAT_FREE                                                    \
    }
#define CODE(kind, field, scheme)                                                                  \
    {                                                                                              \
        kind, field, NULL, scheme, FORMAT_FREE                                                     \
    }
#define TEXT(kind, field, format)                                                                  \
    {                                                                                              \
        kind, field, NULL, NULL, format                                                            \
    }

static const rule_t rules[] = {
    TEXT("committee", "country", FORMAT_COUNTRY),
    TEXT("organisation", "country", FORMAT_COUNTRY),
    CODE("organisation", "type", SCHEME_HTCDS_ORGANISATION_TYPE),
    CODE("organisation", "iati_type", SCHEME_IATI_ORGANISATION_TYPE),
    CODE("organisation", "city_code", SCHEME_DIVIPOLA),
    CODE("organisation", "services", SCHEME_HTCDS_SERVICES),
    REF("membership", "member", "organisation, committee"),
    REF("membership", "coalition", "coalition, committee"),
    REF("meeting", "coalition", "coalition, committee"),
    REF("meeting", "attendance.organisation", "organisation, committee"),
    REF("meeting", "with", "body"),
    REF("meeting", "minutes", "document"),
    REF("agreement", "meeting", "meeting"),
    REF("adoption", "of", "agreement, plan, guideline, document"),
    REF("guideline", "document", "document"),
    REF("guideline_action", "guideline", "guideline"),
    REF("project", "participants.organisation", "organisation, committee"),
    CODE("project", "participants.role", SCHEME_IATI_ORGANISATION_ROLE),
    CODE("project", "status", SCHEME_IATI_ACTIVITY_STATUS),
    TEXT("project", "countries", FORMAT_COUNTRY),
    REF("training", "material", "document"),
    TEXT("instrument", "country", FORMAT_COUNTRY_OR_INTERNATIONAL),
    REF("instrument", "document", "document"),
    TEXT("document", "lang", FORMAT_LANGUAGE),
    REF("document", "version_of", "document"),
};

static const char *const labels[] = {"TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT",
                                     "TLP:RED"};
#define LABEL_COUNT     (sizeof labels / sizeof *labels)
#define LABEL_STRICTEST (LABEL_COUNT - 1)

size_t kind_count(void)
{
    return sizeof kinds / sizeof *kinds;
}

const kind_t *kind_at(size_t index)
{
    return index < kind_count() ? &kinds[index] : NULL;
}

const kind_t *kind_by_name(const char *name)
{
    for (size_t i = 0; i < kind_count(); i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

const kind_t *kind_by_tag(unsigned tag)
{
    for (size_t i = 0; i < kind_count(); i++)
        if (kinds[i].tag == tag)
            return &kinds[i];
    return NULL;
}

// Asked for each text of each record: most rules are passed over by a look at two letters.
static bool rule_is_of(const rule_t *rule, const char *kind, const char *field)
{
    return rule->kind[0] == kind[0] && rule->field[0] == field[0] &&
           strcmp(rule->kind, kind) == 0 && strcmp(rule->field, field) == 0;
}

static const rule_t *rule_of(const char *kind, const char *field)
{
    static const rule_t none = {"", "", NULL, NULL, FORMAT_FREE};
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rule_is_of(&rules[i], kind, field))
            return &rules[i];
    return &none;
}

// Whether `word` is one of the words of a list that ", " separates.
static bool listed(const char *list, const char *word)
{
    size_t size = strlen(word);
    for (const char *at = list; size > 0 && (at = strstr(at, word)); at += size) {
        bool starts = at == list || at[-1] == ' ';
        bool ends = at[size] == '\0' || at[size] == ',';
        if (starts && ends)
            return true;
    }
    return false;
}

bool kind_ref_allowed(const char *kind, const char *field, const char *target)
{
    const char *targets = kind_ref_targets(kind, field);
    return !targets || listed(targets, target);
}

const char *kind_ref_targets(const char *kind, const char *field)
{
    return rule_of(kind, field)->targets;
}

const char *kind_code_scheme(const char *kind, const char *field)
{
    return rule_of(kind, field)->scheme;
}

format_t kind_format(const char *kind, const char *field)
{
    return rule_of(kind, field)->format;
}

// LABEL_COUNT where there is no such label.
static size_t label_index(const char *label)
{
    size_t index = 0;
    while (index < LABEL_COUNT && (!label || strcmp(labels[index], label) != 0))
        index++;
    return index;
}

bool label_valid(const char *label)
{
    return label_index(label) < LABEL_COUNT;
}

unsigned label_rank(const char *label)
{
    size_t index = label_index(label);
    return (unsigned)(index < LABEL_COUNT ? index : LABEL_STRICTEST);
}

const char *label_effective(const char *label)
{
    return labels[label_rank(label)];
}
