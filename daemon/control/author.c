#include "daemon/control/author.h"

#include <string.h>

#include "lib/assign.h"
#include "lib/mem.h"

void authored_clear(authored_t *authored)
{
    buf_free(&authored->body);
    *authored = (authored_t){0};
}

static json_reading_t reading_of(const author_t *author)
{
    return (json_reading_t){.own = author->own, .lang = author->lang};
}

// ---- from record to draft ----

// Of the record that is encoded in its body.
static err_t fill_draft(authored_t *authored, fault_t *fault)
{
    authored->draft = (draft_t){
        .type = CHANGE_RECORD,
        .has_target = authored->act != AUTHORED_CREATE,
        .target = authored->id,
        .min_reader = SCHEMA_VERSION,
        .body = buf_span(&authored->body),
    };
    if (authored->body.size > PAYLOAD_BYTES_MAX || !commit_fit(&authored->draft, 1))
        return fault_set(fault, ERR_TOO_BIG, "", "the record takes %zu bytes of at most %u",
                         authored->body.size, PAYLOAD_BYTES_MAX);
    return ERR_OK;
}

static void encode(const record_t *record, authored_t *authored)
{
    buf_free(&authored->body);
    authored->body = record_encode(record);
}

static err_t make_draft(const record_t *record, authored_t *authored, fault_t *fault)
{
    encode(record, authored);
    return fill_draft(authored, fault);
}

static err_t check(const author_t *author, record_t *record, const record_t *before, fault_t *fault)
{
    record_apply_defaults(record);
    err_t err = record_check(record, fault);
    return err ? err : author_check_refs(author, record, before, fault);
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : !a && !b;
}

static bool encodes_to(const record_t *record, span_t bytes)
{
    buf_t encoded = record_encode(record);
    bool same = span_equal(buf_span(&encoded), bytes);
    buf_free(&encoded);
    return same;
}

static bool same_record(const record_t *a, const record_t *b)
{
    buf_t one = record_encode(a);
    bool same = encodes_to(b, buf_span(&one));
    buf_free(&one);
    return same;
}

// ---- put ----

static err_t apply(const author_t *author, record_t *record, size_t count,
                   Enlace__V1__Assignment *const *given, fault_t *fault)
{
    assignment_t *assignments = mem_alloc_array(count, sizeof *assignments);
    json_reading_t reading = reading_of(author);
    err_t err = ERR_OK;
    for (size_t i = 0; !err && i < count; i++) {
        if (!given[i]->field || !given[i]->value)
            err = fault_set(fault, ERR_BAD_ASSIGNMENT, given[i]->field, NULL);
        assignments[i] = (assignment_t){given[i]->field, given[i]->value, given[i]->json};
    }
    if (!err)
        err = record_assign(record, assignments, count, &reading, fault);
    mem_free(assignments);
    return err;
}

static err_t from_assignments(const author_t *author, const Enlace__V1__Put *put, record_t **record,
                              fault_t *fault)
{
    if (!put->kind)
        return fault_set(fault, ERR_MISSING_FIELD, "kind", NULL);
    const kind_t *kind = kind_by_name(put->kind);
    if (!kind)
        return fault_set(fault, ERR_UNKNOWN_KIND, put->kind, NULL);
    *record = record_new(kind);
    return apply(author, *record, put->n_assignments, put->assignments, fault);
}

// An object may be what `show` printed: it then names its owner.
static err_t check_envelope(const author_t *author, const Enlace__V1__Put *put,
                            const json_t *object, fault_t *fault)
{
    const json_t *node = json_object_get(object, "node");
    const char *kind = json_string_value(json_object_get(object, "kind"));
    if (node && !json_is_string(node))
        return fault_set(fault, ERR_WRONG_TYPE, "node", NULL);
    if (node && strcmp(json_string_value(node), author->own) != 0)
        return fault_set(fault, ERR_NOT_OWNER, "node", "this node is %s", author->own);
    if (put->kind && kind && strcmp(put->kind, kind) != 0)
        return fault_set(fault, ERR_BAD_VALUE, "kind", "the object says %.40s, the command %.40s",
                         kind, put->kind);
    return ERR_OK;
}

static err_t from_json(const author_t *author, const Enlace__V1__Put *put, record_t **record,
                       fault_t *fault)
{
    json_t *object = NULL;
    json_reading_t reading = reading_of(author);
    if (put->n_assignments)
        return fault_set(fault, ERR_BAD_ASSIGNMENT, put->assignments[0]->field,
                         "either an object or assignments");
    err_t err = json_parse(put->json, strlen(put->json), &object, fault);
    if (err)
        return err;
    err = check_envelope(author, put, object, fault);
    if (!err)
        err = record_from_json(object, &reading, record, fault);
    json_decref(object);
    return err;
}

