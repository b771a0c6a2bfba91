#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "client/ask.h"
#include "client/commands.h"
#include "client/input.h"
#include "client/report.h"
#include "lib/bounded.h"
#include "lib/control.h"
#include "lib/mem.h"
#include "lib/record_json.h"

// Puts the kind of the command line into the object; one that it has must be the same.
static err_t add_kind(char **text, const char *kind, fault_t *fault)
{
    json_t *object = NULL;
    err_t err = json_parse(*text, strlen(*text), &object, fault);
    if (err)
        return err;
    const json_t *there = json_object_get(object, "kind");
    if (there && (!json_is_string(there) || strcmp(json_string_value(there), kind) != 0))
        err =
            fault_set(fault, ERR_KIND_FIXED, "kind", _("the file's is another than \"%s\""), kind);
    if (!err && !there) {
        json_object_set_new(object, "kind", json_string(kind));
        char *with_kind = json_dumps(object, JSON_COMPACT);
        mem_free(*text);
        *text = mem_copy_string(with_kind);
        free(with_kind);
    }
    json_decref(object);
    return err;
}

static err_t read_json(const client_t *client, char **text, fault_t *fault)
{
    buf_t bytes = {0};
    const char *path = client->options->values[OPT_FILE];
    err_t err = input_read(path, CONTROL_IMPORT_LINE_MAX, &bytes, fault);
    if (!err && memchr(bytes.size ? bytes.data : (const uint8_t *)"x", 0, bytes.size))
        err = fault_set(fault, ERR_NUL_IN_TEXT, input_name(path), NULL);
    if (!err && !utf8_valid(buf_span(&bytes)))
        err = fault_set(fault, ERR_BAD_UTF8, input_name(path), NULL);
    if (!err) {
        buf_append(&bytes, span_of("", 1));
        *text = mem_copy_string((const char *)bytes.data);
        if (client->word_count)
            err = add_kind(text, client->words[0], fault);
    }
    buf_free(&bytes);
    return err;
}

static int put(const client_t *client, Enlace__V1__Put *body)
{
    request_t request = ENLACE__V1__CONTROL_REQUEST__INIT;
    talk_t *talk = NULL;
    reply_t *reply = NULL;
    request.body_case = ENLACE__V1__CONTROL_REQUEST__BODY_PUT;
    request.put = body;
    int status = ask(client, &talk, &request, ENLACE__V1__CONTROL_REPLY__BODY_WRITTEN, &reply);
    if (!status)
        printf("%s\n", reply->written->id);
    talk_free(&reply);
    talk_close(&talk);
    return status;
}

static int put_file(const client_t *client)
{
    Enlace__V1__Put body = ENLACE__V1__PUT__INIT;
    fault_t fault = {0};
    char *text = NULL;
    err_t err = read_json(client, &text, &fault);
    body.json = text;
    int status = err ? report(client, err, &fault) : put(client, &body);
    mem_free(text);
    return status;
}

static int put_assignments(const client_t *client)
{
    Enlace__V1__Put body = ENLACE__V1__PUT__INIT;
    fault_t fault = {0};
    assignments_t assignments;
    err_t err = assignments_make(client->words + 1, client->word_count - 1, &assignments, &fault);
    if (err)
        return report(client, err, &fault);
    char *kind = mem_copy_string(client->words[0]);
    body.kind = kind;
    body.assignments = assignments.items;
    body.n_assignments = assignments.count;
    int status = put(client, &body);
    mem_free(kind);
    assignments_clear(&assignments);
    return status;
}

static int run(const client_t *client)
{
    fault_t fault = {0};
    bool file = client->options->values[OPT_FILE] != NULL;
    if (file && client->word_count > 1)
        fault_set(&fault, ERR_USAGE, "--file", _("the fields come from the file or from the line"));
    else if (!file && client->word_count < 2)
        fault_set(&fault, ERR_USAGE, "put",
                  _("give a kind and at least one FIELD=VALUE, or --file"));
    if (fault.err)
        return report(client, fault.err, &fault);
    return file ? put_file(client) : put_assignments(client);
}

const command_t command_put = {
    .name = "put",
    .line = N_("makes a record of this node's own and prints its id"),
    .synopsis = "KIND FIELD=VALUE...\n[KIND] --file JSON",
    .usage = N_(
        "name=es:Texto sets a text in one language (without prefix: the node's language);\n"
        "budget.currency=EUR a part; agenda.2=TEXT an entry of a list, counted from 1;\n"
        "FIELD:=JSON anything. References are @key (one's own), @CODE:key or CODE:number.\n"
        "--file takes one JSON object, as show --json prints it, from a file or from - (standard\n"
        "input). key=KEY gives the record a name that stays."),
    .more = commands_print_kinds,
    .options = OPTION(OPT_FILE),
    .least_words = 0,
    .most_words = 1000,
    .run = run,
};
