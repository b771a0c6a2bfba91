#include "daemon/search/facet.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/date.h"
#include "lib/fields.h"
#include "lib/mem.h"
#include "lib/record_walk.h"
#include "lib/text.h"

// ---- tokens ----

#define PRIME UINT64_C(0x100000001b3)

// FNV-1a (Fowler, Noll, Vo), 64 bits: who makes two values collide has records looked at in vain.
static uint64_t hash_on(uint64_t hash, const char *text)
{
    do
        hash = (hash ^ (uint8_t)*text) * PRIME;
    while (*text++); // with its NUL: "a" "bc" is not "ab" "c"
    return hash;
}

static uint64_t hash_number(uint64_t hash, uint64_t number)
{
    for (unsigned i = 0; i < 8; i++, number >>= 8)
        hash = (hash ^ (number & 0xff)) * PRIME;
    return hash;
}

static uint64_t hash_value(const char *field, const char *value)
{
    return hash_on(hash_on(UINT64_C(0xcbf29ce484222325), field), value);
}

void facet_token(uint64_t value, scope_t scope, char token[FACET_SIZE])
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuv";
    uint64_t hash = hash_number(hash_number(value, scope.kind), (uint64_t)scope.feed);
    hash ^= hash >> 40;
    token[0] = '=';
    for (size_t i = 1; i + 1 < FACET_SIZE; i++, hash >>= 5)
        token[i] = digits[hash & 31];
    token[FACET_SIZE - 1] = '\0';
}

void place_of_kind(unsigned kind, char token[PLACE_SIZE])
{
    snprintf(token, PLACE_SIZE, "@k%u", kind);
}

void place_of_owner(int64_t origin, char token[PLACE_SIZE])
{
    snprintf(token, PLACE_SIZE, "@o%" PRId64, origin);
}

// ---- of a record ----

typedef struct {
    scope_t scope;
    tokens_t *tokens;
} facets_t;

static void add(const facets_t *to, const char *field, const char *value)
{
    char token[FACET_SIZE];
    facet_token(hash_value(field, value), to->scope, token);
    tokens_add(to->tokens, span_text(token));
}

static void add_text(const facets_t *to, const char *field, const Enlace__V1__Text *text)
{
    for (size_t i = 0; i < text->n_entries; i++)
        if (text->entries[i]->text)
            add(to, field, text->entries[i]->text);
}

enum { YEAR_TEXT = 4, MONTH_TEXT = 7 };

// A date lies within its year and, where it says one, its month: nothing wider is asked for.
static void add_date(const facets_t *to, const char *field, const Enlace__V1__Date *date)
{
    char text[DATE_TEXT];
    date_format(date, text);
    static const size_t sizes[] = {MONTH_TEXT, YEAR_TEXT};
    for (size_t i = 0; i < 2; i++)
        if (strlen(text) >= sizes[i]) {
            text[sizes[i]] = '\0';
            add(to, field, text);
        }
}

static void add_message(const facets_t *to, const char *field, const ProtobufCMessage *message)
{
    const value_type_t *type = value_type_of(message->descriptor);
    if (message->descriptor == &enlace__v1__text__descriptor) {
        add_text(to, field, (const Enlace__V1__Text *)message);
    } else if (message->descriptor == &enlace__v1__date__descriptor) {
        add_date(to, field, (const Enlace__V1__Date *)message);
    } else if (type) {
        char *text = type->to_text(message, NULL);
        add(to, field, text);
        mem_free(text);
    }
}

static err_t visit(void *context, const visit_t *visit, fault_t *fault)
{
    const facets_t *to = context;
    const char *field = visit->site->trail.field;
    (void)fault;
    if (strcmp(field, "label") == 0)
        return ERR_OK;
    if (visit->field->type == PROTOBUF_C_TYPE_MESSAGE) {
        add_message(to, field, *(ProtobufCMessage *const *)visit->value);
        return ERR_OK;
    }
    char *text = scalar_to_text(visit->field, visit->value);
    add(to, field, text);
    mem_free(text);
    return ERR_OK;
}

