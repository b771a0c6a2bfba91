// Errors, on standard error: "enlace: what happened, where: detail; what to do
// next [reason]". The reason can be looked up, and is the same in every language.
#ifndef ENLACE_CLIENT_REPORT_H
#define ENLACE_CLIENT_REPORT_H

#include "client/client.h"

// Prints and gives the exit status that goes with the reason. ERR_OK: prints nothing.
int report(const client_t *client, err_t err, const fault_t *fault);
// The same for "could not reach the node", whatever the reason.
int report_unreachable(const client_t *client, err_t err, const fault_t *fault);
// A warning: the sentence and nothing else.
void report_warning(const char *sentence);

// What is printed, for tests; caller frees. `dir` may be NULL.
char *report_text(err_t err, const fault_t *fault, const char *dir);

#endif
