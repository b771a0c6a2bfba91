// Output for programs: JSON, one object a line, and CSV by RFC 4180.
#ifndef ENLACE_CLIENT_OUTPUT_H
#define ENLACE_CLIENT_OUTPUT_H

#include <jansson.h>
#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdio.h>

// One line. Control characters that JSON allows as they are, but a terminal
// would obey (DEL, U+0080 to U+009F), are written as escapes.
void output_json(FILE *out, const json_t *object);

// A field of a CSV line, quoted where it must be; `first` in its line or not. On a
// terminal control characters are replaced.
void output_csv(FILE *out, const char *text, bool first);
void output_csv_end(FILE *out);

// Any control message as an object, through its descriptor: bytes as hex, absent
// fields left out, lists always there. New object.
json_t *output_message(const ProtobufCMessage *message);

#endif
