// A small store with something of everything, and what verify finds in it.
#ifndef ENLACE_TESTS_UNIT_MAKE_DAMAGE_H
#define ENLACE_TESTS_UNIT_MAKE_DAMAGE_H

#include "tests/unit/make_commits.h"

// ---- findings ----

typedef struct {
    buf_t text; // "where reason detail", a line each
} findings_t;

UNUSED_HERE static void note_finding(void *context, const char *where, err_t reason,
                                     const char *detail)
{
    findings_t *findings = context;
    char line[400];
    int size = snprintf(line, sizeof line, "%s %s %s\n", where, err_name(reason), detail);
    buf_append(&findings->text, span_of(line, (size_t)size));
}

// Runs verify. Frees nothing of *findings, which may be NULL.
UNUSED_HERE static verify_t verify_of(const char *path, findings_t *findings)
{
    verify_t verify = {.context = findings, .finding = findings ? note_finding : NULL};
    assert_ok(store_verify(path, &verify, NULL));
    return verify;
}

UNUSED_HERE static void expect_clean(const char *path)
{
    findings_t findings = {{0}};
    verify_t verify = verify_of(path, &findings);
    buf_append(&findings.text, span_of("", 1));
    if (verify.found)
        fail_msg("%s", (const char *)findings.text.data);
    buf_free(&findings.text);
}

// ---- a small store with something of everything ----

UNUSED_HERE static void fill_store(store_t *store)
{
    writer_t a = writer_of(1, 1, 1), a2 = writer_of(1, 2, 1), b = writer_of(2, 1, 1);
    writer_t control = writer_of(2, 1, 0), sealed = writer_of(3, 1, 2);
    found_coalition(store);
    write_record(&a, 0, "{'kind':'organisation','key':'a','acronym':'A','label':'TLP:GREEN'}");
    write_record(&a, 0, "{'kind':'membership','key':'m','member':'@a','coalition':'BB.1/0:7'}");
    append_written(store, &a);
    write_record(&a, 1, "{'kind':'organisation','key':'a','acronym':'A2','label':'TLP:GREEN'}");
    write_retraction(&a, 1, 2);
    append_written(store, &a);
    aim(write_record(&a2, 0, "{'kind':'body','key':'a'}"), 1, 1, 1); // kind-fixed
    aim(write_record(&a2, 0, "{'kind':'body'}"), 1, 1, 9);           // not yet here
    append_written(store, &a2);
    write_record(&b, 0, "{'kind':'organisation','key':'b','example':true}");
    write_record(&b, 0, "{'kind':'organisation','key':'lost'}");
    commit_t *commit = seal_commit(&b);
    lose_payload(commit, 1, PAYLOAD_MISSING);
    commit->has_signature = false;
    assert_ok(store_append(store, commit, 5, NULL));
    commit_destroy(&commit);
    write_record(&b, 0, "{'kind':'body','key':'c'}");
    append_written(store, &b);
    write_change(&control, CHANGE_CONSENT, span_text("yes"));
    append_written(store, &control);
    write_change(&sealed, CHANGE_SEALED, span_text("sealed"));
    append_written(store, &sealed);
    assert_ok(store_add_evidence(store, &b.feed, ERR_FORK, NULL, span_text("proof"), 1, NULL));
    assert_ok(store_commit(store, NULL));
    writer_t *all[] = {&a, &a2, &b, &control, &sealed};
    for (size_t i = 0; i < 5; i++)
        writer_clear(all[i]);
}

UNUSED_HERE static char *make_store(const void *state)
{
    char *path = scratch_path(state, "enlace.db");
    store_t *store = NULL;
    assert_ok(store_open(path, NULL, &store, NULL));
    fill_store(store);
    store_close(&store);
    return path;
}

// ---- damage, one kind at a time ----

// Does `damage` to a copy and returns the findings as text; caller frees.
UNUSED_HERE static char *findings_after(const void *state, const buf_t *whole, const char *damage)
{
    char *path = scratch_path(state, "damaged.db");
    findings_t findings = {{0}};
    sql_t *sql = NULL;
    scratch_write_bytes(state, "damaged.db", buf_span(whole), 0600);
    assert_ok(sql_open(path, NULL, SQL_WRITE, &sql, NULL));
    assert_ok(sql_script(sql, "PRAGMA ignore_check_constraints = ON", NULL));
    fault_t fault = {0};
    if (sql_script(sql, damage, &fault))
        fail_msg("%s: %s", damage, fault.detail);
    if (sqlite3_changes(sql_handle(sql)) == 0)
        fail_msg("changes nothing: %s", damage);
    sql_close(&sql);
    verify_t verify = verify_of(path, &findings);
    assert_int_equal(verify.found > 0, findings.text.size > 0);
    buf_append(&findings.text, span_of("", 1));
    unlink(path);
    mem_free(path);
    return (char *)findings.text.data;
}

#endif
