#include "tests/fuzz/wire_tree.h"

#include <string.h>

#include "enlace/v1/commit.pb-c.h"
#include "enlace/v1/control.pb-c.h"
#include "enlace/v1/link.pb-c.h"
#include "enlace/v1/membership.pb-c.h"
#include "enlace/v1/records.pb-c.h"
#include "lib/mem.h"

enum { DEPTH_MAX = 12 };

typedef struct {
    const uint8_t *at, *end;
} cursor_t;

// Bytes fields that hold an encoded message.
static const struct {
    const ProtobufCMessageDescriptor *outer;
    uint32_t tag;
    const ProtobufCMessageDescriptor *inner;
} hidden[] = {
    {&enlace__v1__signed_card__descriptor, 1, &enlace__v1__card__descriptor},
    {&enlace__v1__signed_roster__descriptor, 1, &enlace__v1__roster__descriptor},
    {&enlace__v1__signed_beacon__descriptor, 1, &enlace__v1__beacon__descriptor},
    {&enlace__v1__commit__descriptor, 1, &enlace__v1__commit_header__descriptor},
    {&enlace__v1__payload__descriptor, 3, &enlace__v1__record__descriptor},
    {&enlace__v1__run_part__descriptor, 5, &enlace__v1__run__descriptor},
    {&enlace__v1__record_view__descriptor, 10, &enlace__v1__record__descriptor},
    {&enlace__v1__epoch_request__descriptor, 1, &enlace__v1__signed_card__descriptor},
    {&enlace__v1__epoch_reply__descriptor, 2, &enlace__v1__signed_card__descriptor},
};

static const ProtobufCMessageDescriptor *type_of(const ProtobufCMessageDescriptor *outer,
                                                 uint32_t tag)
{
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
        if (hidden[i].outer == outer && hidden[i].tag == tag)
            return hidden[i].inner;
    const ProtobufCFieldDescriptor *field =
        outer ? protobuf_c_message_descriptor_get_field(outer, tag) : NULL;
    return field && field->type == PROTOBUF_C_TYPE_MESSAGE ? field->descriptor : NULL;
}

bool wire_tree_place(const wire_node_t *parent, wire_node_t *child)
{
    child->type = type_of(parent->type, child->tag);
    child->fields = NULL;
    for (const fuzz_field_t *field = parent->fields; field && field->tag; field++)
        if (field->tag == child->tag) {
            child->type = field->type;
            child->fields = field->fields;
        }
    return child->type || child->fields;
}

// ---- parsing ----

