/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clients of a shard, judged again when the files of TLS have changed: whose certificate is
 * revoked, or whose pre-shared key is gone, is not to stay because he was here before.
 *
 * To judge a certificate costs as much as a part of a handshake; so a turn judges some, and
 * messages pass meanwhile.
 */
#ifndef BROKER_REVIEW_H
#define BROKER_REVIEW_H

#include "broker/shard.h"

enum { REVIEWS_MAX = 4 }; /* clients that a turn judges */

/* The shard has new credentials: everyone is to be judged. */
void review_begin(struct shard *shard);

/* Judges some of those who are left; once for each turn. */
void review_go_on(struct shard *shard);

/* Whether some are left. */
bool review_is_due(const struct shard *shard);

/* Puts a link among those that are open, or those that are still to be judged. */
void review_keep(struct shard *shard, struct link *link);

/* Whether a link's peer would come in by the shard's credentials. When not, that is told. */
bool review_admits(struct shard *shard, struct link *link);

#endif
