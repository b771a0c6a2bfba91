// Asking a person before something that cannot be undone.
#ifndef ENLACE_CLIENT_CONFIRM_H
#define ENLACE_CLIENT_CONFIRM_H

#include "client/client.h"

// True where standard input and output are a terminal.
bool confirm_can_ask(void);
// Prints the question and reads an answer: yes in any of the languages that
// coalitions here speak, anything else is no.
bool confirm_ask(const char *question);
// Whether there is a --yes or somebody to ask; else NOT_CONFIRMED, where: `what`.
// Before anything is shown: who is refused is shown nothing.
err_t confirm_possible(const client_t *client, const char *what, fault_t *fault);
// --yes, or the person's yes; else NOT_CONFIRMED.
err_t confirm(const client_t *client, const char *question, const char *what, fault_t *fault);

#endif
