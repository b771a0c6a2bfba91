// Two rows of frames: lines as they came, and what those come to whose outcome was not
// known when they came. A frame is its head, then the text.
#include "daemon/control/staging.h"

#include <string.h>

#include "daemon/control/line_keys.h"
#include "daemon/control/spool.h"
#include "lib/mem.h"

// Read by the process that wrote it.
typedef struct {
    uint64_t number;
    position_t id;
    uint32_t size; // of the text
    uint8_t act;
    bool known, encoded, has_text;
} head_of_t;

struct staging {
    line_keys_t *keys;
    spool_t *lines, *outcomes;
};

staging_t *staging_new(void)
{
    staging_t *staging = mem_alloc(sizeof *staging);
    staging->keys = line_keys_new();
    staging->lines = spool_new();
    staging->outcomes = spool_new();
    return staging;
}

void staging_destroy(staging_t **staging)
{
    if (!*staging)
        return;
    line_keys_destroy(&(*staging)->keys);
    spool_destroy(&(*staging)->lines);
    spool_destroy(&(*staging)->outcomes);
    mem_free(*staging);
    *staging = NULL;
}

// ---- frames ----

static err_t append(spool_t *spool, uint64_t number, bool encoded, const outcome_t *outcome,
                    span_t text, fault_t *fault)
{
    head_of_t head;
    memset(&head, 0, sizeof head); // with what lies between its fields
    head.number = number;
    head.id = outcome->id;
    head.size = (uint32_t)text.size;
    head.act = (uint8_t)outcome->act;
    head.known = outcome->known;
    head.encoded = encoded;
    head.has_text = text.data != NULL;
    return spool_append(spool, span_of(&head, sizeof head), text, fault);
}

// The head at a place; its number is 0 behind the last one.
static err_t read_head(spool_t *spool, uint64_t at, head_of_t *head, fault_t *fault)
{
    span_t bytes;
    memset(head, 0, sizeof *head);
    if (at == spool_size(spool))
        return ERR_OK;
    err_t err = spool_read(spool, at, sizeof *head, &bytes, fault);
    if (!err)
        memcpy(head, bytes.data, sizeof *head);
    return err;
}

static err_t read_text(spool_t *spool, uint64_t at, const head_of_t *head, span_t *text,
                       fault_t *fault)
{
    return spool_read(spool, at + sizeof *head, head->size, text, fault);
}

static uint64_t behind(uint64_t at, const head_of_t *head)
{
    return at + sizeof *head + head->size;
}

// ---- in ----

err_t staging_add(staging_t *staging, const staged_line_t *line, uint64_t *taken, fault_t *fault)
{
    *taken = 0;
    if (line->key)
        *taken = line_keys_add(staging->keys, line->node, line->key, line->kind, line->number);
    if (*taken)
        return fault_set(fault, ERR_KEY_TAKEN, "key", "line %llu of the file has it already",
                         (unsigned long long)*taken);
    return line->mine ? append(staging->lines, line->number, line->encoded, &line->outcome,
                               line->text, fault)
                      : ERR_OK;
}

err_t staging_settle(staging_t *staging, uint64_t number, const outcome_t *outcome, span_t text,
                     fault_t *fault)
{
    return append(staging->outcomes, number, true, outcome, text, fault);
}

// ---- out ----

size_t staging_owners(const staging_t *staging, const char *key, code_t *first)
{
    return line_keys_owners(staging->keys, key, first);
}

const char *staging_kind(const staging_t *staging, const char *node, const char *key)
{
    return line_keys_kind(staging->keys, node, key);
}

// What was settled of a line, over those of lines before it.
static err_t find_outcome(staging_t *staging, staging_at_t *at, uint64_t number, head_of_t *head,
                          fault_t *fault)
{
    err_t err = read_head(staging->outcomes, at->outcome, head, fault);
    while (!err && head->number && head->number < number) {
        at->outcome = behind(at->outcome, head);
        err = read_head(staging->outcomes, at->outcome, head, fault);
    }
    return err;
}

err_t staging_next(staging_t *staging, staging_at_t *at, staged_line_t *line, fault_t *fault)
{
    head_of_t head, settled;
    *line = (staged_line_t){0};
    err_t err = read_head(staging->lines, at->line, &head, fault);
    if (err || !head.number)
        return err;
    err = find_outcome(staging, at, head.number, &settled, fault);
    bool replaced = settled.number == head.number;
    bool instead = replaced && settled.has_text;
    if (!err)
        err = instead ? read_text(staging->outcomes, at->outcome, &settled, &line->text, fault)
                      : read_text(staging->lines, at->line, &head, &line->text, fault);
    if (err)
        return err;
    const head_of_t *said = replaced ? &settled : &head;
    line->number = head.number;
    line->mine = true;
    line->encoded = instead || head.encoded;
    line->outcome = (outcome_t){said->known, (authored_act_t)said->act, said->id};
    at->line = behind(at->line, &head);
    return ERR_OK;
}
