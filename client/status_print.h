// A status for people: the node, its peers, the feeds, what was refused.
#ifndef ENLACE_CLIENT_STATUS_PRINT_H
#define ENLACE_CLIENT_STATUS_PRINT_H

#include "client/screen.h"
#include "enlace/v1/control.pb-c.h"

void status_print(FILE *out, const screen_t *screen, const Enlace__V1__StatusReply *status);

#endif
