// The write-ahead log as a file.
#ifndef ENLACE_DAEMON_STORE_WAL_H
#define ENLACE_DAEMON_STORE_WAL_H

#include "lib/error.h"

// How long the file is made and stays: what is longer is cut when it is begun again, by the writer,
// who waits for it. So it is as long as it becomes where checkpoints keep up.
// More than WAL_BYTES_MAX (internal.h), beyond which the writer empties it itself: by a turn.
#define WAL_RESERVED_BYTES (8u * 1024 * 1024)
#define WAL_KEPT_BYTES     75497472 // 72 MiB; as SQL has it

// Before SQLite opens it, while nobody else has the database open for writing.
// DISK_FULL, DISK_ERROR.
err_t wal_make_durable(const char *path, const char *vfs_name, fault_t *fault);
// After the store is open, before anybody writes through it: zeros behind what the
// WAL holds, up to WAL_RESERVED_BYTES. For speed alone: where there is no room for
// them the file stays as it was.
void wal_reserve(const char *path);

#endif
