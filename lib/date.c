#include "lib/date.h"

#include <stdio.h>
#include <string.h>

static uint32_t days_in_month(uint32_t year, uint32_t month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29u : days[month - 1];
}

bool date_valid(const Enlace__V1__Date *date)
{
    if (!date->has_year || date->year < 1 || date->year > 9999)
        return false;
    if (!date->has_month)
        return !date->has_day;
    if (date->month < 1 || date->month > 12)
        return false;
    return !date->has_day ||
           (date->day >= 1 && date->day <= days_in_month(date->year, date->month));
}

static bool digits(const char *text, size_t count, uint32_t *number)
{
    *number = 0;
    for (size_t i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        *number = *number * 10 + (uint32_t)(text[i] - '0');
    }
    return true;
}

bool date_parse(const char *text, Enlace__V1__Date *date)
{
    Enlace__V1__Date parsed = ENLACE__V1__DATE__INIT;
    size_t size = strnlen(text, DATE_TEXT);
    if (size != 4 && size != 7 && size != 10)
        return false;
    parsed.has_year = 1;
    parsed.has_month = size >= 7;
    parsed.has_day = size == 10;
    if (!digits(text, 4, &parsed.year) ||
        (parsed.has_month && (text[4] != '-' || !digits(text + 5, 2, &parsed.month))) ||
        (parsed.has_day && (text[7] != '-' || !digits(text + 8, 2, &parsed.day))) ||
        !date_valid(&parsed))
        return false;
    date->has_year = parsed.has_year;
    date->year = parsed.year;
    date->has_month = parsed.has_month;
    date->month = parsed.month;
    date->has_day = parsed.has_day;
    date->day = parsed.day;
    return true;
}

void date_format(const Enlace__V1__Date *date, char text[DATE_TEXT])
{
    text[0] = '\0';
    if (!date_valid(date))
        return;
    // The remainders only tell the compiler what date_valid has made sure of.
    int used = snprintf(text, DATE_TEXT, "%04u", date->year % 10000);
    if (date->has_month)
        used += snprintf(text + used, DATE_TEXT - (size_t)used, "-%02u", date->month % 100);
    if (date->has_day)
        snprintf(text + used, DATE_TEXT - (size_t)used, "-%02u", date->day % 100);
}

uint32_t date_first_day(const Enlace__V1__Date *date)
{
    if (!date_valid(date))
        return 0;
    uint32_t month = date->has_month ? date->month : 1;
    uint32_t day = date->has_day ? date->day : 1;
    return date->year * 10000 + month * 100 + day;
}

uint32_t date_last_day(const Enlace__V1__Date *date)
{
    if (!date_valid(date))
        return 0;
    uint32_t month = date->has_month ? date->month : 12;
    uint32_t day = date->has_day ? date->day : days_in_month(date->year, month);
    return date->year * 10000 + month * 100 + day;
}

bool date_within(const Enlace__V1__Date *inner, const Enlace__V1__Date *outer)
{
    return date_valid(inner) && date_valid(outer) &&
           date_first_day(inner) >= date_first_day(outer) &&
           date_last_day(inner) <= date_last_day(outer);
}