static bool take_varint(cursor_t *cursor, uint64_t *number)
{
    *number = 0;
    for (unsigned shift = 0; shift < 64 && cursor->at < cursor->end; shift += 7) {
        uint8_t byte = *cursor->at++;
        *number |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

static bool take_bytes(cursor_t *cursor, uint64_t size, span_t *bytes)
{
    if (size > (uint64_t)(cursor->end - cursor->at))
        return false;
    *bytes = span_of(cursor->at, (size_t)size);
    cursor->at += size;
    return true;
}

static bool take_value(cursor_t *cursor, wire_node_t *node, span_t *bytes)
{
    uint64_t size = 0;
    switch (node->wire) {
    case PROTOBUF_C_WIRE_TYPE_VARINT:
        return take_varint(cursor, &node->number);
    case PROTOBUF_C_WIRE_TYPE_64BIT:
        return take_bytes(cursor, 8, bytes);
    case PROTOBUF_C_WIRE_TYPE_32BIT:
        return take_bytes(cursor, 4, bytes);
    case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
        return take_varint(cursor, &size) && take_bytes(cursor, size, bytes);
    default:
        return false;
    }
}

static void parse_node(wire_node_t *node, span_t bytes, unsigned depth);

static bool parse_children(wire_node_t *node, span_t bytes, unsigned depth)
{
    cursor_t cursor = {bytes.data, bytes.data + bytes.size};
    while (cursor.at < cursor.end) {
        wire_node_t child = {0};
        uint64_t key = 0;
        span_t value = {0};
        if (!take_varint(&cursor, &key) || key >> 3 == 0 || key >> 3 > UINT32_MAX)
            return false;
        child.tag = (uint32_t)(key >> 3);
        child.wire = (unsigned)(key & 7);
        if (!take_value(&cursor, &child, &value))
            return false;
        if (wire_tree_place(node, &child) && child.wire == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
            parse_node(&child, value, depth + 1);
        else if (child.wire != PROTOBUF_C_WIRE_TYPE_VARINT)
            child.bytes = buf_copy(value);
        wire_tree_add(node, &child);
    }
    return true;
}

static void parse_node(wire_node_t *node, span_t bytes, unsigned depth)
{
    node->message = bytes.size == 0 || (depth < DEPTH_MAX && parse_children(node, bytes, depth));
    if (node->message)
        return;
    while (node->count > 0)
        wire_tree_remove(node, node->count - 1);
    node->bytes = buf_copy(bytes);
}

void wire_tree_parse(wire_node_t *root, const ProtobufCMessageDescriptor *type,
                     const fuzz_field_t *fields, span_t bytes)
{
    *root =
        (wire_node_t){.wire = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED, .type = type, .fields = fields};
    parse_node(root, bytes, 0);
}

// ---- printing ----

static void put_varint(buf_t *bytes, uint64_t number)
{
    for (; number >= 0x80; number >>= 7)
        *buf_extend(bytes, 1) = (uint8_t)(number | 0x80);
    *buf_extend(bytes, 1) = (uint8_t)number;
}

static void print_child(const wire_node_t *node, buf_t *bytes)
{
    put_varint(bytes, (uint64_t)node->tag << 3 | node->wire);
    if (node->wire == PROTOBUF_C_WIRE_TYPE_VARINT) {
        put_varint(bytes, node->number);
    } else if (node->wire == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED) {
        buf_t inner = {0};
        wire_tree_print(node, &inner);
        put_varint(bytes, inner.size);
        buf_append(bytes, buf_span(&inner));
        buf_free(&inner);
    } else {
        buf_append(bytes, buf_span(&node->bytes));
    }
}

void wire_tree_print(const wire_node_t *node, buf_t *bytes)
{
    if (!node->message)
        buf_append(bytes, buf_span(&node->bytes));
    for (size_t i = 0; i < node->count; i++)
        print_child(&node->children[i], bytes);
}

// ---- changing ----

wire_node_t *wire_tree_child(wire_node_t *node, uint32_t tag)
{
    for (size_t i = 0; i < node->count; i++)
        if (node->children[i].tag == tag)
            return &node->children[i];
    return NULL;
}

wire_node_t *wire_tree_add(wire_node_t *parent, const wire_node_t *child)
{
    mem_grow(&parent->children, &parent->capacity, parent->count, sizeof *parent->children);
    parent->children[parent->count] = *child;
    return &parent->children[parent->count++];
}

void wire_tree_remove(wire_node_t *parent, size_t index)
{
    wire_tree_clear(&parent->children[index]);
    parent->count--;
    memmove(&parent->children[index], &parent->children[index + 1],
            (parent->count - index) * sizeof *parent->children);
}

void wire_tree_set_bytes(wire_node_t *leaf, span_t bytes)
{
    wire_node_t fresh = {
        .tag = leaf->tag, .wire = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED, .bytes = buf_copy(bytes)};
    wire_tree_clear(leaf);
    *leaf = fresh;
}

void wire_tree_clear(wire_node_t *node)
{
    for (size_t i = 0; i < node->count; i++)
        wire_tree_clear(&node->children[i]);
    mem_free(node->children);
    buf_free(&node->bytes);
    *node = (wire_node_t){0};
}

void wire_tree_copy(const wire_node_t *node, wire_node_t *copy)
{
    *copy = *node;
    copy->bytes = buf_copy(buf_span(&node->bytes));
    copy->children = NULL;
    copy->count = copy->capacity = 0;
    for (size_t i = 0; i < node->count; i++) {
        wire_node_t child;
        wire_tree_copy(&node->children[i], &child);
        wire_tree_add(copy, &child);
    }
}
