#include "daemon/store/schema.h"

#include <stdio.h>

#include "daemon/store/migrate.h"
#include "lib/mem.h"

// ---- the log ----
//
// Keys are integers that rise as rows come, so that every insert goes to the end
// of its tree. `origin` and `feed` give 16-byte origins and feeds a small number
// of this database's own (ix). `change.id` is the local apply number: rising by
// one, never used again. `commit_log.header` is the truth; its other columns and
// the columns of `change` before `state` repeat it for finding and for the fold.
// CHECKs keep what the code relies on when it reads a row.
static const char migration_1[] =
    "CREATE TABLE meta ("
    "  one INTEGER PRIMARY KEY CHECK (one = 1),"
    "  view_version INTEGER NOT NULL," // what the view was folded with
    "  view_schema INTEGER NOT NULL,"
    "  digest BLOB NOT NULL CHECK (length(digest) = 32),"
    "  fence INTEGER NOT NULL,"
    "  fence_ms INTEGER NOT NULL,"
    "  fence_detail TEXT NOT NULL"
    ") STRICT;"
    "INSERT INTO meta VALUES (1, 0, 0, zeroblob(32), 0, 0, '');"
    "CREATE TABLE origin ("
    "  ix INTEGER PRIMARY KEY,"
    "  origin_id BLOB NOT NULL UNIQUE CHECK (length(origin_id) = 16),"
    "  code TEXT NOT NULL UNIQUE" // of the roster; '?' and hex digits until one names it
    ") STRICT;"
    "CREATE TABLE roster ("
    "  version INTEGER PRIMARY KEY,"
    "  hash BLOB NOT NULL CHECK (length(hash) = 32),"
    "  signed BLOB NOT NULL"
    ") STRICT;"
    "CREATE TABLE card ("
    "  origin INTEGER NOT NULL REFERENCES origin,"
    "  number INTEGER NOT NULL,"
    "  epoch INTEGER NOT NULL,"
    "  hash BLOB NOT NULL CHECK (length(hash) = 32),"
    "  signed BLOB NOT NULL,"
    "  UNIQUE (origin, number)"
    ") STRICT;"
    "CREATE TABLE feed ("
    "  ix INTEGER PRIMARY KEY,"
    "  origin INTEGER NOT NULL REFERENCES origin,"
    "  epoch INTEGER NOT NULL,"
    "  lane INTEGER NOT NULL,"
    "  number INTEGER NOT NULL," // the cursor: 0 where nothing is held
    "  hash BLOB NOT NULL CHECK (length(hash) = 32),"
    "  time_ms INTEGER NOT NULL,"
    "  stopped INTEGER NOT NULL," // err_t
    "  stopped_ms INTEGER NOT NULL,"
    "  UNIQUE (origin, epoch, lane)"
    ") STRICT;"
    "CREATE TABLE commit_log ("
    "  id INTEGER PRIMARY KEY,"
    "  feed INTEGER NOT NULL REFERENCES feed,"
    "  first INTEGER NOT NULL,"
    "  last INTEGER NOT NULL CHECK (last BETWEEN first AND first + 255),"
    "  time_ms INTEGER NOT NULL,"
    "  arrived_ms INTEGER NOT NULL,"
    "  hash BLOB NOT NULL CHECK (length(hash) = 32),"
    "  signature BLOB CHECK (length(signature) = 64)," // only where it was verified
    "  header BLOB NOT NULL,"
    "  UNIQUE (feed, first)"
    ") STRICT;"
    "CREATE TABLE change ("
    "  id INTEGER PRIMARY KEY,"
    "  commit_id INTEGER NOT NULL REFERENCES commit_log,"
    "  feed INTEGER NOT NULL REFERENCES feed,"
    "  number INTEGER NOT NULL,"
    "  type INTEGER NOT NULL,"
    "  target_epoch INTEGER,"
    "  target_lane INTEGER,"
    "  target_number INTEGER,"
    "  min_reader INTEGER NOT NULL,"
    "  commitment BLOB NOT NULL CHECK (length(commitment) = 32),"
    "  state INTEGER NOT NULL CHECK (state IN (1, 2, 3)),"
    "  salt BLOB CHECK (length(salt) = 16),"
    "  body BLOB,"
    "  UNIQUE (feed, number),"
    "  CHECK ((target_epoch IS NULL) = (target_number IS NULL)),"
    "  CHECK ((target_lane IS NULL) = (target_number IS NULL)),"
    "  CHECK ((state = 1) = (body IS NOT NULL)),"
    "  CHECK ((state = 1) = (salt IS NOT NULL))"
    ") STRICT;"
    "CREATE INDEX change_target ON change (feed, target_epoch, target_number)"
    "  WHERE target_number IS NOT NULL;"
    "CREATE INDEX change_missing ON change (state) WHERE state = 3;"
    "CREATE TABLE evidence ("
    "  id INTEGER PRIMARY KEY,"
    "  origin INTEGER NOT NULL REFERENCES origin,"
    "  epoch INTEGER NOT NULL,"
    "  lane INTEGER NOT NULL,"
    "  reason INTEGER NOT NULL,"
    "  arrived_ms INTEGER NOT NULL,"
    "  bytes BLOB NOT NULL"
    ") STRICT;"
    "CREATE INDEX evidence_origin ON evidence (origin);";

