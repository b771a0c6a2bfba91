// References, and fields that this version doesn't know: what an author looks
// after beyond a record's own values.
#include <string.h>

#include "daemon/control/author.h"
#include "lib/mem.h"

// ---- references ----

static bool same_ref(const ref_at_t *a, const ref_at_t *b)
{
    const Enlace__V1__Ref *x = a->ref;
    const Enlace__V1__Ref *y = b->ref;
    if (strcmp(a->field, b->field) != 0 || !x->owner || !y->owner ||
        strcmp(x->owner, y->owner) != 0)
        return false;
    if (x->key || y->key)
        return x->key && y->key && strcmp(x->key, y->key) == 0;
    return x->epoch == y->epoch && x->lane == y->lane && x->number == y->number;
}

static bool stood_before(const ref_at_t *ref, const ref_at_t *before, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (same_ref(ref, &before[i]))
            return true;
    return false;
}

static err_t check_kind(const record_t *record, const ref_at_t *at, const char *target,
                        fault_t *fault)
{
    const kind_t *kind = record_kind(record);
    if (!kind || !*target || kind_ref_allowed(kind->name, at->field, target))
        return ERR_OK;
    const char *targets = kind_ref_targets(kind->name, at->field);
    return fault_set(fault, ERR_WRONG_KIND, at->path, "it points at one of kind %.40s, not %s",
                     target, targets ? targets : "any");
}

static err_t look_up(const author_t *author, const origin_t *origin, const Enlace__V1__Ref *ref,
                     current_t *current, fault_t *fault)
{
    if (ref->key)
        return store_record_by_key(author->store, origin, ref->key, false, current, fault);
    position_t id = {ref->epoch, ref->lane, ref->number};
    return store_record(author->store, origin, id, false, current, fault);
}

// In the view: an own record must be there and stand, a member's may be still to come.
static err_t check_in_view(const author_t *author, const record_t *record, const ref_at_t *at,
                           const origin_t *origin, bool in_file, fault_t *fault)
{
    current_t current = {0};
    bool own = origin_equal(origin, &author->self);
    err_t err = look_up(author, origin, at->ref, &current, fault);
    buf_free(&current.body);
    if (err == ERR_NO_SUCH_RECORD && (!own || in_file))
        return ERR_OK;
    if (err == ERR_NO_SUCH_RECORD || err == ERR_AMBIGUOUS_KEY) {
        char *text = ref_format(at->ref);
        fault_set(fault, err, at->path, "%s", text);
        mem_free(text);
    }
    if (err)
        return err;
    if (own && current.retracted && !in_file)
        return fault_set(fault, ERR_RETRACTED, at->path, "it points at a record that is retracted");
    return check_kind(record, at, current.kind, fault);
}

static err_t check_in_file(const author_t *author, const record_t *record, const ref_at_t *at,
                           bool *in_file, fault_t *fault)
{
    *in_file = false;
    if (!author->file || !at->ref->key)
        return ERR_OK;
    const char *kind = author->file->kind_of(author->file->context, at->ref->owner, at->ref->key);
    *in_file = kind != NULL;
    return kind ? check_kind(record, at, kind, fault) : ERR_OK;
}

static err_t check_ref(const author_t *author, const record_t *record, const ref_at_t *at,
                       fault_t *fault)
{
    origin_t origin = author->self;
    bool in_file;
    if (!at->ref->owner)
        return fault_set(fault, ERR_BAD_REF, at->path, NULL);
    if (strcmp(at->ref->owner, author->own) != 0 &&
        !roster_origin_of(author->roster, at->ref->owner, &origin))
        return fault_set(fault, ERR_UNKNOWN_MEMBER, at->path, "%s", at->ref->owner);
    err_t err = check_in_file(author, record, at, &in_file, fault);
    return err ? err : check_in_view(author, record, at, &origin, in_file, fault);
}

// With `import --node X`, X's keys mean this node's own.
void author_adopt_alias(const author_t *author, record_t *record)
{
    ref_at_t *refs = NULL;
    size_t count = author->alias ? record_refs(record, &refs) : 0;
    for (size_t i = 0; i < count; i++) {
        Enlace__V1__Ref *ref = refs[i].ref;
        if (!ref->owner || !ref->key || strcmp(ref->owner, author->alias) != 0)
            continue;
        mem_free(ref->owner);
        ref->owner = mem_copy_string(author->own);
    }
    mem_free(refs);
}

err_t author_check_refs(const author_t *author, const record_t *record, const record_t *before,
                        fault_t *fault)
{
    ref_at_t *refs = NULL;
    ref_at_t *old = NULL;
    size_t count = record_refs(record, &refs);
    size_t old_count = before ? record_refs(before, &old) : 0;
    err_t err = ERR_OK;
    for (size_t i = 0; !err && i < count; i++)
        if (!stood_before(&refs[i], old, old_count))
            err = check_ref(author, record, &refs[i], fault);
    mem_free(refs);
    mem_free(old);
    return err;
}

// ---- unknown fields ----

static void copy_unknown(ProtobufCMessage *to, const ProtobufCMessage *from)
{
    size_t count = from->n_unknown_fields;
    if (to->n_unknown_fields || !count)
        return;
    to->unknown_fields = mem_alloc_array(count, sizeof *to->unknown_fields);
    to->n_unknown_fields = (unsigned)count;
    for (size_t i = 0; i < count; i++) {
        to->unknown_fields[i] = from->unknown_fields[i];
        to->unknown_fields[i].data = mem_alloc(from->unknown_fields[i].len);
        memcpy(to->unknown_fields[i].data, from->unknown_fields[i].data,
               from->unknown_fields[i].len);
    }
}

static ProtobufCMessage *singular_message(const ProtobufCMessage *message,
                                          const ProtobufCFieldDescriptor *field)
{
    bool in_oneof = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
    if (field->type != PROTOBUF_C_TYPE_MESSAGE || field->label == PROTOBUF_C_LABEL_REPEATED ||
        in_oneof)
        return NULL;
    ProtobufCMessage *value;
    memcpy(&value, (const uint8_t *)message + field->offset, sizeof value);
    return value;
}

// Entries of lists are not matched: which one follows from which is not known.
static void keep_within(ProtobufCMessage *to, const ProtobufCMessage *from)
{
    copy_unknown(to, from);
    for (unsigned i = 0; i < to->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &to->descriptor->fields[i];
        ProtobufCMessage *new_value = singular_message(to, field);
        const ProtobufCMessage *old_value = singular_message(from, field);
        if (new_value && old_value)
            keep_within(new_value, old_value);
    }
}

void author_keep_unknown(record_t *to, const record_t *from)
{
    keep_within(&to->base, &from->base);
    ProtobufCMessage *body = record_body(to);
    const ProtobufCMessage *old_body = record_body(from);
    if (body && old_body && body->descriptor == old_body->descriptor)
        keep_within(body, old_body);
}
