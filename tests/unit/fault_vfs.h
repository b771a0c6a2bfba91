// A VFS of SQLite that fails on demand: everything goes to the default one, but
// the n-th change of a file (write, truncate, sync) fails, and, where asked, every
// one after it until faults_clear.
#ifndef ENLACE_TESTS_UNIT_FAULT_VFS_H
#define ENLACE_TESTS_UNIT_FAULT_VFS_H

#include <sqlite3.h>
#include <stdbool.h>

typedef struct {
    sqlite3_vfs vfs; // name "enlace-faults"
    sqlite3_vfs *real;
    unsigned done;  // changes so far
    unsigned fails; // the change that fails, from 1; 0: none
    bool lasting;
    int code;      // SQLITE_FULL, SQLITE_IOERR_WRITE ...
    unsigned hits; // how many failed
} faults_t;

void faults_register(faults_t *faults);
void faults_unregister(faults_t *faults);
void faults_set(faults_t *faults, unsigned after, bool lasting, int code); // 1: the very next
void faults_clear(faults_t *faults);

#endif