static err_t check_key_free(const author_t *author, const char *key, fault_t *fault)
{
    current_t current = {0};
    char id[RECORD_ID_TEXT];
    err_t err = store_record_by_key(author->store, &author->self, key, false, &current, fault);
    if (err == ERR_NO_SUCH_RECORD)
        return ERR_OK;
    if (err && err != ERR_AMBIGUOUS_KEY)
        return err;
    if (err == ERR_AMBIGUOUS_KEY)
        return fault_set(fault, ERR_KEY_TAKEN, "key", NULL);
    record_id_format(author->own, current.id, id);
    buf_free(&current.body);
    return fault_set(fault, ERR_KEY_TAKEN, "key", "%s has it%s", id,
                     current.retracted ? " and is retracted" : "");
}

err_t author_put(const author_t *author, const Enlace__V1__Put *put, authored_t *authored,
                 fault_t *fault)
{
    record_t *record = NULL;
    *authored = (authored_t){.act = AUTHORED_CREATE, .revision = 1};
    err_t err = put->json ? from_json(author, put, &record, fault)
                          : from_assignments(author, put, &record, fault);
    if (!err)
        err = check(author, record, NULL, fault);
    if (!err && record->key)
        err = check_key_free(author, record->key, fault);
    if (!err)
        err = make_draft(record, authored, fault);
    record_destroy(&record);
    return err;
}

// ---- edit, retract ----

static err_t read_current(const author_t *author, const Enlace__V1__Ref *ref, bool with_body,
                          current_t *current, fault_t *fault)
{
    if (ref->key)
        return store_record_by_key(author->store, &author->self, ref->key, with_body, current,
                                   fault);
    position_t id = {ref->epoch, ref->lane, ref->number};
    return store_record(author->store, &author->self, id, with_body, current, fault);
}

// The record that a person names, which must be this node's own. Body: the caller's.
static err_t find_own(const author_t *author, const char *text, bool with_body, current_t *current,
                      fault_t *fault)
{
    Enlace__V1__Ref ref = ENLACE__V1__REF__INIT;
    origin_t origin;
    if (!text)
        return fault_set(fault, ERR_MISSING_FIELD, "id", NULL);
    err_t err = ref_parse(text, author->own, &ref);
    if (err)
        return fault_set(fault, err, text, NULL);
    if (strcmp(ref.owner, author->own) == 0)
        err = read_current(author, &ref, with_body, current, fault);
    else if (roster_origin_of(author->roster, ref.owner, &origin))
        err = fault_set(fault, ERR_NOT_OWNER, text, "its owner is %s", ref.owner);
    else
        err = fault_set(fault, ERR_UNKNOWN_MEMBER, ref.owner, NULL);
    mem_free(ref.owner);
    mem_free(ref.key);
    if (err == ERR_NO_SUCH_RECORD || err == ERR_AMBIGUOUS_KEY)
        fault_set(fault, err, text, NULL);
    return err;
}

// Writing over a revision that cannot be read here would lose what it says.
static err_t check_readable(const current_t *current, const char *where, fault_t *fault)
{
    if (current->readable)
        return ERR_OK;
    return fault_set(fault, ERR_TOO_NEW, where,
                     "its newest revision cannot be read here, so a new one would lose it");
}

static err_t check_editable(const Enlace__V1__Edit *edit, const current_t *current, fault_t *fault)
{
    if (current->retracted)
        return fault_set(fault, ERR_RETRACTED, edit->id, NULL);
    if (edit->has_if_revision && edit->if_revision != current->revision)
        return fault_set(fault, ERR_STALE_REVISION, edit->id, "it is at revision %llu by now",
                         (unsigned long long)current->revision);
    if (edit->n_assignments == 0)
        return fault_set(fault, ERR_BAD_ASSIGNMENT, "", "nothing to change is given");
    return check_readable(current, edit->id, fault);
}

static err_t revise(const author_t *author, const Enlace__V1__Edit *edit, record_t *record,
                    const record_t *before, authored_t *authored, fault_t *fault)
{
    err_t err = apply(author, record, edit->n_assignments, edit->assignments, fault);
    if (err)
        return err;
    if (!same_text(record->key, before->key))
        return fault_set(fault, ERR_KEY_FIXED, "key", NULL);
    err = check(author, record, before, fault);
    if (err)
        return err;
    authored->act = same_record(record, before) ? AUTHORED_UNCHANGED : AUTHORED_EDIT;
    if (authored->act == AUTHORED_UNCHANGED)
        return ERR_OK;
    authored->revision++;
    return make_draft(record, authored, fault);
}

