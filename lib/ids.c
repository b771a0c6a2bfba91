#include "lib/ids.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// Length of the code at the start of text, 0 where there is none. Not isupper():
// the locale has no say in what a code is.
static size_t code_length(const char *text)
{
    if (!is_upper(text[0]))
        return 0;
    size_t length = 1;
    while (is_upper(text[length]) || is_digit(text[length]) || text[length] == '-')
        if (++length > CODE_MAX)
            return 0;
    return length >= 2 ? length : 0;
}

bool code_valid(const char *text)
{
    size_t length = text ? code_length(text) : 0;
    return length > 0 && text[length] == '\0';
}

bool code_parse(const char *text, code_t *code)
{
    if (!code_valid(text))
        return false;
    *code = (code_t){{0}};
    memcpy(code->text, text, strlen(text));
    return true;
}

bool origin_equal(const origin_t *a, const origin_t *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

int origin_compare(const origin_t *a, const origin_t *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

bool hash_equal(const hash_t *a, const hash_t *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

bool key_equal(const pubkey_t *a, const pubkey_t *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

static int order(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

int feed_compare(const feed_t *a, const feed_t *b)
{
    int by_origin = origin_compare(&a->origin, &b->origin);
    if (by_origin)
        return by_origin;
    int by_epoch = order(a->epoch, b->epoch);
    return by_epoch ? by_epoch : order(a->lane, b->lane);
}

bool feed_equal(const feed_t *a, const feed_t *b)
{
    return feed_compare(a, b) == 0;
}

int position_compare(position_t a, position_t b)
{
    int by_epoch = order(a.epoch, b.epoch);
    if (by_epoch)
        return by_epoch;
    int by_lane = order(a.lane, b.lane);
    return by_lane ? by_lane : order(a.number, b.number);
}

bool position_equal(position_t a, position_t b)
{
    return position_compare(a, b) == 0;
}

// Reads digits up to the first other character; *text is left there. One form a
// number: no sign, no leading zero.
static err_t parse_number(const char **text, uint64_t least, uint64_t most, uint64_t *number)
{
    const char *at = *text;
    if (!is_digit(*at) || (*at == '0' && is_digit(at[1])))
        return ERR_BAD_REF;
    uint64_t value = 0;
    for (; is_digit(*at); at++) {
        value = value * 10 + (uint64_t)(*at - '0');
        if (value > most)
            return ERR_NUMBER_RANGE; // before it can overflow
    }
    if (value < least)
        return ERR_NUMBER_RANGE;
    *number = value;
    *text = at;
    return ERR_OK;
}

// The part after `mark`, where there is one.
static err_t parse_part(const char **text, char mark, uint64_t least, uint64_t most,
                        uint64_t *number)
{
    if (**text != mark)
        return ERR_OK;
    ++*text;
    return parse_number(text, least, most, number);
}

err_t record_id_parse(const char *text, code_t *owner, position_t *position)
{
    size_t length = text ? code_length(text) : 0;
    if (length == 0)
        return ERR_BAD_REF;
    const char *at = text + length;
    uint64_t epoch = 1;
    uint64_t lane = LANE_COALITION;
    uint64_t number = 0;
    err_t err = parse_part(&at, '.', 1, EPOCH_MAX, &epoch);
    if (!err)
        err = parse_part(&at, '/', 0, LANE_MAX, &lane);
    if (!err)
        err = *at == ':' ? parse_part(&at, ':', 1, NUMBER_MAX, &number) : ERR_BAD_REF;
    if (err || *at)
        return err ? err : ERR_BAD_REF;
    *owner = (code_t){{0}};
    memcpy(owner->text, text, length);
    *position = (position_t){(uint32_t)epoch, (uint32_t)lane, number};
    return ERR_OK;
}

void record_id_format(const char *owner, position_t position, char text[RECORD_ID_TEXT])
{
    char epoch[16] = "";
    char lane[16] = "";
    if (position.epoch != 1)
        snprintf(epoch, sizeof epoch, ".%" PRIu32, position.epoch);
    if (position.lane != LANE_COALITION)
        snprintf(lane, sizeof lane, "/%" PRIu32, position.lane);
    snprintf(text, RECORD_ID_TEXT, "%.*s%s%s:%" PRIu64, CODE_MAX, owner, epoch, lane,
             position.number);
}

void hex_format(const uint8_t *bytes, size_t size, char *text)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        *text++ = digits[bytes[i] >> 4];
        *text++ = digits[bytes[i] & 15];
    }
    *text = '\0';
}

static int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool hex_parse(const char *text, uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++, text += 2) {
        int high = hex_value(text[0]);
        int low = high < 0 ? -1 : hex_value(text[1]);
        if (low < 0)
            return false;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return *text == '\0';
}
