#include "client/plain.h"

#include <stdint.h>
#include <string.h>
#include <wchar.h>

#include "lib/bytes.h"
#include "lib/mem.h"

enum { REPLACEMENT = 0xfffd };
#define REPLACEMENT_UTF8 "\xef\xbf\xbd"
#define ELLIPSIS_UTF8    "\xe2\x80\xa6"

// One character by RFC 3629. *size is at least 1; what is not UTF-8 is
// REPLACEMENT, a byte at a time.
static uint32_t decode(const char *text, size_t *size)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *at = (const unsigned char *)text;
    *size = 1;
    if (at[0] < 0x80)
        return at[0];
    size_t length = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : at[0] >= 0xc2 ? 2 : 0;
    if (!length || at[0] > 0xf4)
        return REPLACEMENT;
    uint32_t value = at[0] & (0xffu >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80) // also the NUL at the end
            return REPLACEMENT;
        value = value << 6 | (at[i] & 0x3fu);
    }
    if (value < least[length] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
        return REPLACEMENT;
    *size = length;
    return value;
}

static bool is_control(uint32_t value)
{
    return value < 0x20 || (value >= 0x7f && value < 0xa0) || value == 0x2028 || value == 0x2029;
}

static bool is_bidi_control(uint32_t value)
{
    return value == 0x200e || value == 0x200f || value == 0x061c ||
           (value >= 0x202a && value <= 0x202e) || (value >= 0x2066 && value <= 0x2069);
}

static char *make_plain(const char *text, bool keep_newlines)
{
    buf_t plain = {0};
    size_t size = 0;
    for (const char *at = text ? text : ""; *at; at += size) {
        uint32_t value = decode(at, &size);
        if (value == '\n' && keep_newlines)
            buf_append(&plain, span_text("\n"));
        else if (value == '\n' || value == '\t')
            buf_append(&plain, span_text(" "));
        else if (is_control(value) || (value == REPLACEMENT && size == 1))
            buf_append(&plain, span_text(REPLACEMENT_UTF8));
        else if (!is_bidi_control(value))
            buf_append(&plain, span_of(at, size));
    }
    buf_append(&plain, span_of("", 1));
    return (char *)plain.data;
}

char *plain_line(const char *text)
{
    return make_plain(text, false);
}

char *plain_lines(const char *text)
{
    return make_plain(text, true);
}

static size_t columns_of(uint32_t value)
{
    int width = wcwidth((wchar_t)value);
    return width < 0 ? 1 : (size_t)width;
}

size_t plain_width(const char *line)
{
    size_t columns = 0, size = 0;
    for (const char *at = line; *at; at += size)
        columns += columns_of(decode(at, &size));
    return columns;
}

size_t plain_fit(const char *line, size_t columns)
{
    size_t used = 0, size = 0;
    const char *at = line;
    for (; *at; at += size) {
        used += columns_of(decode(at, &size));
        if (used > columns)
            break;
    }
    return (size_t)(at - line);
}

char *plain_cut(const char *line, size_t columns)
{
    size_t whole = plain_fit(line, columns);
    if (!line[whole])
        return mem_copy_string(line);
    size_t kept = columns ? plain_fit(line, columns - 1) : 0;
    return mem_format("%.*s%s", (int)kept, line, columns ? ELLIPSIS_UTF8 : "");
}