err_t author_edit(const author_t *author, const Enlace__V1__Edit *edit, authored_t *authored,
                  fault_t *fault)
{
    current_t current = {0};
    record_t *record = NULL;
    record_t *before = NULL;
    *authored = (authored_t){0};
    err_t err = find_own(author, edit->id, true, &current, fault);
    if (!err)
        err = check_editable(edit, &current, fault);
    if (!err)
        err = record_decode(buf_span(&current.body), &record, fault);
    if (!err)
        err = record_decode(buf_span(&current.body), &before, fault);
    authored->id = current.id;
    authored->revision = current.revision;
    if (!err)
        err = revise(author, edit, record, before, authored, fault);
    record_destroy(&record);
    record_destroy(&before);
    buf_free(&current.body);
    return err;
}

err_t author_retract(const author_t *author, const Enlace__V1__Retract *retract,
                     authored_t *authored, fault_t *fault)
{
    current_t current = {0};
    *authored = (authored_t){0};
    err_t err = find_own(author, retract->id, false, &current, fault);
    buf_free(&current.body);
    if (err)
        return err;
    authored->id = current.id;
    authored->revision = current.revision;
    authored->act = current.retracted ? AUTHORED_UNCHANGED : AUTHORED_RETRACT;
    if (current.retracted)
        return ERR_OK;
    authored->revision++;
    authored->draft = (draft_t){
        .type = CHANGE_RETRACT,
        .has_target = true,
        .target = current.id,
        .min_reader = SCHEMA_VERSION,
    };
    return ERR_OK;
}

// ---- a line of a file ----

static bool is_written(const authored_t *authored)
{
    return authored->act == AUTHORED_CREATE || authored->act == AUTHORED_EDIT;
}

// Of other bytes than those that stand: what of them it takes over, and whether it says
// anything else.
static err_t compare_with(record_t *record, const record_t *before, authored_t *authored,
                          fault_t *fault)
{
    if (record_kind(before) != record_kind(record))
        return fault_set(fault, ERR_KIND_FIXED, "kind", NULL);
    author_keep_unknown(record, before);
    encode(record, authored);
    bool same = encodes_to(before, buf_span(&authored->body));
    authored->act = same ? AUTHORED_UNCHANGED : AUTHORED_EDIT;
    authored->revision += !same;
    return ERR_OK;
}

// With the record that stands under the same key, whose content becomes *before, the
// caller's, where it has to be read.
static err_t compare_current(const current_t *current, record_t *record, record_t **before,
                             authored_t *authored, fault_t *fault)
{
    authored->id = current->id;
    authored->revision = current->revision;
    authored->act = current->retracted ? AUTHORED_STAYS_RETRACTED : AUTHORED_UNCHANGED;
    if (current->retracted)
        return ERR_OK;
    err_t err = check_readable(current, "", fault);
    if (err || span_equal(buf_span(&current->body), buf_span(&authored->body)))
        return err;
    err = record_decode(buf_span(&current->body), before, fault);
    return err ? err : compare_with(record, *before, authored, fault);
}

static err_t compare(const author_t *author, record_t *record, record_t **before,
                     authored_t *authored, fault_t *fault)
{
    current_t current = {0};
    err_t err =
        store_record_by_key(author->store, &author->self, record->key, true, &current, fault);
    if (err == ERR_NO_SUCH_RECORD) {
        authored->act = AUTHORED_CREATE;
        authored->revision = 1;
        return ERR_OK;
    }
    if (!err)
        err = compare_current(&current, record, before, authored, fault);
    buf_free(&current.body);
    return err;
}

// `refs`: what it refers to is looked at as well. The body is encoded already.
static err_t settle(const author_t *author, record_t *record, bool refs, authored_t *authored,
                    fault_t *fault)
{
    record_t *before = NULL;
    err_t err = compare(author, record, &before, authored, fault);
    // An unchanged line is as good as it was when it was written.
    if (!err && refs && is_written(authored))
        err = author_check_refs(author, record, before, fault);
    if (!err && is_written(authored))
        err = fill_draft(authored, fault);
    record_destroy(&before);
    return err;
}

err_t author_settle(const author_t *author, record_t *record, const decoded_t *decoded,
                    authored_t *authored, fault_t *fault)
{
    *authored = (authored_t){0};
    if (!decoded->plain)
        author_adopt_alias(author, record);
    record_apply_defaults(record);
    err_t err = record_check_values(record, fault);
    if (err)
        return err;
    encode(record, authored);
    if (!span_equal(buf_span(&authored->body), decoded->bytes))
        err = record_check_bytes(buf_span(&authored->body), fault);
    if (err)
        return err;
    if (!record->key)
        return fault_set(fault, ERR_MISSING_FIELD, "key", "a line without a key could come twice");
    return settle(author, record, !decoded->plain, authored, fault);
}

err_t author_resettle(const author_t *author, record_t *record, authored_t *authored,
                      fault_t *fault)
{
    *authored = (authored_t){0};
    encode(record, authored);
    return settle(author, record, false, authored, fault);
}
