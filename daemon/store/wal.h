// The write-ahead log as a file, before SQLite opens it.
#ifndef ENLACE_DAEMON_STORE_WAL_H
#define ENLACE_DAEMON_STORE_WAL_H

#include "lib/error.h"

// Only while nobody else has the database open for writing. DISK_FULL, DISK_ERROR.
err_t wal_make_durable(const char *path, const char *vfs_name, fault_t *fault);

#endif
