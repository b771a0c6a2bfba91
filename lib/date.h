// Dates that may be partial: a year, a month of a year, or a day. Years run from
// 1 to 9999, days follow the Gregorian calendar. A partial date sorts by its
// first day and is overdue only after its last.
#ifndef ENLACE_LIB_DATE_H
#define ENLACE_LIB_DATE_H

#include <stdbool.h>
#include <stdint.h>

#include "enlace/v1/types.pb-c.h"

#define DATE_TEXT 11 // "2018-04-05" and its NUL

bool date_valid(const Enlace__V1__Date *date);
// "2018", "2018-04", "2018-04-05" and nothing else, into an initialised message
// (changed on success only).
bool date_parse(const char *text, Enlace__V1__Date *date);
// Of a valid date; of another one, the empty text.
void date_format(const Enlace__V1__Date *date, char text[DATE_TEXT]);

// Of a valid date, as year * 10000 + month * 100 + day; 0 of another one.
uint32_t date_first_day(const Enlace__V1__Date *date);
uint32_t date_last_day(const Enlace__V1__Date *date);
// Whether all of `inner` lies within `outer`: 2018-04-05 in 2018-04 and in 2018.
bool date_within(const Enlace__V1__Date *inner, const Enlace__V1__Date *outer);

#endif
