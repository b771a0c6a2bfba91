#include "tests/unit/record_helpers.h"

#include "lib/fields.h"
#include "lib/value.h"

// ---- the table of kinds against the schema ----

static void test_every_kind_is_a_member_of_the_oneof(void **state)
{
    const ProtobufCMessageDescriptor *record = &enlace__v1__record__descriptor;
    size_t members = 0;
    (void)state;
    for (unsigned i = 0; i < record->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &record->fields[i];
        if (!field_in_oneof(field)) {
            assert_true(field->id < 32);
            continue;
        }
        const kind_t *kind = kind_by_tag(field->id);
        members++;
        assert_true(field->id >= 32);
        assert_non_null(kind);
        assert_string_equal(kind->name, field->name);
        assert_ptr_equal(kind->type, field->descriptor);
        assert_ptr_equal(kind_by_name(field->name), kind);
    }
    assert_int_equal(members, kind_count());
    assert_null(kind_at(kind_count()));
}

// Numbers are part of what is stored: here they stand a second time, by hand.
static void test_kind_numbers_are_fixed(void **state)
{
    static const struct {
        const char *name;
        unsigned tag;
    } fixed[] = {{"coalition", 32},  {"committee", 33}, {"organisation", 34},
                 {"membership", 35}, {"meeting", 37},   {"agreement", 39},
                 {"adoption", 40},   {"guideline", 45}, {"guideline_action", 46},
                 {"project", 48},    {"training", 50},  {"instrument", 51},
                 {"document", 52},   {"body", 55}};
    (void)state;
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        const kind_t *kind = kind_by_name(fixed[i].name);
        assert_non_null(kind);
        assert_int_equal(kind->tag, fixed[i].tag);
        assert_string_equal(kind->label, "TLP:GREEN");
    }
    assert_null(kind_by_name("Coalition"));
    assert_null(kind_by_name(""));
    assert_null(kind_by_tag(0));
    assert_null(kind_by_tag(36));
}

static void test_titles_name_a_field(void **state)
{
    (void)state;
    for (size_t i = 0; i < kind_count(); i++) {
        const char *title = kind_at(i)->title;
        if (title)
            assert_non_null(field_named(kind_at(i)->type, title, strlen(title)));
    }
}

// ---- the rules of proto/README.md, for everything a record can hold ----

static void check_enum(const ProtobufCEnumDescriptor *type)
{
    const ProtobufCEnumValue *zero = protobuf_c_enum_descriptor_get_value(type, 0);
    if (!zero)
        fail_msg("%s has no value 0", type->name);
    const char *end = strstr(zero->name, "UNSPECIFIED");
    if (!end)
        fail_msg("%s is not called UNSPECIFIED", zero->name);
    assert_string_equal(end, "UNSPECIFIED");
    size_t prefix = (size_t)(end - zero->name);
    for (unsigned i = 0; i < type->n_values; i++) {
        const char *name = type->values[i].name;
        assert_memory_equal(name, zero->name, prefix);
        assert_true(name[prefix] >= 'A' && name[prefix] <= 'Z');
    }
}

static void check_type(const ProtobufCMessageDescriptor *type, unsigned depth)
{
    assert_true(depth < 6); // recursion would go on
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        bool scalar = field->type != PROTOBUF_C_TYPE_STRING &&
                      field->type != PROTOBUF_C_TYPE_BYTES &&
                      field->type != PROTOBUF_C_TYPE_MESSAGE;
        assert_true(field->label == PROTOBUF_C_LABEL_OPTIONAL ||
                    field->label == PROTOBUF_C_LABEL_REPEATED);
        if (field_is_list(field) && scalar)
            assert_true(field->flags & PROTOBUF_C_FIELD_FLAG_PACKED);
        assert_null(field->default_value);
        assert_int_not_equal(field->type, PROTOBUF_C_TYPE_FLOAT);
        assert_int_not_equal(field->type, PROTOBUF_C_TYPE_DOUBLE);
        if (type != &enlace__v1__record__descriptor)
            assert_false(field_in_oneof(field));
        if (field->type == PROTOBUF_C_TYPE_ENUM)
            check_enum(field->descriptor);
        if (field->type == PROTOBUF_C_TYPE_MESSAGE)
            check_type(field->descriptor, depth + 1);
    }
}

