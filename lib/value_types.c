// The one table of value types that read better than as the plain objects that
// their descriptors make them: Text, Date, Ref, Money, Code.
#include <inttypes.h>
#include <string.h>

#include "lib/date.h"
#include "lib/fields.h"
#include "lib/mem.h"
#include "lib/text.h"
#include "lib/value.h"
#include "lib/vocabulary.h"

static const char *path_of(const site_t *site)
{
    return site->trail.path;
}

static bool same_text(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

// Every short form is a text, but that of Text, which is an object of languages.
static bool short_unless_object(const json_t *json)
{
    return !json_is_object(json);
}

// ---- Text ----

static bool text_is_short(const json_t *json)
{
    return !json_is_array(json_object_get(json, "entries")) && !json_object_get(json, JSON_UNKNOWN);
}

static err_t text_add(Enlace__V1__Text *text, const char *lang, const char *value,
                      const site_t *site, fault_t *fault)
{
    if (!lang || !lang_valid(lang))
        return fault_set(fault, ERR_BAD_LANGUAGE, path_of(site), "%s", lang ? lang : "");
    err_t err = string_check(value, site, fault);
    if (err == ERR_OK)
        text_set(text, lang, value);
    return err;
}

static err_t text_from_json(const json_t *json, const site_t *site, ProtobufCMessage *message,
                            fault_t *fault)
{
    Enlace__V1__Text *text = (Enlace__V1__Text *)message;
    if (json_is_string(json))
        return text_add(text, site->reading->lang, json_string_value(json), site, fault);
    if (!json_is_object(json))
        return fault_set(fault, ERR_WRONG_TYPE, path_of(site),
                         "a text, or an object of texts by language, belongs here");
    for (void *at = json_object_iter((json_t *)json); at;
         at = json_object_iter_next((json_t *)json, at)) {
        site_t here = *site;
        trail_name(&here.trail, json_object_iter_key(at));
        const json_t *value = json_object_iter_value(at);
        if (!json_is_string(value))
            return fault_set(fault, ERR_WRONG_TYPE, path_of(&here), "a text belongs here");
        err_t err =
            text_add(text, json_object_iter_key(at), json_string_value(value), &here, fault);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

static json_t *text_to_json(const ProtobufCMessage *message, const site_t *site)
{
    const Enlace__V1__Text *text = (const Enlace__V1__Text *)message;
    (void)site;
    if (!text_canonical(text))
        return NULL;
    json_t *object = json_sure(json_object());
    for (size_t i = 0; i < text->n_entries; i++)
        json_put(object, text->entries[i]->lang, json_string(text->entries[i]->text));
    return object;
}

// "es:Texto", "Texto" in the reader's language; "es:" takes that language out.
static err_t text_from_text(const char *given, const site_t *site, ProtobufCMessage *message,
                            fault_t *fault)
{
    Enlace__V1__Text *text = (Enlace__V1__Text *)message;
    size_t size = lang_prefix(given);
    if (size == 0)
        return text_add(text, site->reading->lang, given, site, fault);
    char lang[LANG_MAX + 1] = "";
    memcpy(lang, given, size);
    if (given[size + 1] != '\0' || !lang_valid(lang))
        return text_add(text, lang, given + size + 1, site, fault);
    text_drop(text, lang);
    return ERR_OK;
}

static char *text_to_text(const ProtobufCMessage *message, const char *lang)
{
    const char *text = text_pick((const Enlace__V1__Text *)message, lang);
    return mem_copy_string(text ? text : "");
}

static err_t text_matches(const char *wanted, const site_t *site, const ProtobufCMessage *message,
                          bool *matches, fault_t *fault)
{
    const Enlace__V1__Text *text = (const Enlace__V1__Text *)message;
    size_t size = lang_prefix(wanted);
    (void)site;
    (void)fault;
    for (size_t i = 0; text && i < text->n_entries && !*matches; i++) {
        const Enlace__V1__Text__Entry *entry = text->entries[i];
        bool in_lang = size > 0 && entry->lang && strlen(entry->lang) == size &&
                       memcmp(entry->lang, wanted, size) == 0;
        *matches = same_text(entry->text, wanted) ||
                   (in_lang && same_text(entry->text, wanted + size + 1));
    }
    return ERR_OK;
}

static err_t text_check(const ProtobufCMessage *message, const site_t *site, fault_t *fault)
{
    const Enlace__V1__Text *text = (const Enlace__V1__Text *)message;
    for (size_t i = 0; i < text->n_entries; i++) {
        const Enlace__V1__Text__Entry *entry = text->entries[i];
        if (!entry->lang || !lang_valid(entry->lang))
            return fault_set(fault, ERR_BAD_LANGUAGE, path_of(site), NULL);
        if (!entry->text || entry->text[0] == '\0')
            return fault_set(fault, ERR_BAD_VALUE, path_of(site), "nothing in language %s",
                             entry->lang);
        err_t err = string_check(entry->text, site, fault);
        if (err != ERR_OK)
            return err;
    }
    if (text->n_entries == 0 || !text_canonical(text))
        return fault_set(fault, ERR_BAD_VALUE, path_of(site),
                         "one text a language, and at least one, belongs here");
    return ERR_OK;
}

// ---- Date ----

static err_t date_from_text(const char *text, const site_t *site, ProtobufCMessage *message,
                            fault_t *fault)
{
    if (!date_parse(text, (Enlace__V1__Date *)message))
        return fault_set(fault, ERR_BAD_DATE, path_of(site), "%s", text);
    return ERR_OK;
}

static err_t date_from_json(const json_t *json, const site_t *site, ProtobufCMessage *message,
                            fault_t *fault)
{
    if (!json_is_string(json))
        return fault_set(fault, ERR_WRONG_TYPE, path_of(site), "a date as a text belongs here");
    return date_from_text(json_string_value(json), site, message, fault);
}

static char *date_to_text(const ProtobufCMessage *message, const char *lang)
{
    char text[DATE_TEXT];
    (void)lang;
    date_format((const Enlace__V1__Date *)message, text);
    return mem_copy_string(text);
}

static json_t *date_to_json(const ProtobufCMessage *message, const site_t *site)
{
    char text[DATE_TEXT];
    (void)site;
    date_format((const Enlace__V1__Date *)message, text);
    return text[0] && message->n_unknown_fields == 0 ? json_sure(json_string(text)) : NULL;
}

static err_t date_matches(const char *wanted, const site_t *site, const ProtobufCMessage *message,
                          bool *matches, fault_t *fault)
{
    Enlace__V1__Date outer = ENLACE__V1__DATE__INIT;
    if (!date_parse(wanted, &outer))
        return fault_set(fault, ERR_BAD_DATE, path_of(site), "%s", wanted);
    *matches = message && date_within((const Enlace__V1__Date *)message, &outer);
    return ERR_OK;
}

static err_t date_check(const ProtobufCMessage *message, const site_t *site, fault_t *fault)
{
    if (!date_valid((const Enlace__V1__Date *)message))
        return fault_set(fault, ERR_BAD_DATE, path_of(site), NULL);
    return ERR_OK;
}

// ---- Ref ----

// Whose a bare @key is may be for the reading to say: in a file of several nodes' records.
static err_t ref_from_text(const char *text, const site_t *site, ProtobufCMessage *message,
                           fault_t *fault)
{
    const json_reading_t *reading = site->reading;
    const char *owner = reading->own;
    fault_t inner = {0};
    if (text[0] == '@' && !strchr(text, ':') && reading->owner_of_key) {
        const char *other = reading->owner_of_key(reading->context, text + 1, &inner);
        if (inner.err != ERR_OK)
            return fault_set(fault, inner.err, path_of(site), "%s",
                             inner.detail[0] ? inner.detail : text);
        owner = other ? other : owner;
    }
    err_t err = ref_parse(text, owner, (Enlace__V1__Ref *)message);
    return err == ERR_OK ? ERR_OK : fault_set(fault, err, path_of(site), "%s", text);
}

static err_t ref_from_json(const json_t *json, const site_t *site, ProtobufCMessage *message,
                           fault_t *fault)
{
    if (!json_is_string(json))
        return fault_set(fault, ERR_WRONG_TYPE, path_of(site),
                         "a reference as a text belongs here");
    return ref_from_text(json_string_value(json), site, message, fault);
}

static char *ref_to_text(const ProtobufCMessage *message, const char *lang)
{
    (void)lang;
    return ref_format((const Enlace__V1__Ref *)message);
}

// The same value, whatever a later version may have added to either.
static bool ref_same(const Enlace__V1__Ref *a, const Enlace__V1__Ref *b)
{
    bool same_key = a->key ? same_text(a->key, b->key) : !b->key;
    return same_text(a->owner, b->owner) && same_key && a->has_epoch == b->has_epoch &&
           a->epoch == b->epoch && a->has_lane == b->has_lane && a->lane == b->lane &&
           a->has_number == b->has_number && a->number == b->number;
}

static bool ref_canonical(const Enlace__V1__Ref *ref)
{
    char *text = ref_format(ref);
    Enlace__V1__Ref *again = (Enlace__V1__Ref *)message_new(&enlace__v1__ref__descriptor);
    bool same = ref_parse(text, NULL, again) == ERR_OK && ref_same(again, ref);
    message_free(&again->base);
    mem_free(text);
    return same;
}

static json_t *ref_to_json(const ProtobufCMessage *message, const site_t *site)
{
    const Enlace__V1__Ref *ref = (const Enlace__V1__Ref *)message;
    (void)site;
    if (message->n_unknown_fields > 0 || !ref_canonical(ref))
        return NULL;
    char *text = ref_format(ref);
    json_t *json = json_sure(json_string(text));
    mem_free(text);
    return json;
}

static err_t ref_matches(const char *wanted, const site_t *site, const ProtobufCMessage *message,
                         bool *matches, fault_t *fault)
{
    Enlace__V1__Ref *other = (Enlace__V1__Ref *)message_new(&enlace__v1__ref__descriptor);
    err_t err = ref_from_text(wanted, site, &other->base, fault);
    *matches = err == ERR_OK && message && ref_same((const Enlace__V1__Ref *)message, other);
    message_free(&other->base);
    return err;
}

static err_t ref_check(const ProtobufCMessage *message, const site_t *site, fault_t *fault)
{
    if (!ref_canonical((const Enlace__V1__Ref *)message))
        return fault_set(fault, ERR_BAD_REF, path_of(site), NULL);
    return ERR_OK;
}

// ---- Money ----

static err_t money_from_text(const char *text, const site_t *site, ProtobufCMessage *message,
                             fault_t *fault)
{
    (void)text;
    (void)message;
    return fault_set(fault, ERR_BAD_MONEY, path_of(site),
                     "write %s.amount_minor=NUMBER and %s.currency=CODE", path_of(site),
                     path_of(site));
}

// "11000000.00 EUR", or the bare minor units where the currency says no more.
static char *money_to_text(const ProtobufCMessage *message, const char *lang)
{
    const Enlace__V1__Money *money = (const Enlace__V1__Money *)message;
    const char *currency = money->currency ? money->currency : "";
    const char *space = currency[0] ? " " : "";
    (void)lang;
    if (!money->has_amount_minor)
        return mem_copy_string(currency);
    uint64_t amount = (uint64_t)money->amount_minor, unit = 1;
    if (money->amount_minor < 0)
        amount = ~amount + 1;
    unsigned digits = currency_digits(currency);
    for (unsigned i = 0; i < digits; i++)
        unit *= 10;
    const char *sign = money->amount_minor < 0 ? "-" : "";
    if (digits == 0)
        return mem_format("%s%" PRIu64 "%s%s", sign, amount, space, currency);
    return mem_format("%s%" PRIu64 ".%0*" PRIu64 "%s%s", sign, amount / unit, (int)digits,
                      amount % unit, space, currency);
}

static err_t money_matches(const char *wanted, const site_t *site, const ProtobufCMessage *message,
                           bool *matches, fault_t *fault)
{
    char *text = message ? money_to_text(message, NULL) : NULL;
    (void)site;
    (void)fault;
    *matches = same_text(text, wanted);
    mem_free(text);
    return ERR_OK;
}

static err_t money_check(const ProtobufCMessage *message, const site_t *site, fault_t *fault)
{
    const Enlace__V1__Money *money = (const Enlace__V1__Money *)message;
    if (!money->has_amount_minor || !money->currency)
        return fault_set(fault, ERR_BAD_MONEY, path_of(site),
                         "both amount_minor and currency belong here");
    if (!currency_valid(money->currency))
        return fault_set(fault, ERR_BAD_MONEY, path_of(site), "no currency of ISO 4217: %s",
                         money->currency);
    if (money->amount_minor > JSON_INTEGER_MAX || money->amount_minor < -JSON_INTEGER_MAX)
        return fault_set(fault, ERR_NUMBER_RANGE, path_of(site), NULL);
    return ERR_OK;
}

// ---- Code ----

static const char *default_scheme(const site_t *site)
{
    return kind_code_scheme(site->kind, site->trail.field);
}

static err_t code_from_text(const char *text, const site_t *site, ProtobufCMessage *message,
                            fault_t *fault)
{
    Enlace__V1__Code *code = (Enlace__V1__Code *)message;
    const char *scheme = default_scheme(site);
    if (!scheme)
        return fault_set(fault, ERR_WRONG_TYPE, path_of(site),
                         "no scheme goes without saying here: give scheme and code");
    err_t err = string_check(text, site, fault);
    if (err != ERR_OK)
        return err;
    code->scheme = mem_copy_string(scheme);
    code->code = mem_copy_string(text);
    return ERR_OK;
}

static err_t code_from_json(const json_t *json, const site_t *site, ProtobufCMessage *message,
                            fault_t *fault)
{
    if (!json_is_string(json))
        return fault_set(fault, ERR_WRONG_TYPE, path_of(site), "a code as a text belongs here");
    return code_from_text(json_string_value(json), site, message, fault);
}

static json_t *code_to_json(const ProtobufCMessage *message, const site_t *site)
{
    const Enlace__V1__Code *code = (const Enlace__V1__Code *)message;
    bool is_short = message->n_unknown_fields == 0 && code->code && !code->version &&
                    same_text(code->scheme, default_scheme(site));
    return is_short ? json_sure(json_string(code->code)) : NULL;
}

static char *code_to_text(const ProtobufCMessage *message, const char *lang)
{
    const Enlace__V1__Code *code = (const Enlace__V1__Code *)message;
    (void)lang;
    return mem_copy_string(code->code ? code->code : "");
}

static err_t code_matches(const char *wanted, const site_t *site, const ProtobufCMessage *message,
                          bool *matches, fault_t *fault)
{
    const Enlace__V1__Code *code = (const Enlace__V1__Code *)message;
    (void)site;
    (void)fault;
    *matches = code && same_text(code->code, wanted);
    return ERR_OK;
}

// A code that claims no version is of the list as it is known here; one that
// names its version may be of a list that isn't.
static err_t code_check(const ProtobufCMessage *message, const site_t *site, fault_t *fault)
{
    const Enlace__V1__Code *code = (const Enlace__V1__Code *)message;
    if (!code->scheme || !scheme_valid(code->scheme))
        return fault_set(fault, ERR_BAD_VALUE, path_of(site), "a code without a scheme");
    if (!code->code || code->code[0] == '\0' || strlen(code->code) > VOCAB_CODE_MAX ||
        (code->version && strlen(code->version) > VOCAB_CODE_MAX))
        return fault_set(fault, ERR_BAD_VALUE, path_of(site),
                         "a code of 1 to %u bytes belongs here", VOCAB_CODE_MAX);
    if (!code->version && !scheme_has_code(code->scheme, code->code))
        return fault_set(fault, ERR_BAD_VALUE, path_of(site), "no code of %s: %s", code->scheme,
                         code->code);
    return ERR_OK;
}

// ---- the table ----

const value_type_t *value_type_of(const ProtobufCMessageDescriptor *type)
{
    static const value_type_t types[] = {
        {&enlace__v1__text__descriptor, false, text_is_short, text_from_json, text_to_json,
         text_from_text, text_to_text, text_matches, text_check},
        {&enlace__v1__date__descriptor, false, short_unless_object, date_from_json, date_to_json,
         date_from_text, date_to_text, date_matches, date_check},
        {&enlace__v1__ref__descriptor, false, short_unless_object, ref_from_json, ref_to_json,
         ref_from_text, ref_to_text, ref_matches, ref_check},
        {&enlace__v1__money__descriptor, true, NULL, NULL, NULL, money_from_text, money_to_text,
         money_matches, money_check},
        {&enlace__v1__code__descriptor, true, short_unless_object, code_from_json, code_to_json,
         code_from_text, code_to_text, code_matches, code_check},
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].type == type)
            return &types[i];
    return NULL;
}
