// Times and sizes for people and programs.
#ifndef ENLACE_CLIENT_WHEN_H
#define ENLACE_CLIENT_WHEN_H

#include <stdint.h>

#define WHEN_TEXT 40

// 2018-04-05T09:30:00.000Z (RFC 3339, UTC); empty for 0 and for what no calendar holds.
void when_format(uint64_t wall_ms, char text[WHEN_TEXT]);
// "350 ms", "12 s", "3 min 20 s", "5 h 12 min", "2 d 4 h".
void when_duration(uint64_t ms, char text[WHEN_TEXT]);
// "17 B", "4.2 kB", "1.5 GB".
void size_format(uint64_t bytes, char text[WHEN_TEXT]);

uint64_t when_now_ms(void);       // wall clock
uint64_t when_monotonic_ms(void); // for intervals

#endif