static void test_schema_keeps_its_rules(void **state)
{
    (void)state;
    check_type(&enlace__v1__record__descriptor, 0);
}

static void test_kinds_and_record_share_no_name(void **state)
{
    static const char *const taken[] = {"id",         "node",       "kind",     "state",
                                        "created_at", "changed_at", "revision", "_unknown"};
    (void)state;
    for (size_t i = 0; i < kind_count(); i++) {
        const ProtobufCMessageDescriptor *type = kind_at(i)->type;
        for (unsigned j = 0; j < type->n_fields; j++) {
            const char *name = type->fields[j].name;
            assert_null(field_named(&enlace__v1__record__descriptor, name, strlen(name)));
            for (size_t k = 0; k < sizeof taken / sizeof *taken; k++)
                assert_string_not_equal(name, taken[k]);
        }
    }
}

// Every row of the tables must name a field that there is, of the right sort.
static const ProtobufCFieldDescriptor *at_path(const kind_t *kind, const char *path)
{
    const ProtobufCMessageDescriptor *type = kind->type;
    const ProtobufCFieldDescriptor *field = NULL;
    for (const char *at = path; *at; at += *at == '.') {
        size_t size = strcspn(at, ".");
        field = field_named(type, at, size);
        assert_non_null(field);
        type = field->descriptor;
        at += size;
    }
    return field;
}

static void test_rules_name_fields(void **state)
{
    static const struct {
        const char *kind, *field, *targets, *scheme;
        format_t format;
    } rules[] = {
        {"membership", "member", "organisation, committee", NULL, FORMAT_FREE},
        {"membership", "coalition", "coalition, committee", NULL, FORMAT_FREE},
        {"meeting", "coalition", "coalition, committee", NULL, FORMAT_FREE},
        {"meeting", "attendance.organisation", "organisation, committee", NULL, FORMAT_FREE},
        {"meeting", "with", "body", NULL, FORMAT_FREE},
        {"meeting", "minutes", "document", NULL, FORMAT_FREE},
        {"agreement", "meeting", "meeting", NULL, FORMAT_FREE},
        {"agreement", "responsible", NULL, NULL, FORMAT_FREE},
        {"adoption", "of", "agreement, plan, guideline, document", NULL, FORMAT_FREE},
        {"guideline_action", "guideline", "guideline", NULL, FORMAT_FREE},
        {"document", "version_of", "document", NULL, FORMAT_FREE},
        {"guideline", "document", "document", NULL, FORMAT_FREE},
        {"instrument", "document", "document", NULL, FORMAT_FREE},
        {"training", "material", "document", NULL, FORMAT_FREE},
        {"project", "participants.organisation", "organisation, committee", NULL, FORMAT_FREE},
        {"organisation", "type", NULL, "htcds-organisation-type", FORMAT_FREE},
        {"organisation", "iati_type", NULL, "iati-organisation-type", FORMAT_FREE},
        {"organisation", "city_code", NULL, "divipola", FORMAT_FREE},
        {"organisation", "services", NULL, "htcds-services", FORMAT_FREE},
        {"project", "status", NULL, "iati-activity-status", FORMAT_FREE},
        {"project", "participants.role", NULL, "iati-organisation-role", FORMAT_FREE},
        {"project", "countries", NULL, NULL, FORMAT_COUNTRY},
        {"committee", "country", NULL, NULL, FORMAT_COUNTRY},
        {"instrument", "country", NULL, NULL, FORMAT_COUNTRY_OR_INTERNATIONAL},
        {"document", "lang", NULL, NULL, FORMAT_LANGUAGE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        assert_non_null(at_path(kind_by_name(rules[i].kind), rules[i].field));
        const char *targets = kind_ref_targets(rules[i].kind, rules[i].field);
        const char *scheme = kind_code_scheme(rules[i].kind, rules[i].field);
        assert_string_equal(targets ? targets : "any", rules[i].targets ? rules[i].targets : "any");
        assert_string_equal(scheme ? scheme : "none", rules[i].scheme ? rules[i].scheme : "none");
        assert_int_equal(kind_format(rules[i].kind, rules[i].field), rules[i].format);
    }
}

// Every code of every kind has a default scheme: otherwise a bare code is refused.
static void check_codes(const kind_t *kind, const ProtobufCMessageDescriptor *type,
                        const char *prefix)
{
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        if (field->type != PROTOBUF_C_TYPE_MESSAGE)
            continue;
        char *path = mem_format("%s%s", prefix, field->name);
        char *inner = mem_format("%s.", path);
        if (field->descriptor == &enlace__v1__code__descriptor)
            assert_non_null(kind_code_scheme(kind->name, path));
        else if (!value_type_of(field->descriptor))
            check_codes(kind, field->descriptor, inner);
        mem_free(path);
        mem_free(inner);
    }
}

