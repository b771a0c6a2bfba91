// jansson takes some 150 instructions a byte. What is read here is the form in which nearly
// every line of an import comes, and nothing is refused: where something is not that form
// the reader stops, and jansson reads it from the start. Grammar: RFC 8259.
#include "lib/json_scan.h"

#include <string.h>

#include "lib/bounded.h"
#include "lib/record_json.h"

enum { MEMBERS_MAX = 4096, DIGITS_MAX = 18 };

typedef struct {
    const char *at, *end;
    unsigned depth, members;
} scanner_t;

static json_t *scan_value(scanner_t *scanner);

static void skip_blanks(scanner_t *scanner)
{
    while (scanner->at < scanner->end && strchr(" \t\r\n", *scanner->at) && *scanner->at)
        scanner->at++;
}

static bool take(scanner_t *scanner, char wanted)
{
    skip_blanks(scanner);
    if (scanner->at == scanner->end || *scanner->at != wanted)
        return false;
    scanner->at++;
    return true;
}

static bool take_text(scanner_t *scanner, span_t *text)
{
    if (!take(scanner, '"'))
        return false;
    const char *start = scanner->at;
    unsigned char all = 0;
    for (; scanner->at < scanner->end; scanner->at++) {
        unsigned char byte = (unsigned char)*scanner->at;
        if (byte == '"' || byte == '\\' || byte < ' ')
            break;
        all |= byte;
    }
    *text = span_of(start, (size_t)(scanner->at - start));
    if (scanner->at == scanner->end || *scanner->at++ != '"')
        return false;
    return all < 0x80 || utf8_valid(*text);
}

static json_t *scan_text(scanner_t *scanner)
{
    span_t text;
    return take_text(scanner, &text) ? json_stringn_nocheck((const char *)text.data, text.size)
                                     : NULL;
}

// Up to 18 digits, which cannot overflow; what would make it a fraction ends it elsewhere.
static json_t *scan_number(scanner_t *scanner)
{
    json_int_t number = 0;
    bool negative = take(scanner, '-');
    const char *start = scanner->at;
    for (; scanner->at < scanner->end && *scanner->at >= '0' && *scanner->at <= '9'; scanner->at++)
        if (scanner->at - start < DIGITS_MAX)
            number = number * 10 + (*scanner->at - '0');
    ptrdiff_t digits = scanner->at - start;
    bool ends = scanner->at < scanner->end && strchr(",]} \t\r\n", *scanner->at) && *scanner->at;
    if (digits == 0 || digits > DIGITS_MAX || (digits > 1 && *start == '0') || !ends)
        return NULL;
    return json_integer(negative ? -number : number);
}

static json_t *scan_word(scanner_t *scanner)
{
    static const struct {
        const char *text;
        json_t *(*make)(void);
    } words[] = {{"true", json_true}, {"false", json_false}, {"null", json_null}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t size = strlen(words[i].text);
        if ((size_t)(scanner->end - scanner->at) > size &&
            memcmp(scanner->at, words[i].text, size) == 0 &&
            strchr(",]} \t\r\n", scanner->at[size]) && scanner->at[size]) {
            scanner->at += size;
            return words[i].make();
        }
    }
    return NULL;
}

static bool scan_entry(scanner_t *scanner, json_t *list)
{
    json_t *value = scan_value(scanner);
    return value && json_array_append_new(list, value) == 0;
}

// A name that comes twice leaves the object as long as it was.
static bool scan_member(scanner_t *scanner, json_t *object)
{
    span_t name;
    size_t before = json_object_size(object);
    if (!take_text(scanner, &name) || !take(scanner, ':'))
        return false;
    json_t *value = scan_value(scanner);
    return value &&
           json_object_setn_new_nocheck(object, (const char *)name.data, name.size, value) == 0 &&
           json_object_size(object) == before + 1;
}

static bool scan_inside(scanner_t *scanner, json_t *whole, char end,
                        bool (*scan_one)(scanner_t *scanner, json_t *whole))
{
    if (take(scanner, end))
        return true;
    do {
        if (++scanner->members > MEMBERS_MAX || !scan_one(scanner, whole))
            return false;
    } while (take(scanner, ','));
    return take(scanner, end);
}

static json_t *scan_whole(scanner_t *scanner, bool object)
{
    json_t *whole = object ? json_object() : json_array();
    scanner->at++;
    scanner->depth++;
    if (!whole || scanner->depth > JSON_DEPTH_MAX ||
        !scan_inside(scanner, whole, object ? '}' : ']', object ? scan_member : scan_entry)) {
        json_decref(whole);
        return NULL;
    }
    scanner->depth--;
    return whole;
}

static json_t *scan_value(scanner_t *scanner)
{
    skip_blanks(scanner);
    char first = scanner->at < scanner->end ? *scanner->at : '\0';
    if (first == '"')
        return scan_text(scanner);
    if (first == '{' || first == '[')
        return scan_whole(scanner, first == '{');
    return first == '-' || (first >= '0' && first <= '9') ? scan_number(scanner)
                                                          : scan_word(scanner);
}

json_t *json_scan(const char *text, size_t size)
{
    scanner_t scanner = {.at = text, .end = text + size};
    skip_blanks(&scanner);
    if (scanner.at == scanner.end || *scanner.at != '{')
        return NULL;
    json_t *object = scan_whole(&scanner, true);
    skip_blanks(&scanner);
    if (object && scanner.at == scanner.end)
        return object;
    json_decref(object);
    return NULL;
}
