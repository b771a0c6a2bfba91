#include "daemon/control/views.h"

#include <string.h>

#include "lib/bounded.h"
#include "lib/mem.h"

// What a view takes beside the record, and a resolved reference beside its path: about.
#define VIEW_BYTES 256u
#define REF_BYTES  (2 * RECORD_ID_TEXT + VIEWS_TITLE_MAX)

void views_new(views_t *views, size_t rows)
{
    *views = (views_t){.rows = rows};
    views->views = mem_alloc_array(rows, sizeof *views->views);
    views->records = mem_alloc_array(rows, sizeof *views->records);
}

void views_clear(views_t *views)
{
    for (size_t i = 0; i < views->count; i++) {
        protobuf_c_message_free_unpacked(&views->views[i]->base, NULL);
        record_destroy(&views->records[i]);
    }
    mem_free(views->views);
    mem_free(views->records);
    *views = (views_t){0};
}

bool views_allow(const views_t *views, const row_t *row)
{
    return views->sealed || (row->id.lane < LANE_OPEN_COUNT && row->change.lane < LANE_OPEN_COUNT);
}

bool views_full(const views_t *views)
{
    return views->count >= views->rows || views->bytes >= VIEWS_BYTES_MAX;
}

record_t *views_decode(const row_t *row)
{
    record_t *record = NULL;
    if (row->body.size == 0 || record_decode(row->body, &record, NULL) != ERR_OK)
        return NULL;
    return record;
}

static const char *type_name(uint32_t type)
{
    static const char *const names[] = {
        [CHANGE_RECORD] = "record",   [CHANGE_RETRACT] = "retract",
        [CHANGE_CONSENT] = "consent", [CHANGE_SEALED] = "sealed",
        [CHANGE_ERASED] = "erased",   [CHANGE_GENERATION] = "generation",
    };
    bool known = type > 0 && type < sizeof names / sizeof *names;
    return known ? names[type] : "unknown";
}

static char *id_text(const char *owner, position_t position)
{
    char text[RECORD_ID_TEXT];
    record_id_format(owner, position, text);
    return mem_copy_string(text);
}

static void set_number(protobuf_c_boolean *has, uint64_t *to, uint64_t value)
{
    *has = true;
    *to = value;
}

static void set_record(Enlace__V1__RecordView *view, span_t body)
{
    view->has_record = true;
    view->record.len = body.size;
    view->record.data = mem_alloc(body.size);
    memcpy(view->record.data, body.data, body.size);
}

static Enlace__V1__RecordView *make_view(const views_t *views, const row_t *row,
                                         const record_t *record)
{
    Enlace__V1__RecordView *view = mem_alloc(sizeof *view);
    enlace__v1__record_view__init(view);
    view->id = id_text(row->owner, row->id);
    view->node = mem_copy_string(row->owner);
    view->kind = mem_copy_string(row->kind);
    view->key = mem_copy_string(row->key);
    if (record)
        view->label = mem_copy_string(label_effective(row->label));
    if (row->type == CHANGE_RECORD || row->type == CHANGE_RETRACT)
        view->state = mem_copy_string(row->retracted ? "retracted" : "standing");
    if (row->revision) // a tail does not count what came before
        set_number(&view->has_revision, &view->revision, row->revision);
    set_number(&view->has_created_ms, &view->created_ms, row->created_ms);
    set_number(&view->has_changed_ms, &view->changed_ms, row->changed_ms);
    if (record)
        set_record(view, row->body);
    err_t note = row->body.size && !record ? ERR_PARKED_CONTENT : row->note;
    view->note = note ? mem_copy_string(err_name(note)) : NULL;
    if (views->change) {
        set_number(&view->has_apply, &view->apply, row->apply);
        view->change = id_text(row->owner, row->change);
        view->type = mem_copy_string(type_name(row->type));
    }
    return view;
}

