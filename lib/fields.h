// Fields of any message through its descriptor: how many values one holds,
// where they are kept, adding and removing them. A singular field holds none or
// one, a list any number.
//
// Invariants: everything a message holds comes from the system allocator (as
// protobuf-c's default and lib/mem.h both do), so that what was unpacked can be
// changed here and freed with the rest. Not for members of a oneof: lib/record.h
// deals with the only one there is.
#ifndef ENLACE_LIB_FIELDS_H
#define ENLACE_LIB_FIELDS_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

// NULL where the type has no such field; members of a oneof are not found.
const ProtobufCFieldDescriptor *field_named(const ProtobufCMessageDescriptor *type,
                                            const char *name, size_t size);
bool field_is_list(const ProtobufCFieldDescriptor *field);
bool field_in_oneof(const ProtobufCFieldDescriptor *field);

size_t field_count(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);
// Where value number `index` (from 0) is kept: a char **, ProtobufCMessage **,
// ProtobufCBinaryData * or number, by the field's type.
void *field_value(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                  size_t index);
// Appends to a list, or sets a singular field in place of what it held; gives
// where the value is kept: an initialised message, NULL for a text, 0 for a number.
void *field_add(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);
// Puts a fresh value, as field_add makes it, in place of value number `index`.
void *field_renew(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, size_t index);
void field_clear(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);
// Takes one value out of a list; later ones move up.
void field_remove(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, size_t index);

// A new message of a type, to be freed with message_free.
ProtobufCMessage *message_new(const ProtobufCMessageDescriptor *type);
void message_free(ProtobufCMessage *message);           // NULL allowed
bool message_is_empty(const ProtobufCMessage *message); // no field, no unknown one either

#endif
