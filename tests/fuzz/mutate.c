// The mutator: half of the time plain bytes, as libFuzzer does it; otherwise the
// input's tree of fields is changed in one place or several, lengths come out
// right, and every second time what is signed or committed to is signed anew
// (seal.c), so that what lies behind a signature is reached.
#include <string.h>

#include "lib/mem.h"
#include "tests/fuzz/seal.h"
#include "tests/fuzz/wire_tree.h"

enum { NODES_MAX = 4096 };

// Every node of a tree, with the one above it.
typedef struct {
    wire_node_t *node, *parent;
} place_t;

typedef struct {
    uint64_t state;
    size_t count;
    place_t places[NODES_MAX];
} mutation_t;

// splitmix64 (Steele, Lea, Flood 2014).
static uint64_t draw(mutation_t *mutation)
{
    uint64_t z = mutation->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static size_t below(mutation_t *mutation, size_t count)
{
    return (size_t)(draw(mutation) % (count ? count : 1));
}

static void gather(mutation_t *mutation, wire_node_t *node, wire_node_t *parent)
{
    if (mutation->count < NODES_MAX)
        mutation->places[mutation->count++] = (place_t){node, parent};
    for (size_t i = 0; i < node->count; i++)
        gather(mutation, &node->children[i], node);
}

// ---- one value ----

static uint64_t other_number(mutation_t *mutation, uint64_t number)
{
    static const uint64_t edges[] = {0,
                                     1,
                                     2,
                                     3,
                                     127,
                                     128,
                                     255,
                                     65535,
                                     65536,
                                     1000000,
                                     1000001,
                                     INT32_MAX,
                                     (uint64_t)INT32_MAX + 1,
                                     UINT32_MAX,
                                     (uint64_t)UINT32_MAX + 1,
                                     (uint64_t)1 << 53,
                                     ((uint64_t)1 << 53) + 1,
                                     INT64_MAX,
                                     (uint64_t)1 << 63,
                                     UINT64_MAX};
    switch (below(mutation, 4)) {
    case 0:
        return number + 1;
    case 1:
        return number - 1;
    case 2:
        return number ^ (uint64_t)1 << below(mutation, 64);
    default:
        return edges[below(mutation, sizeof edges / sizeof *edges)];
    }
}

static void change_bytes(mutation_t *mutation, buf_t *bytes)
{
    size_t size = bytes->size;
    size_t room = size + 1 + below(mutation, 64);
    buf_extend(bytes, room - size);
    bytes->size = LLVMFuzzerMutate(bytes->data, size, room);
}

static void change_value(mutation_t *mutation, wire_node_t *node)
{
    size_t fixed = node->bytes.size;
    if (node->wire == PROTOBUF_C_WIRE_TYPE_VARINT) {
        node->number = other_number(mutation, node->number);
    } else if (node->wire == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED && !node->message) {
        change_bytes(mutation, &node->bytes);
    } else if (!node->message && fixed) {
        node->bytes.data[below(mutation, fixed)] ^= (uint8_t)(1u << below(mutation, 8));
    }
}

// ---- fields ----

static void copy_within(mutation_t *mutation, wire_node_t *parent)
{
    if (parent->count == 0)
        return;
    wire_node_t copy;
    wire_tree_copy(&parent->children[below(mutation, parent->count)], &copy);
    wire_tree_add(parent, &copy);
}

static void swap_children(mutation_t *mutation, wire_node_t *parent)
{
    if (parent->count < 2)
        return;
    wire_node_t *a = &parent->children[below(mutation, parent->count)];
    wire_node_t *b = &parent->children[below(mutation, parent->count)];
    wire_node_t kept = *a;
    *a = *b;
    *b = kept;
}

static unsigned wire_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
    default:
        return PROTOBUF_C_WIRE_TYPE_VARINT; // the schema has no other
    }
}

static size_t table_size(const fuzz_field_t *fields)
{
    size_t count = 0;
    while (fields && fields[count].tag)
        count++;
    return count;
}

