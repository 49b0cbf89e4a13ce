/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of several names somebody may have meant who has written another one: "did you mean".
 *
 *     struct nearest nearest = nearest_to(bytes_of_text("lisener"));
 *
 *     nearest_offer(&nearest, "log_dest");
 *     nearest_offer(&nearest, "listener");   // nearest.name is "listener"
 */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include "base/bytes.h"

struct nearest {
    struct bytes written; /* borrowed */
    unsigned edits;       /* a name that takes fewer of them is nearer */
    const char *name;     /* borrowed from the offers; NULL: none is near */
};

/* Nothing is offered yet. */
struct nearest nearest_to(struct bytes written);

/* One of the names; of several that are as near as each other, the first counts. NULL is none. */
void nearest_offer(struct nearest *nearest, const char *name);

#endif
