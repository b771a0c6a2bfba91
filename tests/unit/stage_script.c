// What the node has done, against what the script says.
#include "tests/unit/stage_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/mem.h"
#include "tests/unit/vectors.h"

// ---- what the node did ----

static void set_apart(message_t *message, const char *field)
{
    assert_string_equal(field, "credit_limit"); // the only one so far
    if (message->type == MSG_ACK)
        message->as.heads.has_credit = false;
    else if (message->type == MSG_FETCH)
        message->as.fetch.credit_limit = 0;
}

static uint32_t *fetch_out(message_t *message)
{
    switch (message->type) {
    case MSG_FETCH:
        return &message->as.fetch.fetch;
    case MSG_END_FETCH:
        return &message->as.end_fetch.fetch;
    case MSG_FETCH_PAYLOAD:
        return &message->as.payload.fetch;
    default:
        return NULL;
    }
}

// In one form: decoded, without what is set apart, encoded again.
static buf_t in_form(span_t bytes, const char *const *apart, uint32_t *fetch)
{
    message_t message;
    fault_t fault;
    assert_int_equal(message_decode(bytes, &message, &fault), ERR_OK);
    for (; apart && *apart; apart++)
        set_apart(&message, *apart);
    uint32_t *number = fetch_out(&message);
    *fetch = number ? *number : 0;
    if (number)
        *number = 1;
    buf_t form = message_encode(&message);
    message_clear(&message);
    return form;
}

// A fetch is opened under a number of the node's own, and ended under the same.
static void learn_fetch(line_t *line, uint32_t ours, uint32_t script)
{
    assert_true(line->fetch_count < FETCHES_MAX);
    line->fetches[line->fetch_count] = ours;
    line->script_fetches[line->fetch_count++] = script;
}

static char *compare_said(line_t *line, const deed_t *deed, span_t script, const char *const *apart)
{
    uint32_t ours = 0, theirs = 0;
    buf_t bytes = buf_copy(buf_span(&deed->bytes));
    stage_exchange(&bytes, &line->nonce, &line->script_nonce);
    stage_exchange(&bytes, &line->session, &line->script_session);
    buf_t said = in_form(buf_span(&bytes), apart, &ours);
    buf_t expected = in_form(script, apart, &theirs);
    char *differs = vector_compare_bytes("said", buf_span(&said), buf_span(&expected));
    if (!differs && ours)
        learn_fetch(line, ours, theirs);
    buf_free(&bytes);
    buf_free(&said);
    buf_free(&expected);
    return differs;
}

// What may stand between the things that a transcript names: a node's own
// beacons, pings, credit, and heads, that it may tell at any time.
static bool may_stand_between(const deed_t *deed)
{
    message_t message;
    fault_t fault;
    if (deed->did == DID_PUBLISH)
        return deed->bytes.size && deed->bytes.data[0] == (PUB_BEACONS << 3 | 2);
    if (deed->did != DID_SAY || message_decode(buf_span(&deed->bytes), &message, &fault))
        return false;
    bool between = message.type == MSG_BEACONS || message.type == MSG_PING ||
                   message.type == MSG_HEADS ||
                   (message.type == MSG_ACK && message.as.heads.count == 0);
    message_clear(&message);
    return between;
}

char *stage_said(stage_t *stage, const char *name, span_t message, const char *const *apart)
{
    line_t *line = stage_line(stage, name);
    for (size_t i = 0; i < stage->deed_count;) {
        if (stage->deeds[i].did != DID_SAY || stage->deeds[i].link != line->link) {
            i++;
            continue;
        }
        char *differs = compare_said(line, &stage->deeds[i], message, apart);
        bool passed_over = differs && may_stand_between(&stage->deeds[i]);
        if (!differs || passed_over)
            stage_take_deed(stage, i);
        if (!passed_over)
            return differs;
        mem_free(differs);
    }
    char *expected = vector_hex(message.data, message.size);
    char *differs = mem_format("said nothing to %s, expected %s", name, expected);
    mem_free(expected);
    return differs;
}

char *stage_published(stage_t *stage, span_t body)
{
    for (size_t i = 0; i < stage->deed_count;) {
        if (stage->deeds[i].did != DID_PUBLISH) {
            i++;
            continue;
        }
        char *differs = vector_compare_bytes("published", buf_span(&stage->deeds[i].bytes), body);
        bool passed_over = differs && may_stand_between(&stage->deeds[i]);
        if (!differs || passed_over)
            stage_take_deed(stage, i);
        if (!passed_over)
            return differs;
        mem_free(differs);
    }
    return mem_copy_string("published nothing");
}

char *stage_closed(stage_t *stage, const char *name)
{
    const line_t *line = stage_line(stage, name);
    for (size_t i = 0; i < stage->deed_count; i++) {
        if (stage->deeds[i].did == DID_CLOSE && stage->deeds[i].link == line->link) {
            stage_take_deed(stage, i);
            return NULL;
        }
    }
    return mem_format("did not close %s", name);
}

char *stage_nothing_else(stage_t *stage)
{
    static const char *const names[] = {"said", "published", "closed"};
    char *left = NULL;
    for (size_t i = 0; i < stage->deed_count && !left; i++) {
        const deed_t *deed = &stage->deeds[i];
        if (may_stand_between(deed))
            continue;
        char *hex = vector_hex(deed->bytes.data, deed->bytes.size);
        left = mem_format("besides, it %s %s", names[deed->did], hex);
        mem_free(hex);
    }
    stage_forget_deeds(stage);
    return left;
}
