// A node's directory: configuration, key files, charter, and where sockets and
// database lie. Shared by the client's offline commands and the daemon.
//
//   enlaced.conf          ZPL, read through czmq's zconfig
//   keys/root.key         0600 in a directory of 0700: 32-byte seeds, armoured
//   keys/signing.key keys/transport.key keys/sealing.key
//   keys/pending-*.key    a signing key that a card is to name, see lib/keys.h
//   card                  this node's own current card, armoured
//   charter               as accepted (charter armour)
//   boot                  with which database the node last ran: lib/marker.h
//   enlace.db             log, view, cursors
//   lock                  held by whoever writes, see home_lock
//   full/control          control socket, directory 0700
//   read/control          read-only control socket, directory 0750
#ifndef ENLACE_LIB_HOME_H
#define ENLACE_LIB_HOME_H

#include "lib/roster.h"

#define HOME_CONNECTS_MAX 64u

typedef struct {
    char code[CODE_MAX + 1];               // empty: whoever advertises this endpoint
    char endpoint[ENDPOINT_MAX_BYTES + 1]; // the other's link
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
    secret_t *root; // NULL where it is kept offline
    secret_t *signing, *transport, *sealing;
    pubkey_t root_public, signing_public, transport_public, sealing_public;
} keys_t;

// Creates the directory (0710: its group may pass, to read/control, and see
// nothing else), keys, card 1 and enlaced.conf; refuses (EXISTS_ALREADY) where a
// node, or anything, is there already; an empty directory is taken. All or
// nothing: made beside (in an empty one: inside) and renamed into place, enlaced.conf last.
err_t home_create(const char *dir, const config_t *config, fault_t *fault);

// Configuration: unknown names, names given twice, values that ZPL would cut (an
// unquoted '#') or not load again, bad codes, endpoints and languages are refused
// naming the line.
err_t home_config(const char *dir, config_t **config, fault_t *fault);
err_t config_parse(span_t text, config_t **config, fault_t *fault); // where: "line 3"
config_t *config_new(void);
// Sets one option by its name in the file, "node/code", as if read from there;
// "connect/peer" adds one. What several options must agree on: config_check.
err_t config_set(config_t *config, const char *option, const char *value, fault_t *fault);
err_t config_check(const config_t *config, fault_t *fault);
void config_destroy(config_t **config);
buf_t config_print(const config_t *config); // every option explained where it is set

// Refuses key files that group or others can read, or that are not those of the card.
// The root key is loaded only where asked for; NULL where its file is not there.
err_t home_keys(const char *dir, bool with_root, keys_t **keys, fault_t *fault);
void keys_destroy(keys_t **keys);

err_t home_card(const char *dir, card_t **card, fault_t *fault);
err_t home_write_card(const char *dir, const card_t *card, fault_t *fault); // durably
err_t home_charter(const char *dir, charter_t **charter, fault_t *fault);   // NO_CHARTER
// Whether it is a charter that this card's owner can accept: it is in it under its
// own code, root key and card. UNKNOWN_MEMBER, BAD_CARD.
err_t charter_includes(const charter_t *charter, const card_t *own, fault_t *fault);
// Checks (charter_includes too) and writes the accepted charter, durably; LOCKED while a
// daemon runs there. Accepted before: nothing (the same) or OTHER_CHARTER.
err_t home_accept(const char *dir, span_t charter_bytes, fault_t *fault);

// Path of something in the directory; caller frees.
char *home_path(const char *dir, const char *name);
// ipc endpoint of the control socket, short whatever the path is: through a
// directory descriptor, which the caller keeps open while it uses the endpoint
// and closes. `full` or `read`.
err_t home_control(const char *dir, bool full, int *dir_fd, char endpoint[64], fault_t *fault);

// Locks the directory for writing; ERR_LOCKED where somebody else has it. An
// open-file-description lock (fcntl(2), F_OFD_SETLK): like flock's it goes with
// the descriptor, but others can ask whether it is held without taking it, so
// that a client that looks can never make a daemon fail to start.
err_t home_lock(const char *dir, int *fd, fault_t *fault);
void home_unlock(int *fd);
// Whether anybody holds the lock now. NO_DIRECTORY, NOT_ALLOWED.
err_t home_running(const char *dir, bool *running, fault_t *fault);

// For every process that holds a secret key: no core dumps, no ptrace by others.
void secrets_protect_process(void);

// Files: whole contents up to max; atomic durable replacement (temporary file,
// fsync, rename, fsync of the directory). Root gives what it writes to the owner of the directory.
err_t file_read(const char *path, size_t max, buf_t *bytes, fault_t *fault);
err_t file_write(const char *path, span_t bytes, unsigned mode, fault_t *fault);

#endif
