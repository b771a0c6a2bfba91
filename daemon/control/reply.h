// Replies of the control sockets, encoded. Every one ends its request but
// Working. The caller frees.
#ifndef ENLACE_DAEMON_REPLY_H
#define ENLACE_DAEMON_REPLY_H

#include "enlace/v1/control.pb-c.h"
#include "lib/bytes.h"
#include "lib/error.h"

buf_t reply_working(uint64_t id, uint64_t done, uint64_t total);
// line 0: none is to be named. fault NULL: the reason alone.
buf_t reply_refusal(uint64_t id, err_t reason, const fault_t *fault, uint64_t line);
buf_t reply_written(uint64_t id, const char *record, uint64_t revision, bool unchanged);
buf_t reply_import(uint64_t id, Enlace__V1__ImportState *state);
buf_t reply_page(uint64_t id, Enlace__V1__RecordPage *page);
buf_t reply_tail(uint64_t id, Enlace__V1__TailPage *page);
buf_t reply_digest(uint64_t id, Enlace__V1__DigestReply *digest);
buf_t reply_verify(uint64_t id, Enlace__V1__VerifyReply *verify);
buf_t reply_status(uint64_t id, Enlace__V1__StatusReply *status);
buf_t reply_recover(uint64_t id, Enlace__V1__RecoverReply *recover);
buf_t reply_epoch(uint64_t id, Enlace__V1__EpochReply *epoch);

#endif