// ---- the fence ----
//
// `boot` is the nonce that the marker outside of the database knows, `boot` NULL
// a database that was never run with one. `lifting` is what became of fences, for
// the operator's eyes. A proof is where two chains part: number and both hashes.
static const char migration_2[] = "ALTER TABLE meta ADD COLUMN boot BLOB CHECK (length(boot) = 16);"
                                  "ALTER TABLE feed ADD COLUMN proof_number INTEGER;"
                                  "ALTER TABLE feed ADD COLUMN proof_ours BLOB;"
                                  "ALTER TABLE feed ADD COLUMN proof_theirs BLOB;"
                                  "ALTER TABLE feed ADD COLUMN proof_source TEXT;"
                                  "ALTER TABLE evidence ADD COLUMN number INTEGER;"
                                  "ALTER TABLE evidence ADD COLUMN ours BLOB;"
                                  "ALTER TABLE evidence ADD COLUMN theirs BLOB;"
                                  "ALTER TABLE evidence ADD COLUMN source TEXT;"
                                  "CREATE TABLE lifting ("
                                  "  id INTEGER PRIMARY KEY,"
                                  "  fence INTEGER NOT NULL,"
                                  "  fence_ms INTEGER NOT NULL,"
                                  "  fence_detail TEXT NOT NULL,"
                                  "  how INTEGER NOT NULL," // lift_t
                                  "  lifted_ms INTEGER NOT NULL,"
                                  "  detail TEXT NOT NULL" // who had not answered
                                  ") STRICT;";

// ---- a commit is one row ----
//
// `id` is the local apply number of the commit's first change; the others follow it,
// and no number is used again. `payloads` is as in a Commit message, state and salt
// and body of each change in order; `header` is the truth, the columns before it
// repeat it for finding. `target` has the record changes and retractions by the record
// that they can be of, `missing` the changes whose payload is not here.
static const char migration_3_begin[] =
    "CREATE TABLE commit_new ("
    "  id INTEGER PRIMARY KEY,"
    "  feed INTEGER NOT NULL REFERENCES feed,"
    "  first INTEGER NOT NULL,"
    "  last INTEGER NOT NULL CHECK (last BETWEEN first AND first + 255),"
    "  time_ms INTEGER NOT NULL,"
    "  arrived_ms INTEGER NOT NULL,"
    "  hash BLOB NOT NULL CHECK (length(hash) = 32),"
    "  signature BLOB CHECK (length(signature) = 64)," // only where it was verified
    "  header BLOB NOT NULL,"
    "  payloads BLOB NOT NULL,"
    "  UNIQUE (feed, first)"
    ") STRICT;"
    "CREATE TABLE target ("
    "  feed INTEGER NOT NULL,"  // of the change; its origin and lane are the target's, too
    "  epoch INTEGER NOT NULL," // the target's
    "  number INTEGER NOT NULL,"
    "  change INTEGER NOT NULL,"
    "  PRIMARY KEY (feed, epoch, number, change)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE missing (change INTEGER PRIMARY KEY) STRICT;";
