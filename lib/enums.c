#include "lib/enums.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static size_t prefix_size(const ProtobufCEnumDescriptor *type)
{
    static const char none[] = "UNSPECIFIED";
    const ProtobufCEnumValue *zero = protobuf_c_enum_descriptor_get_value(type, 0);
    assert(zero && strlen(zero->name) >= sizeof none - 1);
    return strlen(zero->name) - (sizeof none - 1);
}

const char *enum_name(const ProtobufCEnumDescriptor *type, int number)
{
    const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(type, number);
    return value && number != 0 ? value->name + prefix_size(type) : NULL;
}

bool enum_by_name(const ProtobufCEnumDescriptor *type, const char *name, int *number)
{
    size_t prefix = prefix_size(type);
    for (unsigned i = 0; i < type->n_values; i++) {
        if (type->values[i].value == 0 || strcmp(type->values[i].name + prefix, name) != 0)
            continue;
        *number = type->values[i].value;
        return true;
    }
    return false;
}

void enum_list(const ProtobufCEnumDescriptor *type, char *text, size_t size)
{
    size_t prefix = prefix_size(type), used = 0;
    text[0] = '\0';
    for (unsigned i = 0; i < type->n_values; i++) {
        const char *name = type->values[i].name + prefix;
        const char *comma = used > 0 ? ", " : "";
        if (type->values[i].value == 0)
            continue;
        if (used + strlen(comma) + strlen(name) + sizeof ", ..." > size) {
            snprintf(text + used, size - used, "%s", ", ...");
            return;
        }
        used += (size_t)snprintf(text + used, size - used, "%s%s", comma, name);
    }
}