void facet_record(const record_t *record, scope_t scope, tokens_t *tokens)
{
    facets_t to = {scope, tokens};
    add(&to, "label", label_effective(record->label));
    record_walk(record, visit, &to, NULL);
}

// ---- of a filter ----

// attendance.1.organisation is attendance.organisation: places do not narrow.
static bool without_places(const char *path, char field[TRAIL_TEXT])
{
    size_t used = 0;
    for (const char *at = path; *at;) {
        size_t size = strcspn(at, ".");
        bool place = size > 0 && at[0] >= '0' && at[0] <= '9';
        if (!place && used + size + 2 > TRAIL_TEXT)
            return false;
        if (!place && used)
            field[used++] = '.';
        if (!place)
            memcpy(field + used, at, size);
        used += place ? 0 : size;
        at += size + (at[size] == '.');
    }
    field[used] = '\0';
    return used > 0;
}

// NULL where the path leads into a value, or nowhere.
static const ProtobufCFieldDescriptor *find_field(const kind_t *kind, const char *path)
{
    const ProtobufCFieldDescriptor *field = NULL;
    record_t *record = record_new(kind);
    for (const char *at = path; *at;) {
        size_t size = strcspn(at, ".");
        const ProtobufCMessageDescriptor *type = NULL;
        ProtobufCMessage *ignored;
        if (field && field->type == PROTOBUF_C_TYPE_MESSAGE && !value_type_of(field->descriptor))
            type = field->descriptor;
        if (at == path)
            field = record_field(record, at, size, &ignored);
        else
            field = type ? field_named(type, at, size) : NULL;
        if (!field)
            break;
        at += size + (at[size] == '.');
    }
    record_destroy(&record);
    return field;
}

static void ask(facet_t *facet, const char *field, const char *value)
{
    facet->values[facet->count++] = hash_value(field, value);
}

// "es:Texto" may be a text in Spanish, and a text that begins so.
static void ask_text(facet_t *facet, const char *field, const char *value)
{
    size_t lang = lang_prefix(value);
    ask(facet, field, value);
    if (lang)
        ask(facet, field, value + lang + 1);
}

static void ask_date(facet_t *facet, const char *field, const char *value)
{
    char text[MONTH_TEXT + 1] = "";
    strncpy(text, value, strlen(value) >= MONTH_TEXT ? MONTH_TEXT : YEAR_TEXT);
    ask(facet, field, text);
}

// As ref_matches reads it.
static void ask_ref(facet_t *facet, const char *field, const char *value, const char *own)
{
    Enlace__V1__Ref *ref = (Enlace__V1__Ref *)message_new(&enlace__v1__ref__descriptor);
    if (ref_parse(value, own, ref) == ERR_OK) {
        char *text = ref_format(ref);
        ask(facet, field, text);
        mem_free(text);
    }
    message_free(&ref->base);
}

void facet_filter(const kind_t *kind, const char *field, const char *value,
                  const json_reading_t *reading, facet_t *facet)
{
    char plain[TRAIL_TEXT];
    *facet = (facet_t){0};
    if (!value[0] || !without_places(field, plain))
        return;
    if (strcmp(field, "label") == 0) {
        ask(facet, field, value);
        return;
    }
    const ProtobufCFieldDescriptor *found = find_field(kind, plain);
    if (!found)
        return;
    const ProtobufCMessageDescriptor *type =
        found->type == PROTOBUF_C_TYPE_MESSAGE ? found->descriptor : NULL;
    if (type == &enlace__v1__text__descriptor)
        ask_text(facet, plain, value);
    else if (type == &enlace__v1__date__descriptor)
        ask_date(facet, plain, value);
    else if (type == &enlace__v1__ref__descriptor)
        ask_ref(facet, plain, value, reading->own);
    else if (!type || value_type_of(type))
        ask(facet, plain, value);
}
