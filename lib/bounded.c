// I12: nothing that a peer chose the size of is allocated before it was bounded.
#include "lib/bounded.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/scan.h"

// Our own schema's largest message stays below this; asserted, never reached from outside.
enum { MESSAGE_FIELDS_MAX = 256 };

// One message on the way down; its place in the path is told only when something is refused.
typedef struct level {
    const struct level *above;
    const ProtobufCMessageDescriptor *type;
    const ProtobufCFieldDescriptor *field; // being read, NULL where unknown or none
    uint32_t tag;                          // being read, 0 before the first
    unsigned depth;
    uint32_t seen[MESSAGE_FIELDS_MAX]; // occurrences so far, by index of the field
} level_t;

typedef struct {
    const limits_t *limits;
    fault_t *fault;
    walked_t walked;
} walk_t;

// ---- telling where ----

static size_t path_append(const level_t *level, char *path, size_t size, size_t used)
{
    if (level->above)
        used = path_append(level->above, path, size, used);
    if (level->tag == 0 || used >= size)
        return used;
    const char *dot = used ? "." : "";
    int more;
    if (!level->field)
        more = snprintf(path + used, size - used, "%s#%" PRIu32, dot, level->tag);
    else if (level->field->label == PROTOBUF_C_LABEL_REPEATED)
        more = snprintf(path + used, size - used, "%s%s.%" PRIu32, dot, level->field->name,
                        level->seen[level->field - level->type->fields]);
    else
        more = snprintf(path + used, size - used, "%s%s", dot, level->field->name);
    return used + (more > 0 ? (size_t)more : 0);
}

static err_t refuse(const walk_t *walk, const level_t *level, err_t err)
{
    char path[sizeof walk->fault->where] = "";
    path_append(level, path, sizeof path, 0);
    return fault_set(walk->fault, err, path, NULL);
}

// ---- what a field's type allows ----

static unsigned wire_type_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return PROTOBUF_C_WIRE_TYPE_32BIT;
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return PROTOBUF_C_WIRE_TYPE_64BIT;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
    default:
        return PROTOBUF_C_WIRE_TYPE_VARINT;
    }
}

// protobuf-c cuts what is too wide; two byte strings would then mean one value.
// Negative 32-bit values are sign-extended to 64 on the wire.
static bool varint_fits(ProtobufCType type, uint64_t number)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_ENUM:
        return number <= INT32_MAX || number >= UINT64_MAX - INT32_MAX;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_SINT32:
        return number <= UINT32_MAX;
    case PROTOBUF_C_TYPE_BOOL:
        return number <= 1;
    default:
        return true;
    }
}

static err_t count_field(walk_t *walk)
{
    return ++walk->walked.fields > walk->limits->fields ? ERR_TOO_MANY : ERR_OK;
}

static err_t check_packed(walk_t *walk, ProtobufCType type, span_t bytes)
{
    scan_t cursor = scan_of(bytes);
    while (cursor.at < cursor.end) {
        scan_value_t value = {0};
        err_t err = scan_value(&cursor, wire_type_of(type), &value);
        if (!err && value.wire == PROTOBUF_C_WIRE_TYPE_VARINT && !varint_fits(type, value.number))
            err = ERR_BAD_VARINT;
        if (!err)
            err = count_field(walk);
        if (err)
            return err;
    }
    return ERR_OK;
}

static err_t check_string(span_t text)
{
    if (text.size && memchr(text.data, 0, text.size))
        return ERR_NUL_IN_TEXT;
    return utf8_valid(text) ? ERR_OK : ERR_BAD_UTF8;
}

static err_t check_scalar(walk_t *walk, const ProtobufCFieldDescriptor *field,
                          const scan_value_t *value)
{
    unsigned expected = wire_type_of(field->type);
    bool packed = value->wire == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED && expected != value->wire &&
                  field->label == PROTOBUF_C_LABEL_REPEATED;
    if (packed)
        return check_packed(walk, field->type, value->bytes);
    if (value->wire != expected)
        return ERR_BAD_WIRE_TYPE;
    if (expected == PROTOBUF_C_WIRE_TYPE_VARINT && !varint_fits(field->type, value->number))
        return ERR_BAD_VARINT;
    return field->type == PROTOBUF_C_TYPE_STRING ? check_string(value->bytes) : ERR_OK;
}

// ---- walking ----