// A field that the message has; or, now and then, one that it does not have.
static void choose_field(mutation_t *mutation, const wire_node_t *parent, wire_node_t *child)
{
    size_t known = parent->type ? parent->type->n_fields : table_size(parent->fields);
    if (known == 0 || below(mutation, 16) == 0) {
        child->tag = 1 + (uint32_t)below(mutation, below(mutation, 2) ? 20 : 1u << 29);
        child->wire = (unsigned)below(mutation, 3);
    } else if (parent->type) {
        const ProtobufCFieldDescriptor *field = &parent->type->fields[below(mutation, known)];
        child->tag = field->id;
        child->wire = wire_of(field->type);
    } else {
        const fuzz_field_t *field = &parent->fields[below(mutation, known)];
        child->tag = field->tag;
        child->wire = field->type || field->fields ? PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED
                                                   : PROTOBUF_C_WIRE_TYPE_VARINT;
    }
}

static void add_field(mutation_t *mutation, wire_node_t *parent)
{
    wire_node_t child = {0};
    choose_field(mutation, parent, &child);
    child.number = other_number(mutation, 0);
    child.message =
        wire_tree_place(parent, &child) && child.wire == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
    if (child.wire == PROTOBUF_C_WIRE_TYPE_64BIT)
        memset(buf_extend(&child.bytes, 8), 0, 8);
    wire_tree_add(parent, &child);
}

// Puts a copy of another part of the tree in the place of this one, keeping the tag.
static void graft(mutation_t *mutation, wire_node_t *node)
{
    wire_node_t copy, *from = mutation->places[below(mutation, mutation->count)].node;
    for (unsigned tries = 0; tries < 8 && from->type != node->type && from->fields != node->fields;
         tries++)
        from = mutation->places[below(mutation, mutation->count)].node;
    if (from->tag == 0)
        return;
    wire_tree_copy(from, &copy);
    copy.tag = node->tag;
    wire_tree_clear(node);
    *node = copy;
}

static void change_once(mutation_t *mutation, wire_node_t *root)
{
    mutation->count = 0;
    gather(mutation, root, NULL);
    place_t place = mutation->places[below(mutation, mutation->count)];
    wire_node_t *node = place.node, *parent = place.parent ? place.parent : node;
    switch (below(mutation, 12)) {
    case 0:
        copy_within(mutation, parent);
        break;
    case 1:
        if (parent->count)
            wire_tree_remove(parent, below(mutation, parent->count));
        break;
    case 2:
        swap_children(mutation, parent);
        break;
    case 3:
    case 4:
        if (node->message)
            add_field(mutation, node);
        break;
    case 5:
        if (place.parent)
            graft(mutation, node);
        break;
    case 6:
        if (place.parent && below(mutation, 4) == 0)
            node->tag = 1 + (uint32_t)below(mutation, 24);
        break;
    default:
        change_value(mutation, node);
    }
}

static size_t mutate_tree(uint8_t *data, size_t size, size_t max_size,
                          const ProtobufCMessageDescriptor *type, mutation_t *mutation)
{
    wire_node_t root;
    buf_t bytes = {0};
    wire_tree_parse(&root, type, fuzz_target.fields, span_of(data, size));
    for (size_t changes = 1 + below(mutation, 4); changes > 0; changes--)
        change_once(mutation, &root);
    if (below(mutation, 2))
        seal_tree(&root);
    wire_tree_print(&root, &bytes);
    wire_tree_clear(&root);
    size_t made = bytes.size <= max_size ? bytes.size : 0;
    if (made)
        memcpy(data, bytes.data, made);
    buf_free(&bytes);
    return made;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    static mutation_t mutation; // too large for a stack; libFuzzer is one thread
    size_t prefix = fuzz_target.prefix;
    bool tree = fuzz_target.type || fuzz_target.fields || fuzz_target.type_of;
    mutation.state = seed;
    if (!tree || size < prefix || max_size <= prefix || below(&mutation, 3) == 0)
        return LLVMFuzzerMutate(data, size, max_size);
    const ProtobufCMessageDescriptor *type =
        fuzz_target.type_of ? fuzz_target.type_of(span_of(data, prefix)) : fuzz_target.type;
    size_t made = mutate_tree(data + prefix, size - prefix, max_size - prefix, type, &mutation);
    return made ? prefix + made : LLVMFuzzerMutate(data, size, max_size);
}
