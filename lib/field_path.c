#include "lib/field_path.h"

#include <string.h>

#include "lib/fields.h"

// A path as its steps: a name, with a place where one follows it.
typedef struct {
    const char *name;
    size_t size;
    size_t place; // 0: none given
} step_t;

typedef struct {
    step_t steps[FIELD_PATH_DEPTH];
    size_t count;
} steps_t;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// A place above what a list can hold is cut there: it is over the bound all the same.
static size_t place_of(const char *text, size_t size)
{
    size_t place = 0;
    for (size_t i = 0; i < size; i++) {
        if (!is_digit(text[i]))
            return 0;
        place = place * 10 + (size_t)(text[i] - '0');
        if (place > RECORD_LIST_MAX)
            place = RECORD_LIST_MAX + 1;
    }
    return place;
}

static bool add_step(steps_t *steps, const char *text, size_t size)
{
    if (size == 0)
        return false;
    if (!is_digit(text[0])) {
        if (steps->count == FIELD_PATH_DEPTH)
            return false;
        steps->steps[steps->count++] = (step_t){text, size, 0};
        return true;
    }
    step_t *last = steps->count > 0 ? &steps->steps[steps->count - 1] : NULL;
    if (!last || last->place > 0 || text[0] == '0')
        return false;
    last->place = place_of(text, size);
    return last->place > 0;
}

static err_t split(const char *path, steps_t *steps, fault_t *fault)
{
    *steps = (steps_t){0};
    for (const char *at = path;; at++) {
        size_t size = strcspn(at, ".");
        if (!add_step(steps, at, size))
            return fault_set(fault, ERR_UNKNOWN_FIELD, path, "places in a list count from 1");
        at += size;
        if (*at == '\0')
            return ERR_OK;
    }
}

static err_t unknown_field(const trail_t *trail, fault_t *fault)
{
    return fault_set(fault, ERR_UNKNOWN_FIELD, trail->path, NULL);
}

// One name further: into the record and its kind at the first, then by type.
static const ProtobufCFieldDescriptor *look_up(const record_t *record, const step_t *step,
                                               field_at_t *at, bool first)
{
    if (first)
        return record_field(record, step->name, step->size, &at->message);
    const ProtobufCMessageDescriptor *type = at->field->descriptor;
    const value_type_t *value = value_type_of(type);
    return value && !value->sub_fields ? NULL : field_named(type, step->name, step->size);
}

static err_t check_step(const step_t *step, bool last, field_at_t *at, fault_t *fault)
{
    if (step->place > 0 && !field_is_list(at->field))
        return fault_set(fault, ERR_UNKNOWN_FIELD, at->trail.path, "not a list");
    if (!last && at->field->type != PROTOBUF_C_TYPE_MESSAGE)
        return fault_set(fault, ERR_UNKNOWN_FIELD, at->trail.path, "has no fields of its own");
    return ERR_OK;
}

static err_t check_place(const step_t *step, bool create, field_at_t *at, fault_t *fault)
{
    size_t count = at->message ? field_count(at->message, at->field) : 0;
    if (step->place > RECORD_LIST_MAX)
        return fault_set(fault, ERR_TOO_MANY, at->trail.path, "at most %u entries",
                         RECORD_LIST_MAX);
    if (step->place > count + (create ? 1 : 0))
        return fault_set(fault, ERR_BAD_VALUE, at->trail.path, "the list has %zu entries", count);
    return ERR_OK;
}

// Goes into the message at the step, made where that is asked for and needed.
static err_t enter(const step_t *step, bool create, field_at_t *at, fault_t *fault)
{
    if (!field_is_list(at->field)) {
        bool there = at->message && field_count(at->message, at->field) > 0;
        if (!there && !create)
            at->message = NULL;
        else
            at->message = *(ProtobufCMessage **)(there ? field_value(at->message, at->field, 0)
                                                       : field_add(at->message, at->field));
        return ERR_OK;
    }
    if (step->place == 0)
        return fault_set(fault, ERR_BAD_ASSIGNMENT, at->trail.path,
                         "a list: say which entry, as in %s.1", at->trail.path);
    err_t err = check_place(step, create, at, fault);
    if (err != ERR_OK)
        return err;
    bool there = step->place <= field_count(at->message, at->field);
    at->message =
        *(ProtobufCMessage **)(there ? field_value(at->message, at->field, step->place - 1)
                                     : field_add(at->message, at->field));
    return ERR_OK;
}

static void leave_trail(const step_t *step, trail_t *trail)
{
    if (step->place > 0)
        trail_place(trail, step->place);
}

err_t field_path_open(record_t *record, const char *path, bool create, field_at_t *at,
                      fault_t *fault)
{
    steps_t steps;
    *at = (field_at_t){0};
    err_t err = split(path, &steps, fault);
    for (size_t i = 0; i < steps.count && err == ERR_OK; i++) {
        const step_t *step = &steps.steps[i];
        bool last = i + 1 == steps.count;
        trail_name_sized(&at->trail, step->name, step->size);
        at->field = look_up(record, step, at, i == 0);
        if (!at->field)
            return unknown_field(&at->trail, fault);
        err = check_step(step, last, at, fault);
        if (err == ERR_OK && !last)
            err = enter(step, create, at, fault);
        if (err == ERR_OK && last && step->place > 0)
            err = check_place(step, create, at, fault);
        leave_trail(step, &at->trail);
        at->place = step->place;
    }
    return err;
}

err_t field_path_find(const record_t *record, const char *path, field_at_t *at, fault_t *fault)
{
    steps_t steps;
    *at = (field_at_t){0};
    err_t err = split(path, &steps, fault);
    for (size_t i = 0; i < steps.count && err == ERR_OK; i++) {
        const step_t *step = &steps.steps[i];
        trail_name_sized(&at->trail, step->name, step->size);
        at->field = look_up(record, step, at, i == 0);
        if (!at->field)
            return unknown_field(&at->trail, fault);
        err = check_step(step, i + 1 == steps.count, at, fault);
        leave_trail(step, &at->trail);
    }
    at->message = NULL;
    return err;
}

typedef struct {
    field_value_visitor_t *visitor;
    void *context;
} each_t;

// As deep as the path has steps.
static void each(const each_t *each_one, const ProtobufCMessage *message,
                 const ProtobufCFieldDescriptor *field, const step_t *step, size_t left)
{
    size_t count = field_count(message, field);
    size_t from = step->place > 0 ? step->place - 1 : 0;
    size_t to = step->place > 0 && step->place < count ? step->place : count;
    for (size_t i = from; i < to; i++) {
        const void *value = field_value(message, field, i);
        if (left == 1) {
            each_one->visitor(each_one->context, field, value);
            continue;
        }
        const ProtobufCMessage *inner = *(ProtobufCMessage *const *)value;
        each(each_one, inner, field_named(inner->descriptor, step[1].name, step[1].size), step + 1,
             left - 1);
    }
}

void field_path_each(const record_t *record, const char *path, field_value_visitor_t *visitor,
                     void *context)
{
    steps_t steps;
    ProtobufCMessage *holder = NULL;
    if (split(path, &steps, NULL) != ERR_OK)
        return;
    const ProtobufCFieldDescriptor *field =
        record_field(record, steps.steps[0].name, steps.steps[0].size, &holder);
    if (field)
        each(&(each_t){visitor, context}, holder, field, steps.steps, steps.count);
}
