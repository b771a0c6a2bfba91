// Bounds of the control protocol (proto/enlace/v1/control.proto), which both
// its sides keep to. A request is one frame, a reply is one frame, and any number
// of Working replies come before the one that ends the request.
#ifndef ENLACE_LIB_CONTROL_H
#define ENLACE_LIB_CONTROL_H

#include "lib/bounded.h"

#define CONTROL_REQUEST_BYTES_MAX (2u * 1024 * 1024)
#define CONTROL_REPLY_BYTES_MAX   (4u * 1024 * 1024)
#define CONTROL_WORKING_MS        500u          // silence much longer than this: the daemon is gone
#define CONTROL_OUTSTANDING_MAX   16u           // requests of one client under way; more are BUSY
#define CONTROL_WAIT_MAX_MS       30000u        // longest wait of a tail
#define CONTROL_ROWS_MAX          200u          // rows of one page
#define CONTROL_IMPORT_CHUNK      (256u * 1024) // bytes of lines that one request had best carry
#define CONTROL_IMPORT_LINES_MAX  4096u         // lines of one request: the loop reads them at once
#define CONTROL_IMPORT_LINE_MAX   (1024u * 1024)
#define CONTROL_FINDINGS_MAX      100u // of a verify that are named

// How the two are read; enum values and fields of a newer daemon get through
// to a client, those of a newer client are refused by a daemon.
static const limits_t control_request_limits = {
    .bytes = CONTROL_REQUEST_BYTES_MAX,
    .fields = 65536,
    .depth = 4,
    .memory = 8u * 1024 * 1024,
    .unknown = false,
};
static const limits_t control_reply_limits = {
    .bytes = CONTROL_REPLY_BYTES_MAX,
    .fields = 262144,
    .depth = 5,
    .memory = 24u * 1024 * 1024,
    .unknown = true,
};

#endif