// Marks the field, and with a member of a oneof all its other members, as given.
static err_t check_once(level_t *level)
{
    const ProtobufCFieldDescriptor *fields = level->type->fields;
    size_t index = (size_t)(level->field - fields);
    bool again = level->seen[index]++ > 0;
    if (level->field->label == PROTOBUF_C_LABEL_REPEATED)
        return ERR_OK;
    if (again)
        return ERR_DUPLICATE_FIELD;
    if (level->field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
        for (size_t i = 0; i < level->type->n_fields; i++)
            if ((fields[i].flags & PROTOBUF_C_FIELD_FLAG_ONEOF) &&
                fields[i].quantifier_offset == level->field->quantifier_offset)
                level->seen[i] = 1;
    return ERR_OK;
}

static err_t read_tag(scan_t *cursor, level_t *level, unsigned *wire)
{
    level->tag = 0;
    level->field = NULL;
    err_t err = scan_tag(cursor, &level->tag, wire);
    if (!err)
        level->field = protobuf_c_message_descriptor_get_field(level->type, level->tag);
    return err;
}

// The field that comes next, all but what lies inside a nested message.
static err_t check_field(walk_t *walk, level_t *level, scan_t *cursor, scan_value_t *value)
{
    unsigned wire = 0;
    err_t err = read_tag(cursor, level, &wire);
    if (!err)
        err = level->field ? check_once(level) : ERR_OK;
    if (!err)
        err = count_field(walk);
    if (!err)
        err = scan_value(cursor, wire, value);
    if (!err && !level->field)
        err = walk->limits->unknown ? ERR_OK : ERR_UNKNOWN_FIELD;
    else if (!err)
        err = check_scalar(walk, level->field, value);
    return err;
}

static err_t check_message(walk_t *walk, const ProtobufCMessageDescriptor *type, span_t bytes,
                           const level_t *above)
{
    assert(type->n_fields <= MESSAGE_FIELDS_MAX);
    level_t level; // seen[] is cleared only as far as this message has fields
    level.above = above;
    level.type = type;
    level.field = NULL;
    level.tag = 0;
    level.depth = above ? above->depth + 1 : 1;
    if (level.depth > walk->limits->depth)
        return refuse(walk, &level, ERR_TOO_DEEP);
    memset(level.seen, 0, type->n_fields * sizeof *level.seen);
    scan_t cursor = scan_of(bytes);
    while (cursor.at < cursor.end) {
        scan_value_t value = {0};
        err_t err = check_field(walk, &level, &cursor, &value);
        if (err)
            return refuse(walk, &level, err);
        if (!level.field || level.field->type != PROTOBUF_C_TYPE_MESSAGE)
            continue;
        walk->walked.messages += level.field->descriptor == walk->walked.wanted;
        err = check_message(walk, level.field->descriptor, value.bytes, &level);
        if (err)
            return err; // already told
    }
    return ERR_OK;
}

err_t bounded_walk(const ProtobufCMessageDescriptor *type, span_t bytes, const limits_t *limits,
                   walked_t *walked, fault_t *fault)
{
    if (bytes.size > limits->bytes)
        return fault_set(fault, ERR_TOO_BIG, "", "%zu bytes", bytes.size);
    if (bytes.size == 0)
        return ERR_OK; // its data may be NULL
    walk_t walk = {limits, fault, {.wanted = walked->wanted}};
    err_t err = check_message(&walk, type, bytes, NULL);
    *walked = walk.walked;
    return err;
}

err_t bounded_check(const ProtobufCMessageDescriptor *type, span_t bytes, const limits_t *limits,
                    fault_t *fault)
{
    walked_t walked = {0};
    return bounded_walk(type, bytes, limits, &walked, fault);
}

// ---- unpacking on a budget ----

typedef struct {
    size_t left;
    bool exhausted;
} budget_t;

// What protobuf-c frees on the way is not given back: the budget bounds the sum.
static void *budget_alloc(void *context, size_t size)
{
    budget_t *budget = context;
    if (size > budget->left) {
        budget->exhausted = true;
        return NULL;
    }
    budget->left -= size;
    return mem_alloc(size);
}

static void budget_free(void *context, void *memory)
{
    (void)context;
    mem_free(memory);
}

err_t bounded_unpack(const ProtobufCMessageDescriptor *type, span_t bytes, const limits_t *limits,
                     ProtobufCMessage **message, fault_t *fault)
{
    *message = NULL;
    err_t err = bounded_check(type, bytes, limits, fault);
    return err ? err : bounded_unpack_walked(type, bytes, limits, message, fault);
}

err_t bounded_unpack_walked(const ProtobufCMessageDescriptor *type, span_t bytes,
                            const limits_t *limits, ProtobufCMessage **message, fault_t *fault)
{
    budget_t budget = {limits->memory, false};
    ProtobufCAllocator allocator = {budget_alloc, budget_free, &budget};
    *message = protobuf_c_message_unpack(type, &allocator, bytes.size, bytes.data);
    if (*message)
        return ERR_OK;
    return fault_set(fault, budget.exhausted ? ERR_OVER_BUDGET : ERR_BAD_VALUE, "", NULL);
}

void bounded_free(ProtobufCMessage *message)
{
    ProtobufCAllocator allocator = {budget_alloc, budget_free, NULL};
    if (message)
        protobuf_c_message_free_unpacked(message, &allocator);
}

buf_t bounded_pack(const ProtobufCMessage *message)
{
    buf_t packed = {0};
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *place = buf_extend(&packed, size);
    size_t written = size ? protobuf_c_message_pack(message, place) : 0;
    assert(written == size);
    (void)written;
    return packed;
}

// ---- UTF-8, RFC 3629 section 4 ----

// Bytes that follow the first, and the range of the first of them (which is
// where overlong forms, surrogates and what lies above U+10FFFF show).
static size_t utf8_tail(uint8_t first, uint8_t *low, uint8_t *high)
{
    *low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    *high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (first >= 0xc2 && first <= 0xdf)
        return 1;
    if (first >= 0xe0 && first <= 0xef)
        return 2;
    return first >= 0xf0 && first <= 0xf4 ? 3 : 0;
}

// Most text is ASCII: eight bytes at once that have no highest bit.
static size_t skip_ascii(span_t text, size_t at)
{
    uint64_t eight;
    for (; text.size - at >= sizeof eight; at += sizeof eight) {
        memcpy(&eight, text.data + at, sizeof eight);
        if (eight & 0x8080808080808080u)
            break;
    }
    return at;
}

bool utf8_valid(span_t text)
{
    size_t at = skip_ascii(text, 0);
    while (at < text.size) {
        uint8_t first = text.data[at++];
        if (first < 0x80)
            continue;
        uint8_t low;
        uint8_t high;
        size_t tail = utf8_tail(first, &low, &high);
        if (tail == 0 || tail > text.size - at)
            return false;
        for (; tail > 0; tail--, low = 0x80, high = 0xbf) {
            uint8_t next = text.data[at++];
            if (next < low || next > high)
                return false;
        }
    }
    return true;
}
