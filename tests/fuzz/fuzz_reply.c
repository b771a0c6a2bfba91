// Replies of a daemon, as a client decodes and prints them. Whatever a node far
// away has written, what reaches a terminal is text: no control character but
// line feeds, nothing that is not UTF-8.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/list_table.h"
#include "client/output.h"
#include "client/record_print.h"
#include "client/status_print.h"
#include "enlace/v1/control.pb-c.h"
#include "lib/control.h"
#include "tests/fuzz/fuzz.h"

#define REPLY(name) ENLACE__V1__CONTROL_REPLY__BODY_##name

static FILE *out;
static char *printed;
static size_t printed_size;

static const screen_t plain = {.terminal = false};
static const screen_t terminal = {.terminal = true, .columns = 60};

static void start(void)
{
    out = open_memstream(&printed, &printed_size);
    FUZZ_EXPECT(out);
    setvbuf(out, NULL, _IOFBF, 1 << 16);
}

static void begin(void)
{
    rewind(out);
}

static bool is_bidi(const unsigned char *at)
{
    return at[0] == 0xe2 && ((at[1] == 0x80 && at[2] >= 0xaa && at[2] <= 0xae) ||
                             (at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9));
}

// `line_end` is what may stand besides LF: CSV and JSON keep to their own.
static void check_text(void)
{
    FUZZ_EXPECT(fflush(out) == 0);
    FUZZ_EXPECT(utf8_valid(span_of(printed, printed_size)));
    for (size_t i = 0; i < printed_size; i++) {
        unsigned char byte = (unsigned char)printed[i];
        FUZZ_EXPECT((byte >= 0x20 && byte != 0x7f) || byte == '\n');
        // U+0080 to U+009F: control characters of eight bits.
        FUZZ_EXPECT(byte != 0xc2 || (unsigned char)printed[i + 1] >= 0xa0);
        FUZZ_EXPECT(!is_bidi((const unsigned char *)&printed[i]));
    }
}

// One line, one value, read by jansson as what was printed; no control characters.
static void check_json(json_t *object)
{
    begin();
    output_json(out, object);
    FUZZ_EXPECT(fflush(out) == 0);
    for (size_t i = 0; i + 1 < printed_size; i++)
        FUZZ_EXPECT((unsigned char)printed[i] >= 0x20 && printed[i] != 0x7f);
    json_t *again = json_loadb(printed, printed_size, JSON_DECODE_ANY, NULL);
    FUZZ_EXPECT(again && json_equal(object, again));
    json_decref(again);
    json_decref(object);
}

static void show_view(const view_t *view, list_table_t *table)
{
    record_t *record = NULL;
    fault_t fault = {0};
    err_t err = view_record(view, &record, &fault);
    fuzz_refused(err, &fault);
    const kind_t *kind = record ? record_kind(record) : NULL;
    if (err)
        return;
    const screen_t *const screens[] = {&plain, &terminal};
    for (size_t i = 0; i < 2; i++) {
        begin();
        view_print(out, screens[i], view, record, "es");
        check_text();
    }
    check_json(view_to_json(view, record));
    begin();
    view_csv_head(out, kind ? kind : kind_at(0));
    view_csv(out, kind ? kind : kind_at(0), view, record, "es");
    list_table_add(table, view, record);
    record_destroy(&record);
}

static void show_views(view_t *const *views, size_t count)
{
    list_table_t *table =
        list_table_new(count && views[0]->kind ? kind_by_name(views[0]->kind) : NULL, "es");
    for (size_t i = 0; i < count; i++)
        show_view(views[i], table);
    begin();
    list_table_print(table, out, &plain);
    check_text();
    begin();
    list_table_print(table, out, &terminal);
    check_text();
    list_table_destroy(&table);
}

static void show(const Enlace__V1__ControlReply *reply)
{
    if (reply->body_case == REPLY(PAGE))
        show_views(reply->page->records, reply->page->n_records);
    else if (reply->body_case == REPLY(TAIL))
        show_views(reply->tail->changes, reply->tail->n_changes);
    if (reply->body_case != REPLY(STATUS))
        return;
    begin();
    status_print(out, &plain, reply->status);
    check_text();
    begin();
    status_print(out, &terminal, reply->status);
    check_text();
    check_json(output_message(&reply->status->base));
}

static void one(span_t input)
{
    ProtobufCMessage *message = NULL;
    fault_t fault = {0};
    err_t err = bounded_unpack(&enlace__v1__control_reply__descriptor, input, &control_reply_limits,
                               &message, &fault);
    fuzz_refused(err, &fault);
    if (message)
        show((const Enlace__V1__ControlReply *)message);
    bounded_free(message);
}

const fuzz_target_t fuzz_target = {
    .one = one, .start = start, .type = &enlace__v1__control_reply__descriptor, .keeps = true};