static void test_every_code_has_a_default_scheme(void **state)
{
    (void)state;
    for (size_t i = 0; i < kind_count(); i++)
        check_codes(kind_at(i), kind_at(i)->type, "");
}

static void test_references_allowed(void **state)
{
    (void)state;
    assert_true(kind_ref_allowed("membership", "member", "organisation"));
    assert_true(kind_ref_allowed("membership", "member", "committee"));
    assert_false(kind_ref_allowed("membership", "member", "coalition"));
    assert_false(kind_ref_allowed("membership", "member", "organ"));
    assert_false(kind_ref_allowed("membership", "member", "isation"));
    assert_false(kind_ref_allowed("membership", "member", "organisation, committee "));
    assert_false(kind_ref_allowed("membership", "member", ""));
    // "guideline" is a target of an adoption, "guideline_action" is not.
    assert_true(kind_ref_allowed("adoption", "of", "guideline"));
    assert_false(kind_ref_allowed("adoption", "of", "guideline_action"));
    // What the table does not name may be anything.
    assert_true(kind_ref_allowed("agreement", "responsible", "body"));
    assert_true(kind_ref_allowed("nothing", "at_all", "coalition"));
}

static void test_labels(void **state)
{
    static const char *const ordered[] = {"TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT",
                                          "TLP:RED"};
    static const char *const wrong[] = {"",          "GREEN",    "TLP:green",  "tlp:GREEN",
                                        "TLP:WHITE", "TLP:RED ", "TLP:AMBER+", "TLP: RED"};
    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        assert_true(label_valid(ordered[i]));
        assert_int_equal(label_rank(ordered[i]), i);
        assert_string_equal(label_effective(ordered[i]), ordered[i]);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_false(label_valid(wrong[i]));
        assert_int_equal(label_rank(wrong[i]), 4);
        assert_string_equal(label_effective(wrong[i]), "TLP:RED");
    }
    assert_false(label_valid(NULL));
    assert_int_equal(label_rank(NULL), 4);
    assert_string_equal(label_effective(NULL), "TLP:RED");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_is_a_member_of_the_oneof),
        cmocka_unit_test(test_kind_numbers_are_fixed),
        cmocka_unit_test(test_titles_name_a_field),
        cmocka_unit_test(test_schema_keeps_its_rules),
        cmocka_unit_test(test_kinds_and_record_share_no_name),
        cmocka_unit_test(test_rules_name_fields),
        cmocka_unit_test(test_every_code_has_a_default_scheme),
        cmocka_unit_test(test_references_allowed),
        cmocka_unit_test(test_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
