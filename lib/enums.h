// Our own enums outside the schema: names without the prefix that C++ scoping
// forces on them. The prefix is read off value 0, which is <PREFIX>_UNSPECIFIED
// in every enum of the schema and is never a value that somebody gives.
#ifndef ENLACE_LIB_ENUMS_H
#define ENLACE_LIB_ENUMS_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

// NULL for a number that this version does not know, and for 0.
const char *enum_name(const ProtobufCEnumDescriptor *type, int number);
bool enum_by_name(const ProtobufCEnumDescriptor *type, const char *name, int *number);
// "MEMBER, OBSERVER, SUPPORT_AGENCY", as far as it fits.
void enum_list(const ProtobufCEnumDescriptor *type, char *text, size_t size);

#endif
