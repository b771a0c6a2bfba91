#include <string.h>

#include "lib/record_json.h"

// jansson nests as deep as 2048 and spends a hundred bytes on "[]": so the
// brackets and commas outside of texts are counted before it sees them.
static err_t check_shape(const char *text, size_t size, fault_t *fault)
{
    size_t depth = 0, values = 0;
    bool in_text = false;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        if (in_text && c == '\\')
            i++;
        else if (c == '"')
            in_text = !in_text;
        else if (!in_text && (c == '[' || c == '{'))
            depth++, values++;
        else if (!in_text && c == ',')
            values++;
        else if (!in_text && (c == ']' || c == '}') && depth > 0)
            depth--;
        if (depth > JSON_DEPTH_MAX)
            return fault_set(fault, ERR_TOO_DEEP, "", "at most %u levels", JSON_DEPTH_MAX);
        if (values > JSON_VALUES_MAX)
            return fault_set(fault, ERR_TOO_MANY, "", "at most %u values", JSON_VALUES_MAX);
    }
    return ERR_OK;
}

static err_t reason(const json_error_t *error)
{
    static const struct {
        enum json_error_code code;
        err_t err;
    } reasons[] = {
        {json_error_duplicate_key, ERR_DUPLICATE_NAME},
        {json_error_invalid_utf8, ERR_BAD_UTF8},
        {json_error_null_character, ERR_NUL_IN_TEXT},
        {json_error_null_byte_in_key, ERR_NUL_IN_TEXT},
        {json_error_numeric_overflow, ERR_NUMBER_RANGE},
        {json_error_stack_overflow, ERR_TOO_DEEP},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].code == json_error_code(error))
            return reasons[i].err;
    return ERR_BAD_JSON;
}

// jansson tells the name only within its sentence: duplicate object key near '"name"'.
static void duplicate_name(const json_error_t *error, char *name, size_t size)
{
    const char *start = strchr(error->text, '"');
    const char *end = start ? strrchr(error->text, '"') : NULL;
    name[0] = '\0';
    if (!start || end <= start || (size_t)(end - start) > size)
        return;
    memcpy(name, start + 1, (size_t)(end - start - 1));
    name[end - start - 1] = '\0';
}

static err_t refuse(const json_error_t *error, fault_t *fault)
{
    char name[JSON_ERROR_TEXT_LENGTH] = "";
    err_t err = reason(error);
    if (err == ERR_DUPLICATE_NAME)
        duplicate_name(error, name, sizeof name);
    return fault_set(fault, err, name, "line %d, column %d: %s", error->line, error->column,
                     error->text);
}

static err_t parse(const char *text, size_t size, size_t flags, json_t **json, fault_t *fault)
{
    json_error_t error;
    *json = NULL;
    if (size > JSON_BYTES_MAX)
        return fault_set(fault, ERR_TOO_BIG, "", "at most %u bytes", JSON_BYTES_MAX);
    err_t err = check_shape(text, size, fault);
    if (err != ERR_OK)
        return err;
    *json = json_loadb(text, size, flags | JSON_REJECT_DUPLICATES, &error);
    return *json ? ERR_OK : refuse(&error, fault);
}

err_t json_parse(const char *text, size_t size, json_t **object, fault_t *fault)
{
    err_t err = parse(text, size, 0, object, fault);
    if (err != ERR_OK || json_is_object(*object))
        return err;
    json_decref(*object);
    *object = NULL;
    return fault_set(fault, ERR_WRONG_TYPE, "", "an object belongs here");
}

err_t json_parse_value(const char *text, size_t size, json_t **value, fault_t *fault)
{
    return parse(text, size, JSON_DECODE_ANY, value, fault);
}
