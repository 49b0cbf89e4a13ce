/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How QoS 2 messages leave a session that outlives the process. A receiver knows such a message by
 * its packet id; so the store has to have that before the message goes out, or after a restart it
 * would go out again under another one. It is staged: it gets its packet id and moves into flight,
 * a note goes to the store, and it is sent when the note is durable.
 *
 * Staged messages lie at the end of the flight and count as to be sent again (outgoing.h), but for
 * the first time.
 */
#ifndef BROKER_CORE_LAUNCH_H
#define BROKER_CORE_LAUNCH_H

#include "broker/core/session.h"

/* The queue or the window has changed: what is first in the queue may have to be staged. */
void launch_later(struct core *core, struct session *session);

/* At the turn's end, before its records go to the store. */
void launches_stage(struct core *core);

/* Must this queued delivery be staged before it is sent? */
bool launch_is_needed(
        const struct core *core, const struct session *session, const struct delivery *delivery);

/* A staged delivery may be sent now? And one has been, or will never be. */
bool launch_is_sure(const struct session *session);
void launch_over(struct session *session, struct delivery *delivery);

/*
 * A message of QoS 1 goes out before the store knows that it does. Its packet id is noted when the
 * client goes and has not acknowledged it: then it is sent again under that one, by another run of
 * the server, too. Where memory is short it gets another one there.
 */
void launch_note_sent(struct core *core, struct session *session);

/* May this queued delivery have been sent to the client by a server that was killed meanwhile? */
bool launch_is_in_doubt(
        const struct core *core, const struct session *session, const struct delivery *delivery);

/* The turn's position is known; the store has come so far. */
void stages_settle(struct core *core, uint64_t position);
void stages_release(struct core *core, uint64_t durable);

/* The session ends, or begins a flight anew. */
void launch_forget(struct core *core, struct session *session);

#endif
