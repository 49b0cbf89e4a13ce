/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"

#include <stdio.h>
#include <stdlib.h>

void message_free(struct message *message)
{
    free(message->topic);
    free(message->payload);
    MQTTProperties_free(&message->properties);
}

void client_check(bool holds, const char *what, const char *file, int line)
{
    if (holds)
        return;
    fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
    exit(1);
}