void views_add(views_t *views, const row_t *row, record_t *record)
{
    ref_at_t *refs = NULL;
    size_t ref_count = record ? record_refs(record, &refs) : 0;
    for (size_t i = 0; i < ref_count; i++)
        views->bytes += REF_BYTES + strlen(refs[i].path);
    mem_free(refs);
    views->refs += ref_count;
    views->bytes += VIEW_BYTES + row->body.size;
    views->views[views->count] = make_view(views, row, record);
    views->records[views->count++] = record;
}

// ---- references ----

// The first bytes of a text, ending with a whole character.
static char *cut_text(const char *text)
{
    size_t size = strlen(text);
    if (size > VIEWS_TITLE_MAX)
        for (size = VIEWS_TITLE_MAX; size > 0 && ((unsigned char)text[size] & 0xc0) == 0x80;)
            size--;
    char *copy = mem_alloc(size + 1);
    memcpy(copy, text, size);
    return copy;
}

static void set_title(const views_t *views, Enlace__V1__ResolvedRef *ref,
                      const resolved_t *resolved)
{
    record_t *record = NULL;
    if (!resolved->body.size || record_decode(buf_span(&resolved->body), &record, NULL) != ERR_OK)
        return;
    const char *title = record_title(record, views->lang);
    if (title[0])
        ref->title = cut_text(title);
    record_destroy(&record);
}

static void set_resolved(const views_t *views, const record_t *record, const ref_at_t *at,
                         const resolved_t *resolved, Enlace__V1__ResolvedRef *ref)
{
    const kind_t *kind = record_kind(record);
    bool hidden = resolved->found && !views->sealed && resolved->id.lane >= LANE_OPEN_COUNT;
    err_t why = hidden ? ERR_NOT_YET_HERE : resolved->why;
    if (!why && resolved->found && kind && resolved->kind[0] &&
        !kind_ref_allowed(kind->name, at->field, resolved->kind))
        why = ERR_WRONG_KIND;
    if (why)
        ref->why = mem_copy_string(err_name(why));
    if (!resolved->found || hidden)
        return;
    ref->id = id_text(at->ref->owner, resolved->id);
    set_title(views, ref, resolved);
}

static err_t resolve_ref(const views_t *views, query_t *query, const record_t *record,
                         const ref_at_t *at, Enlace__V1__ResolvedRef *ref, fault_t *fault)
{
    resolved_t resolved = {0};
    origin_t origin;
    position_t id = {at->ref->epoch, at->ref->lane, at->ref->number};
    ref->field = mem_copy_string(at->path);
    ref->given = ref_format(at->ref);
    if (!at->ref->owner || !roster_origin_of(query->roster, at->ref->owner, &origin)) {
        ref->why = mem_copy_string(err_name(ERR_UNKNOWN_MEMBER));
        return ERR_OK;
    }
    err_t err = reader_resolve(query->reader, &origin, at->ref->key, id, &resolved, fault);
    if (!err)
        set_resolved(views, record, at, &resolved, ref);
    buf_free(&resolved.body);
    return err;
}

static err_t resolve_record(const views_t *views, query_t *query, const record_t *record,
                            Enlace__V1__RecordView *view, fault_t *fault)
{
    ref_at_t *refs = NULL;
    err_t err = ERR_OK;
    size_t count = record_refs(record, &refs);
    view->refs = count ? mem_alloc_array(count, sizeof *view->refs) : NULL;
    for (size_t i = 0; !err && i < count; i++) {
        Enlace__V1__ResolvedRef *ref = mem_alloc(sizeof *ref);
        enlace__v1__resolved_ref__init(ref);
        view->refs[view->n_refs++] = ref;
        err = resolve_ref(views, query, record, &refs[i], ref, fault);
    }
    mem_free(refs);
    return err;
}

err_t views_resolve(views_t *views, query_t *query, fault_t *fault)
{
    err_t err = ERR_OK;
    for (size_t i = 0; !err && i < views->count; i++)
        if (views->records[i])
            err = resolve_record(views, query, views->records[i], views->views[i], fault);
    return err;
}