// Tables are emptied before they are dropped: a DROP by itself keeps what the table had in
// memory until it is done.
static const char migration_3_end[] =
    "INSERT INTO target SELECT c.feed, c.target_epoch, c.target_number, c.id FROM change c"
    "  JOIN feed f ON f.ix = c.feed WHERE c.target_lane = f.lane AND c.type IN (1, 2) AND"
    "  (c.target_epoch < f.epoch OR (c.target_epoch = f.epoch AND c.target_number < c.number));"
    "INSERT INTO missing SELECT id FROM change WHERE state = 3;"
    "DELETE FROM change;"
    "DROP TABLE change;"
    "DELETE FROM commit_log;"
    "DROP TABLE commit_log;"
    "ALTER TABLE commit_new RENAME TO commit_log;";

// Over the row as it was written (checksum.h). NULL: not known, from before there was one.
static const char migration_4[] = "ALTER TABLE commit_log ADD COLUMN checksum INTEGER;";

// ---- the view ----
//
// A record's row points at changes instead of copying them: `id` is the change
// that created it, `stands` the one that stands, `newest` the newest revision
// that counts, `content` the one whose payload is read. What is copied is what
// rows are found by. `note` says why `newest` is not the content, 0 where it is.
// Nothing here references the log: it is made from it, and verify compares it.
static const char *const view_tables[] = {"record", "kind_block", "reference", "parked"};
static const char view[] = "CREATE TABLE record ("
                           "  id INTEGER PRIMARY KEY,"
                           "  origin INTEGER NOT NULL,"
                           "  feed INTEGER NOT NULL,"
                           "  number INTEGER NOT NULL,"
                           "  stands INTEGER NOT NULL,"
                           "  newest INTEGER NOT NULL,"
                           "  content INTEGER,"
                           "  state INTEGER NOT NULL,"
                           "  revision INTEGER NOT NULL,"
                           "  created_ms INTEGER NOT NULL,"
                           "  changed_ms INTEGER NOT NULL,"
                           "  note INTEGER NOT NULL,"
                           "  kind INTEGER,"
                           "  example INTEGER NOT NULL,"
                           "  key TEXT,"
                           "  label TEXT"
                           ") STRICT;"
                           "CREATE INDEX record_key ON record (origin, key) WHERE key IS NOT NULL;"
                           "CREATE TABLE kind_block (" // see kind_block.h
                           "  kind INTEGER NOT NULL,"
                           "  feed INTEGER NOT NULL,"
                           "  block INTEGER NOT NULL,"
                           "  PRIMARY KEY (kind, feed, block)"
                           ") STRICT, WITHOUT ROWID;"
                           "CREATE TABLE reference ("
                           "  record INTEGER NOT NULL,"
                           "  place INTEGER NOT NULL," // in field order, from 1
                           "  path TEXT NOT NULL,"
                           "  owner TEXT," // from here on as given, not as resolved
                           "  key TEXT,"
                           "  epoch INTEGER,"
                           "  lane INTEGER,"
                           "  number INTEGER,"
                           "  PRIMARY KEY (record, place)"
                           ") STRICT, WITHOUT ROWID;"
                           "CREATE TABLE parked ("
                           "  change INTEGER PRIMARY KEY,"
                           "  reason INTEGER NOT NULL"
                           ") STRICT;";

// Some need more than SQL: what `convert` does comes between the two.
static const struct {
    const char *begin;
    err_t (*convert)(sql_t *sql, fault_t *fault);
    const char *end;
} migrations[] = {
    {migration_1, NULL, NULL},
    {migration_2, NULL, NULL},
    {migration_3_begin, migrate_commits, migration_3_end},
    {migration_4, NULL, NULL},
};
enum { MIGRATIONS = sizeof migrations / sizeof *migrations };

