#include "daemon/control/reply.h"

#include <stdio.h>
#include <string.h>

#include "lib/bounded.h"

static Enlace__V1__ControlReply envelope(uint64_t id, Enlace__V1__ControlReply__BodyCase body)
{
    Enlace__V1__ControlReply reply = ENLACE__V1__CONTROL_REPLY__INIT;
    reply.has_id = true;
    reply.id = id;
    reply.body_case = body;
    return reply;
}

buf_t reply_working(uint64_t id, uint64_t done, uint64_t total)
{
    Enlace__V1__Working working = ENLACE__V1__WORKING__INIT;
    Enlace__V1__ControlReply reply = envelope(id, ENLACE__V1__CONTROL_REPLY__BODY_WORKING);
    working.has_done = working.has_total = total > 0;
    working.done = done;
    working.total = total;
    reply.working = &working;
    return bounded_pack(&reply.base);
}

// A fault may quote bytes from outside, cut anywhere: what is sent is UTF-8.
static void make_text(char *text)
{
    for (size_t end = strlen(text); end > 0 && !utf8_valid(span_of(text, end)); end--)
        text[end - 1] = '\0';
}

buf_t reply_refusal(uint64_t id, err_t reason, const fault_t *fault, uint64_t line)
{
    Enlace__V1__Refusal refusal = ENLACE__V1__REFUSAL__INIT;
    Enlace__V1__ControlReply reply = envelope(id, ENLACE__V1__CONTROL_REPLY__BODY_REFUSAL);
    fault_t copy = fault ? *fault : (fault_t){0};
    char where[sizeof copy.where + 48];
    make_text(copy.where);
    make_text(copy.detail);
    if (line)
        snprintf(where, sizeof where, copy.where[0] ? "line %llu, field %s" : "line %llu",
                 (unsigned long long)line, copy.where);
    else
        snprintf(where, sizeof where, "%s", copy.where);
    refusal.has_reason = true;
    refusal.reason = (uint32_t)reason;
    refusal.where = where[0] ? where : NULL;
    refusal.detail = copy.detail[0] ? copy.detail : NULL;
    refusal.has_line = line > 0;
    refusal.line = line;
    refusal.field = copy.where[0] ? copy.where : NULL;
    reply.refusal = &refusal;
    return bounded_pack(&reply.base);
}

buf_t reply_written(uint64_t id, const char *record, uint64_t revision, bool unchanged)
{
    Enlace__V1__Written written = ENLACE__V1__WRITTEN__INIT;
    Enlace__V1__ControlReply reply = envelope(id, ENLACE__V1__CONTROL_REPLY__BODY_WRITTEN);
    char text[64];
    snprintf(text, sizeof text, "%s", record);
    written.id = text;
    written.has_revision = true;
    written.revision = revision;
    written.has_unchanged = unchanged;
    written.unchanged = unchanged;
    reply.written = &written;
    return bounded_pack(&reply.base);
}

buf_t reply_import(uint64_t id, Enlace__V1__ImportState *state)
{
    Enlace__V1__ControlReply reply = envelope(id, ENLACE__V1__CONTROL_REPLY__BODY_IMPORT_STATE);
    reply.import_state = state;
    return bounded_pack(&reply.base);
}

buf_t reply_page(uint64_t id, Enlace__V1__RecordPage *page)
{
    Enlace__V1__ControlReply reply = envelope(id, ENLACE__V1__CONTROL_REPLY__BODY_PAGE);
    reply.page = page;
    return bounded_pack(&reply.base);
}

buf_t reply_tail(uint64_t id, Enlace__V1__TailPage *page)
{
    Enlace__V1__ControlReply reply = envelope(id, ENLACE__V1__CONTROL_REPLY__BODY_TAIL);
    reply.tail = page;
    return bounded_pack(&reply.base);
}

buf_t reply_digest(uint64_t id, Enlace__V1__DigestReply *digest)
{
    Enlace__V1__ControlReply reply = envelope(id, ENLACE__V1__CONTROL_REPLY__BODY_DIGEST);
    reply.digest = digest;
    return bounded_pack(&reply.base);
}

buf_t reply_verify(uint64_t id, Enlace__V1__VerifyReply *verify)
{
    Enlace__V1__ControlReply reply = envelope(id, ENLACE__V1__CONTROL_REPLY__BODY_VERIFY);
    reply.verify = verify;
    return bounded_pack(&reply.base);
}

buf_t reply_status(uint64_t id, Enlace__V1__StatusReply *status)
{
    Enlace__V1__ControlReply reply = envelope(id, ENLACE__V1__CONTROL_REPLY__BODY_STATUS);
    reply.status = status;
    return bounded_pack(&reply.base);
}

buf_t reply_recover(uint64_t id, Enlace__V1__RecoverReply *recover)
{
    Enlace__V1__ControlReply reply = envelope(id, ENLACE__V1__CONTROL_REPLY__BODY_RECOVER);
    reply.recover = recover;
    return bounded_pack(&reply.base);
}

buf_t reply_epoch(uint64_t id, Enlace__V1__EpochReply *epoch)
{
    Enlace__V1__ControlReply reply = envelope(id, ENLACE__V1__CONTROL_REPLY__BODY_EPOCH);
    reply.epoch = epoch;
    return bounded_pack(&reply.base);
}
