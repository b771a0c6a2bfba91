#include "client/report.h"

#include <string.h>

#include "client/hints.h"
#include "client/plain.h"
#include "lib/bytes.h"
#include "lib/mem.h"

static void append(buf_t *buf, const char *text)
{
    buf_append(buf, span_text(text));
}

// Words of others may stand in it: they are made plain.
static void append_plain(buf_t *buf, const char *before, const char *text)
{
    if (!text || !*text)
        return;
    char *plain = plain_line(text);
    append(buf, before);
    append(buf, plain);
    mem_free(plain);
}

static void append_hint(buf_t *buf, const char *hint, const char *dir)
{
    static const char place[] = "{dir}";
    append(buf, "; ");
    for (const char *at = hint; *at;) {
        const char *next = strstr(at, place);
        size_t length = next ? (size_t)(next - at) : strlen(at);
        buf_append(buf, span_of(at, length));
        if (next)
            append_plain(buf, "", dir && *dir ? dir : "DIR");
        at += length + (next ? sizeof place - 1 : 0);
    }
}

char *report_text(err_t err, const fault_t *fault, const char *dir)
{
    buf_t text = {0};
    const char *hint = hint_of(err);
    append(&text, "enlace: ");
    append(&text, _(err_text(err)));
    if (fault) {
        append_plain(&text, ", ", fault->where);
        append_plain(&text, ": ", fault->detail);
    }
    if (hint)
        append_hint(&text, _(hint), dir);
    append(&text, " [");
    append(&text, err_name(err));
    append(&text, "]");
    buf_append(&text, span_of("", 1));
    return (char *)text.data;
}

static void print(const client_t *client, err_t err, const fault_t *fault)
{
    char *text = report_text(err, fault, client->dir);
    fflush(stdout); // in the order in which things happened
    fprintf(stderr, "%s%s%s\n", screen_on(&client->err, STYLE_BAD), text,
            screen_off(&client->err, STYLE_BAD));
    mem_free(text);
}

int report(const client_t *client, err_t err, const fault_t *fault)
{
    if (err == ERR_OK)
        return STATUS_DONE;
    print(client, err, fault);
    if (err == ERR_USAGE)
        return STATUS_USAGE;
    bool gone = err == ERR_UNREACHABLE_NODE || err == ERR_OUTCOME_UNKNOWN || err == ERR_STOPPING;
    return gone ? STATUS_UNREACHABLE : STATUS_REFUSED;
}

int report_unreachable(const client_t *client, err_t err, const fault_t *fault)
{
    print(client, err, fault);
    return STATUS_UNREACHABLE;
}

void report_warning(const char *sentence)
{
    char *plain = plain_line(sentence);
    fflush(stdout);
    fprintf(stderr, "enlace: %s\n", plain);
    mem_free(plain);
}
