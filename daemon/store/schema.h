// The shape of the database. The log's tables change by numbered migrations,
// forward only, kept for ever; the view's tables are always made new from what
// this version says (daemon/store/rebuild.c), since the log can fill them again.
//
// PRAGMA user_version is the number of the last migration.
#ifndef ENLACE_DAEMON_STORE_SCHEMA_H
#define ENLACE_DAEMON_STORE_SCHEMA_H

#include "daemon/store/sql.h"

#define SCHEMA_APPLICATION 0x456e6c63 // "Enlc", PRAGMA application_id

// Before anything is changed in a file: NEWER_STORE; DAMAGED where it is a
// database of something else.
err_t schema_known(sql_t *sql, fault_t *fault);
// Each pending migration in a transaction of its own.
err_t schema_migrate(sql_t *sql, fault_t *fault);
// The same up to a version, for the tests of later ones.
err_t schema_migrate_to(sql_t *sql, int64_t version, fault_t *fault);
// For readers: NEWER_STORE, or CANNOT_READ where a migration is pending.
err_t schema_check(sql_t *sql, fault_t *fault);
// Drops the view's tables, where there are any, and makes them empty.
err_t schema_make_view(sql_t *sql, fault_t *fault);

#endif
