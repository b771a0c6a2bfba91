// Protobuf bytes as a tree that keeps whatever a message cannot: fields given
// twice, out of order, of another wire type, and what is inside bytes fields that
// hold an encoded message (a card's body, a commit's header).
#ifndef ENLACE_TESTS_FUZZ_WIRE_TREE_H
#define ENLACE_TESTS_FUZZ_WIRE_TREE_H

#include "tests/fuzz/fuzz.h"

typedef struct wire_node {
    uint32_t tag; // 0: the root
    unsigned wire;
    uint64_t number;                        // varints
    bool message;                           // length-prefixed, and parsed into children
    buf_t bytes;                            // what is no message
    const ProtobufCMessageDescriptor *type; // of a message; NULL: unknown
    const fuzz_field_t *fields;             // instead of a type
    size_t count, capacity;
    struct wire_node *children;
} wire_node_t;

// What cannot be parsed as fields to its end is a leaf of plain bytes.
void wire_tree_parse(wire_node_t *root, const ProtobufCMessageDescriptor *type,
                     const fuzz_field_t *fields, span_t bytes);
void wire_tree_print(const wire_node_t *node, buf_t *bytes); // without a tag of its own
void wire_tree_clear(wire_node_t *node);
void wire_tree_copy(const wire_node_t *node, wire_node_t *copy);

// Fills in type or fields of what stands under child->tag in the parent; false
// where that is no message.
bool wire_tree_place(const wire_node_t *parent, wire_node_t *child);
// First child of that tag, NULL where there is none.
wire_node_t *wire_tree_child(wire_node_t *node, uint32_t tag);
wire_node_t *wire_tree_add(wire_node_t *parent, const wire_node_t *child); // takes it
void wire_tree_remove(wire_node_t *parent, size_t index);
void wire_tree_set_bytes(wire_node_t *leaf, span_t bytes);

#endif
