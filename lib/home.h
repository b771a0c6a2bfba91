// A node's directory: configuration, key files, charter, and where sockets and
// database lie. Shared by the client's offline commands and the daemon.
//
//   enlaced.conf          ZPL, read through czmq's zconfig
//   keys/root.key         0600 in a directory of 0700: 32-byte seeds, armoured
//   keys/signing.key keys/transport.key keys/sealing.key
//   card                  this node's own current card, armoured
//   charter               as accepted (charter armour)
//   enlace.db             log, view, cursors
//   lock                  held with flock by whoever writes
//   full/control          control socket, directory 0700
//   read/control          read-only control socket, directory 0750
#ifndef ENLACE_LIB_HOME_H
#define ENLACE_LIB_HOME_H

#include "lib/roster.h"

#define HOME_CONNECTS_MAX 64u

typedef struct {
    char code[CODE_MAX + 1];                // empty: whoever advertises this endpoint
    char endpoint[ENDPOINT_MAX_BYTES + 1];  // the other's link
} connect_t;

typedef struct {
    char code[CODE_MAX + 1];
    char *name;
    char country[3];
    char lang[16];                          // the node's language, es unless set
    char listen[ENDPOINT_MAX_BYTES + 1];    // empty: outbound only
    char advertise[ENDPOINT_MAX_BYTES + 1]; // empty: as listen
    char socks[ENDPOINT_MAX_BYTES + 1];     // SOCKS5 proxy for outbound links, HOST:PORT
    size_t connect_count;
    connect_t connects[HOME_CONNECTS_MAX];
} config_t;

typedef struct {
    secret_t *root;  // NULL where it is kept offline
    secret_t *signing, *transport, *sealing;
    pubkey_t root_public, signing_public, transport_public, sealing_public;
} keys_t;

// Creates the directory (0700), keys, card 1 and enlaced.conf; refuses
// (EXISTS_ALREADY) where a node is there already. All or nothing: made beside
// and renamed into place.
err_t home_create(const char *dir, const config_t *config, fault_t *fault);

// Configuration: unknown names, values with '"' or '#', bad codes, endpoints and
// numbers are refused naming the line.
err_t home_config(const char *dir, config_t **config, fault_t *fault);
void config_destroy(config_t **config);
buf_t config_print(const config_t *config);  // every option explained where it is set

// Refuses key files that group or others can read.
err_t home_keys(const char *dir, bool with_root, keys_t **keys, fault_t *fault);
void keys_destroy(keys_t **keys);

err_t home_card(const char *dir, card_t **card, fault_t *fault);
err_t home_charter(const char *dir, charter_t **charter, fault_t *fault);  // NO_CHARTER
// Writes the accepted charter, durably. Accepted before: nothing (the same) or OTHER_CHARTER.
err_t home_accept(const char *dir, span_t charter_bytes, fault_t *fault);

// Path of something in the directory; caller frees.
char *home_path(const char *dir, const char *name);
// ipc endpoint of the control socket, short whatever the path is: through a
// directory descriptor, which the caller keeps open while it uses the endpoint
// and closes. `full` or `read`.
err_t home_control(const char *dir, bool full, int *dir_fd, char endpoint[64], fault_t *fault);

// Locks the directory for writing; ERR_LOCKED where somebody else has it.
err_t home_lock(const char *dir, int *fd, fault_t *fault);
void home_unlock(int *fd);

// Files: whole contents up to max; atomic durable replacement (temporary file,
// fsync, rename, fsync of the directory).
err_t file_read(const char *path, size_t max, buf_t *bytes, fault_t *fault);
err_t file_write(const char *path, span_t bytes, unsigned mode, fault_t *fault);

#endif
