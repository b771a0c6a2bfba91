#include "client/ask.h"

#include "client/report.h"
#include "lib/assign.h"
#include "lib/mem.h"

int ask_open(const client_t *client, talk_t **talk)
{
    fault_t fault = {0};
    if (*talk)
        return STATUS_DONE;
    err_t err = talk_open(client->dir, client->lang, talk, &fault);
    return err ? report_unreachable(client, err, &fault) : STATUS_DONE;
}

int ask(const client_t *client, talk_t **talk, request_t *request,
        Enlace__V1__ControlReply__BodyCase expected, reply_t **reply)
{
    fault_t fault = {0};
    *reply = NULL;
    int status = ask_open(client, talk);
    if (status)
        return status;
    return report(client, talk_ask(*talk, request, expected, reply, &fault), &fault);
}

err_t assignments_make(const char *const *words, size_t count, assignments_t *assignments,
                       fault_t *fault)
{
    *assignments = (assignments_t){.items = mem_alloc_array(count, sizeof(void *))};
    err_t err = ERR_OK;
    for (size_t i = 0; i < count && !err; i++) {
        Enlace__V1__Assignment *item = mem_alloc(sizeof *item);
        bool json = false;
        enlace__v1__assignment__init(item);
        err = assignment_parse(words[i], &item->field, &item->value, &json, fault);
        item->has_json = json;
        item->json = json;
        assignments->items[assignments->count++] = item;
    }
    if (err)
        assignments_clear(assignments);
    return err;
}

void assignments_clear(assignments_t *assignments)
{
    for (size_t i = 0; i < assignments->count; i++) {
        mem_free(assignments->items[i]->field);
        mem_free(assignments->items[i]->value);
        mem_free(assignments->items[i]);
    }
    mem_free(assignments->items);
    *assignments = (assignments_t){0};
}