static err_t read_version(sql_t *sql, int64_t *version, fault_t *fault)
{
    int64_t application = 0, tables = 0;
    err_t err = sql_number(sql, "PRAGMA user_version", SQL_NO_VALUES, 0, version, fault);
    if (!err)
        err = sql_number(sql, "PRAGMA application_id", SQL_NO_VALUES, 0, &application, fault);
    if (!err)
        err =
            sql_number(sql, "SELECT count(*) FROM sqlite_schema", SQL_NO_VALUES, 0, &tables, fault);
    if (err)
        return err;
    bool empty = tables == 0 && *version == 0 && application == 0;
    if (!empty && application != SCHEMA_APPLICATION)
        return fault_set(fault, ERR_DAMAGED, "", "not a database of Enlace");
    if (*version < 0 || (!empty && *version == 0))
        return fault_set(fault, ERR_DAMAGED, "", "a schema version that cannot be");
    if (*version > MIGRATIONS)
        return fault_set(fault, ERR_NEWER_STORE, "", "schema %lld, known here up to %d",
                         (long long)*version, (int)MIGRATIONS);
    return ERR_OK;
}

static err_t migrate_one(sql_t *sql, int64_t version, fault_t *fault)
{
    char numbers[96];
    snprintf(numbers, sizeof numbers, "PRAGMA application_id = %d; PRAGMA user_version = %lld;",
             SCHEMA_APPLICATION, (long long)version + 1);
    err_t err = sql_script(sql, "BEGIN IMMEDIATE", fault);
    if (!err)
        err = sql_script(sql, migrations[version].begin, fault);
    if (!err && migrations[version].convert)
        err = migrations[version].convert(sql, fault);
    if (!err && migrations[version].end)
        err = sql_script(sql, migrations[version].end, fault);
    if (!err)
        err = sql_script(sql, numbers, fault);
    if (!err)
        err = sql_script(sql, "COMMIT", fault);
    if (err && !sqlite3_get_autocommit(sql_handle(sql)))
        sql_script(sql, "ROLLBACK", NULL);
    return err;
}

err_t schema_known(sql_t *sql, fault_t *fault)
{
    int64_t version = 0;
    return read_version(sql, &version, fault);
}

err_t schema_migrate_to(sql_t *sql, int64_t wanted, fault_t *fault)
{
    int64_t version = 0;
    err_t err = read_version(sql, &version, fault);
    for (; !err && version < wanted; version++)
        err = migrate_one(sql, version, fault);
    return err;
}

err_t schema_migrate(sql_t *sql, fault_t *fault)
{
    return schema_migrate_to(sql, MIGRATIONS, fault);
}

err_t schema_check(sql_t *sql, fault_t *fault)
{
    int64_t version = 0;
    err_t err = read_version(sql, &version, fault);
    if (!err && version < MIGRATIONS)
        return fault_set(fault, ERR_CANNOT_READ, "",
                         "the database is of an older version: start the node once");
    return err;
}

// Emptied first, as above.
static err_t drop_table(sql_t *sql, const char *name, fault_t *fault)
{
    static const char find[] =
        "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?1";
    char drop[80];
    int64_t there = 0;
    err_t err = sql_number(sql, find, SQL_ROW(sql_text(name)), 0, &there, fault);
    if (err || !there)
        return err;
    snprintf(drop, sizeof drop, "DELETE FROM %s; DROP TABLE %s", name, name);
    return sql_script(sql, drop, fault);
}

err_t schema_make_view(sql_t *sql, fault_t *fault)
{
    err_t err = ERR_OK;
    for (size_t i = 0; i < sizeof view_tables / sizeof *view_tables && !err; i++)
        err = drop_table(sql, view_tables[i], fault);
    return err ? err : sql_script(sql, view, fault);
}
