#include "daemon/store/content.h"

#include <string.h>

#include "lib/mem.h"

static err_t refusal(uint32_t min_reader, payload_state_t state)
{
    if (min_reader > SCHEMA_VERSION)
        return ERR_PARKED_READER;
    switch (state) {
    case PAYLOAD_PRESENT:
        return ERR_OK;
    case PAYLOAD_ERASED:
        return ERR_PAYLOAD_ERASED;
    case PAYLOAD_MISSING:
        return ERR_PAYLOAD_MISSING;
    }
    return ERR_DAMAGED;
}

static char *copy_text(span_t text)
{
    if (!text.data)
        return NULL;
    char *copy = mem_alloc(text.size + 1);
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    return copy;
}

static err_t glance_at(span_t body, const look_t *look, record_glance_t *glance)
{
    if (!look || !look->glanced)
        return record_glance(body, glance);
    *glance = look->glance;
    return look->refused;
}

static err_t decode(span_t body, const look_t *look, content_t *content)
{
    record_glance_t glance;
    if (glance_at(body, look, &glance) ||
        (!glance.plain && record_decode(body, &content->record, NULL)))
        return ERR_PARKED_CONTENT;
    content->kind = glance.kind;
    content->key = copy_text(glance.key);
    content->label = copy_text(glance.label);
    content->example = glance.example;
    bool good = glance.kind && (!content->key || record_key_valid(content->key));
    return good ? ERR_OK : ERR_PARKED_CONTENT;
}

void content_read(uint32_t type, uint32_t min_reader, payload_state_t state, span_t body,
                  const look_t *look, content_t *content)
{
    *content = (content_t){0};
    if (type != CHANGE_RECORD)
        return;
    err_t why = refusal(min_reader, state);
    if (!why)
        why = decode(body, look, content);
    if (why)
        content_clear(content);
    content->why = why;
}

err_t content_follows(unsigned creation_kind, const char *creation_key, const content_t *revision)
{
    if (revision->kind != creation_kind)
        return ERR_KIND_FIXED;
    if (!creation_key || !revision->key)
        return creation_key == revision->key ? ERR_OK : ERR_KEY_FIXED;
    return strcmp(creation_key, revision->key) == 0 ? ERR_OK : ERR_KEY_FIXED;
}

void content_clear(content_t *content)
{
    record_destroy(&content->record);
    mem_free(content->key);
    mem_free(content->label);
    *content = (content_t){0};
}

const char *content_kind_name(unsigned kind)
{
    const kind_t *found = kind ? kind_by_tag(kind) : NULL;
    return found ? found->name : NULL;
}
