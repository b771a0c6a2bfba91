// Open addressing with steps of one: slots hold the place of an entry, and one key's
// entries stand behind each other, a node each.
#include "daemon/control/line_keys.h"

#include <string.h>

#include "lib/bytes.h"
#include "lib/crypto.h"
#include "lib/mem.h"

enum {
    SLOTS_FIRST = 1024,
    NAMES_SEARCHED = 64, // more kinds than there are
};

typedef struct {
    fingerprint_t key;
    uint64_t number;
    uint32_t node; // place in nodes
    uint32_t kind; // where its name begins
} entry_t;

struct line_keys {
    uint8_t secret[FINGERPRINT_KEY_SIZE];
    size_t count, capacity;
    entry_t *entries;
    size_t slot_count; // a power of two, a quarter of them empty at least
    uint32_t *slots;   // place of an entry and one; 0: empty
    size_t node_count, node_capacity;
    code_t *nodes;
    size_t last_node;
    buf_t names; // of kinds, each with its NUL
};

line_keys_t *line_keys_new(void)
{
    line_keys_t *keys = mem_alloc(sizeof *keys);
    crypto_random(keys->secret, sizeof keys->secret);
    keys->slot_count = SLOTS_FIRST;
    keys->slots = mem_alloc_array(keys->slot_count, sizeof *keys->slots);
    return keys;
}

void line_keys_destroy(line_keys_t **keys)
{
    if (!*keys)
        return;
    mem_free((*keys)->entries);
    mem_free((*keys)->slots);
    mem_free((*keys)->nodes);
    buf_free(&(*keys)->names);
    mem_free(*keys);
    *keys = NULL;
}

// ---- names ----

// Lines of one node come together as a rule.
static bool find_node(const line_keys_t *keys, const char *node, size_t *place)
{
    size_t count = keys->node_count;
    for (size_t i = 0; i < count; i++) {
        *place = (keys->last_node + i) % count;
        if (strcmp(keys->nodes[*place].text, node) == 0)
            return true;
    }
    *place = count;
    return false;
}

static uint32_t take_node(line_keys_t *keys, const char *node)
{
    size_t place;
    if (!find_node(keys, node, &place)) {
        mem_grow(&keys->nodes, &keys->node_capacity, keys->node_count, sizeof(code_t));
        keys->nodes[keys->node_count] = (code_t){0};
        strncat(keys->nodes[keys->node_count++].text, node, CODE_MAX);
    }
    keys->last_node = place;
    return (uint32_t)place;
}

// Kinds that are unknown here may be any number: beyond a few they are not looked for.
static uint32_t take_kind(line_keys_t *keys, const char *kind)
{
    size_t at = 0;
    for (int i = 0; i < NAMES_SEARCHED && at < keys->names.size; i++) {
        const char *name = (const char *)keys->names.data + at;
        if (strcmp(name, kind) == 0)
            return (uint32_t)at;
        at += strlen(name) + 1;
    }
    at = keys->names.size;
    buf_append(&keys->names, span_of(kind, strlen(kind) + 1));
    return (uint32_t)at;
}

// ---- slots ----

static size_t slot_of(const line_keys_t *keys, const fingerprint_t *key)
{
    uint64_t start;
    memcpy(&start, key->bytes, sizeof start);
    return (size_t)start & (keys->slot_count - 1);
}

// The next entry of a key from a slot on, which moves behind it; NULL: there is none,
// and the slot is empty.
static const entry_t *find(const line_keys_t *keys, const fingerprint_t *key, size_t *slot)
{
    for (;; *slot = (*slot + 1) & (keys->slot_count - 1)) {
        if (!keys->slots[*slot])
            return NULL;
        const entry_t *entry = &keys->entries[keys->slots[*slot] - 1];
        if (memcmp(entry->key.bytes, key->bytes, sizeof key->bytes) != 0)
            continue;
        *slot = (*slot + 1) & (keys->slot_count - 1);
        return entry;
    }
}

static void put(line_keys_t *keys, size_t place)
{
    size_t slot = slot_of(keys, &keys->entries[place].key);
    while (keys->slots[slot])
        slot = (slot + 1) & (keys->slot_count - 1);
    keys->slots[slot] = (uint32_t)(place + 1);
}

static void make_room(line_keys_t *keys)
{
    mem_grow(&keys->entries, &keys->capacity, keys->count, sizeof(entry_t));
    if ((keys->count + 1) * 4 <= keys->slot_count * 3)
        return;
    mem_free(keys->slots);
    keys->slot_count *= 2;
    keys->slots = mem_alloc_array(keys->slot_count, sizeof *keys->slots);
    for (size_t i = 0; i < keys->count; i++)
        put(keys, i);
}

static const entry_t *find_of(const line_keys_t *keys, const fingerprint_t *key, size_t node)
{
    size_t slot = slot_of(keys, key);
    const entry_t *entry;
    while ((entry = find(keys, key, &slot)))
        if (entry->node == node)
            return entry;
    return NULL;
}

// ---- keys ----

uint64_t line_keys_add(line_keys_t *keys, const char *node, const char *key, const char *kind,
                       uint64_t number)
{
    entry_t added = {
        .key = crypto_fingerprint(keys->secret, span_text(key)),
        .number = number,
        .node = take_node(keys, node),
    };
    const entry_t *before = find_of(keys, &added.key, added.node);
    if (before)
        return before->number;
    added.kind = take_kind(keys, kind);
    make_room(keys);
    keys->entries[keys->count] = added;
    put(keys, keys->count++);
    return 0;
}

size_t line_keys_owners(const line_keys_t *keys, const char *key, code_t *first)
{
    fingerprint_t print = crypto_fingerprint(keys->secret, span_text(key));
    size_t slot = slot_of(keys, &print), owners = 0;
    uint64_t number = UINT64_MAX;
    const entry_t *entry;
    while ((entry = find(keys, &print, &slot))) {
        if (entry->number < number)
            *first = keys->nodes[entry->node];
        number = entry->number < number ? entry->number : number;
        owners += owners < 2;
    }
    return owners;
}

const char *line_keys_kind(const line_keys_t *keys, const char *node, const char *key)
{
    fingerprint_t print = crypto_fingerprint(keys->secret, span_text(key));
    size_t place;
    const entry_t *entry = find_node(keys, node, &place) ? find_of(keys, &print, place) : NULL;
    return entry ? (const char *)keys->names.data + entry->kind : NULL;
}
