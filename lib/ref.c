#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/record.h"
#include "lib/record_walk.h"

char *ref_format(const Enlace__V1__Ref *ref)
{
    const char *owner = ref->owner ? ref->owner : "";
    if (ref->key)
        return mem_format("@%s%s%s", owner, owner[0] ? ":" : "", ref->key);
    if (!ref->has_number)
        return mem_copy_string("");
    if (!code_valid(owner))
        return mem_format("%s:%" PRIu64, owner, ref->number);
    char text[RECORD_ID_TEXT];
    position_t position = {ref->has_epoch ? ref->epoch : 1,
                           ref->has_lane ? ref->lane : LANE_COALITION, ref->number};
    record_id_format(owner, position, text);
    return mem_copy_string(text);
}

// "@key" and "@CODE:key".
static bool parse_key(const char *text, const char *own, Enlace__V1__Ref *ref)
{
    code_t owner = {{0}};
    const char *colon = strchr(text, ':');
    const char *key = colon ? colon + 1 : text;
    size_t size = colon ? (size_t)(colon - text) : own ? strlen(own) : 0;
    if (size > CODE_MAX)
        return false;
    if (size > 0)
        memcpy(owner.text, colon ? text : own, size);
    if (!code_valid(owner.text) || !record_key_valid(key))
        return false;
    ref->owner = mem_copy_string(owner.text);
    ref->key = mem_copy_string(key);
    return true;
}

err_t ref_parse(const char *text, const char *own, Enlace__V1__Ref *ref)
{
    code_t owner;
    position_t position;
    if (text[0] == '@')
        return parse_key(text + 1, own, ref) ? ERR_OK : ERR_BAD_REF;
    if (record_id_parse(text, &owner, &position) != ERR_OK)
        return ERR_BAD_REF;
    ref->owner = mem_copy_string(owner.text);
    ref->has_epoch = ref->has_lane = ref->has_number = 1;
    ref->epoch = position.epoch;
    ref->lane = position.lane;
    ref->number = position.number;
    return ERR_OK;
}

typedef struct {
    ref_at_t *refs;
    size_t count;
    size_t capacity;
} refs_t;

static err_t collect_ref(void *context, const visit_t *visit, fault_t *fault)
{
    refs_t *found = context;
    (void)fault;
    if (visit->field->type != PROTOBUF_C_TYPE_MESSAGE ||
        visit->field->descriptor != &enlace__v1__ref__descriptor)
        return ERR_OK;
    mem_grow(&found->refs, &found->capacity, found->count, sizeof *found->refs);
    ref_at_t *ref = &found->refs[found->count++];
    *ref = (ref_at_t){.ref = *(Enlace__V1__Ref **)visit->value};
    snprintf(ref->path, sizeof ref->path, "%s", visit->site->trail.path);
    snprintf(ref->field, sizeof ref->field, "%s", visit->site->trail.field);
    return ERR_OK;
}

size_t record_refs(const record_t *record, ref_at_t **refs)
{
    refs_t found = {0};
    record_walk(record, collect_ref, &found, NULL);
    *refs = found.refs;
    return found.count;
}
