/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The authority's part in enhanced authentication (struct access): the method SCRAM-SHA-256, where
 * the listener has a password file and names are not the transport's to prove.
 *
 * Where CONNECT gives a user name as well, it must be that of the exchange; and who authenticates
 * again must do so as whom it came in.
 */
#ifndef BROKER_AUTH_ENHANCED_H
#define BROKER_AUTH_ENHANCED_H

#include "broker/core/core.h"

/* authenticate() of struct access; the context is a struct authority. */
enum mqtt_reason enhanced_authenticate(void *context, const struct access_step *step,
        void **exchange, struct access_answer *answer);

/* end_exchange() of struct access. */
void enhanced_end(void *context, void *exchange);

#endif
