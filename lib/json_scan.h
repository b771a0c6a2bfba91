// One pass over JSON as programs write it: an object of objects, lists, texts without a
// backslash, whole numbers, true, false and null.
#ifndef ENLACE_LIB_JSON_SCAN_H
#define ENLACE_LIB_JSON_SCAN_H

#include <jansson.h>

// What json_parse makes of it, and within its bounds; NULL where it is anything else, good
// or bad: that is for the whole parser to say. New object.
json_t *json_scan(const char *text, size_t size);

#endif
