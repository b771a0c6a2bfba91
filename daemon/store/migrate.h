// What a migration does beyond its SQL. Each is kept for ever, as the SQL is, and goes by
// the tables of its own time: nothing here may call what later versions change.
#ifndef ENLACE_DAEMON_STORE_MIGRATE_H
#define ENLACE_DAEMON_STORE_MIGRATE_H

#include "daemon/store/sql.h"

// To version 3: the rows of `change` into the commits that they are of, in commit_new.
// DAMAGED where a commit's changes are not all there.
err_t migrate_commits(sql_t *sql, fault_t *fault);

#endif
