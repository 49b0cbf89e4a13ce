/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/simulation/tally.h"

#include <inttypes.h>
#include <stddef.h>

enum need { NEED_ALWAYS, NEED_SHARDS, NEED_NOT };

static const struct {
    const char *name;
    enum need need;
} rows[TALLIES] = {
    [TALLY_STEPS] = { "steps", NEED_ALWAYS },
    [TALLY_PUBLISHED_0] = { "published at QoS 0", NEED_ALWAYS },
    [TALLY_PUBLISHED_1] = { "published at QoS 1", NEED_ALWAYS },
    [TALLY_PUBLISHED_2] = { "published at QoS 2", NEED_ALWAYS },
    [TALLY_RESENT] = { "resent by publishers", NEED_ALWAYS },
    [TALLY_RESENT_TWICE_TAKEN] = { "QoS 1 resent and taken twice", NEED_ALWAYS },
    [TALLY_ACCEPTED] = { "acknowledged to publishers", NEED_ALWAYS },
    [TALLY_REFUSED] = { "refused to publishers", NEED_ALWAYS },
    [TALLY_NOBODY_LISTENED] = { "told that nobody listened", NEED_ALWAYS },
    [TALLY_RECEIVED_0] = { "received at QoS 0", NEED_ALWAYS },
    [TALLY_RECEIVED_1] = { "received at QoS 1", NEED_ALWAYS },
    [TALLY_RECEIVED_2] = { "received at QoS 2", NEED_ALWAYS },
    [TALLY_REPEATED] = { "repeated by the server", NEED_ALWAYS },
    [TALLY_RETAINED_READ] = { "retained copies", NEED_ALWAYS },
    [TALLY_SHARED_RECEIVED] = { "received by group members", NEED_ALWAYS },
    [TALLY_SHARED_AGAIN] = { "handed to another member", NEED_ALWAYS },
    [TALLY_OVERLAPPED] = { "matched several filters", NEED_ALWAYS },
    [TALLY_NO_LOCAL] = { "kept back by no local", NEED_ALWAYS },
    [TALLY_WILL_DUE] = { "wills due", NEED_ALWAYS },
    [TALLY_WILL_RECEIVED] = { "wills received", NEED_ALWAYS },
    [TALLY_WILL_CANCELLED] = { "wills cancelled", NEED_ALWAYS },
    [TALLY_CONNECTED] = { "connected", NEED_ALWAYS },
    [TALLY_CONNECTED_3_1] = { "  with 3.1", NEED_ALWAYS },
    [TALLY_CONNECTED_3_1_1] = { "  with 3.1.1", NEED_ALWAYS },
    [TALLY_CONNECTED_5_0] = { "  with 5.0", NEED_ALWAYS },
    [TALLY_RESUMED] = { "sessions resumed", NEED_ALWAYS },
    [TALLY_EXPIRED_SESSION] = { "sessions expired", NEED_ALWAYS },
    [TALLY_CLEANED] = { "sessions cleaned", NEED_ALWAYS },
    [TALLY_TAKEN_OVER] = { "connections taken over", NEED_ALWAYS },
    [TALLY_STRANGER_REFUSED] = { "strangers refused", NEED_ALWAYS },
    [TALLY_CUT] = { "connections cut", NEED_ALWAYS },
    [TALLY_CUT_INSIDE_PACKET] = { "  inside a packet", NEED_ALWAYS },
    [TALLY_DISCONNECTED] = { "disconnected by clients", NEED_ALWAYS },
    [TALLY_WRONGDOER_ENDED] = { "wrongdoers ended", NEED_ALWAYS },
    [TALLY_ENDED_KEEP_ALIVE] = { "ended for silence", NEED_ALWAYS },
    [TALLY_ENDED_QUEUE_FULL] = { "ended for a full queue", NEED_ALWAYS },
    [TALLY_ENDED_SHUT_DOWN] = { "ended by shutting down", NEED_ALWAYS },
    [TALLY_SUBSCRIBED] = { "subscribed", NEED_ALWAYS },
    [TALLY_UNSUBSCRIBED] = { "unsubscribed", NEED_ALWAYS },
    [TALLY_ALIAS_SENT] = { "aliases used by clients", NEED_ALWAYS },
    [TALLY_ALIAS_RECEIVED] = { "aliases used by the server", NEED_ALWAYS },
    [TALLY_SUBSCRIPTION_ID] = { "subscription ids received", NEED_ALWAYS },
    [TALLY_EXPIRY_RECEIVED] = { "message expiry received", NEED_ALWAYS },
    [TALLY_REFUSED_BY_CLIENT] = { "refused by subscribers", NEED_ALWAYS },
    [TALLY_VERDICT_LATER] = { "clients admitted or refused later", NEED_ALWAYS },
    [TALLY_VERDICT_IN_VAIN] = { "verdicts on clients that were gone", NEED_ALWAYS },
    [TALLY_PARCEL] = { "parcels moved", NEED_SHARDS },
    [TALLY_PARCEL_DELAYED] = { "parcels delayed", NEED_SHARDS },
    [TALLY_WAITED] = { "left unread for room", NEED_ALWAYS },
    [TALLY_PARTIAL_WRITE] = { "partial writes", NEED_ALWAYS },
    [TALLY_TAIL] = { "payloads by reference", NEED_ALWAYS },
    [TALLY_HEAD_WANTED] = { "larger heads wanted", NEED_ALWAYS },
    [TALLY_WOKEN_BY_SHARD] = { "shards woken by shards", NEED_SHARDS },
    [TALLY_TIMER_DUE] = { "timers due", NEED_ALWAYS },
    [TALLY_ANNOUNCED] = { "announced by the server", NEED_ALWAYS },
    [TALLY_ANNOUNCE_DELAYED] = { "announcements put off", NEED_SHARDS },
    [TALLY_MEMORY_REFUSED] = { "memory refused", NEED_ALWAYS },
    [TALLY_COMMITTED] = { "commits", NEED_ALWAYS },
    [TALLY_FETCHED] = { "fetches from the store", NEED_ALWAYS },
    [TALLY_KILLED] = { "kills of the server", NEED_ALWAYS },
    [TALLY_KEPT] = { "sessions known to outlive one", NEED_ALWAYS },
    [TALLY_RECEIVED_ANEW] = { "QoS 1 received anew after one", NEED_ALWAYS },
    [TALLY_CALM] = { "calms, all delivered", NEED_ALWAYS },
    [TALLY_TOLD] = { "drops told and counted as such", NEED_ALWAYS },
    [TALLY_DROPPED_QUEUE_FULL] = { "dropped: queue full", NEED_ALWAYS },
    [TALLY_DROPPED_SLOW_READER] = { "dropped: slow reader", NEED_ALWAYS },
    [TALLY_DROPPED_OFFLINE] = { "dropped: offline", NEED_ALWAYS },
    [TALLY_DROPPED_TOO_LARGE] = { "dropped: too large", NEED_ALWAYS },
    [TALLY_DROPPED_SESSION_ENDED] = { "dropped: session ended", NEED_ALWAYS },
    [TALLY_DROPPED_NO_MEMORY] = { "dropped: no memory", NEED_ALWAYS },
    [TALLY_DROPPED_MAILBOX_FULL] = { "dropped: mailbox full", NEED_NOT },
    [TALLY_DROPPED_REFUSED] = { "dropped: refused", NEED_ALWAYS },
    [TALLY_DROPPED_NOT_ALLOWED] = { "dropped: not allowed", NEED_NOT },
    [TALLY_DROPPED_MEMORY] = { "dropped: memory eviction", NEED_ALWAYS },
    [TALLY_DELAYED] = { "answers to CONNECT held back", NEED_ALWAYS },
    [TALLY_THROTTLED] = { "left unread for their rate", NEED_ALWAYS },
    [TALLY_EXPIRED] = { "expired", NEED_ALWAYS },
    [TALLY_DELIVERED] = { "delivered", NEED_ALWAYS },
    [TALLY_MATCHED] = { "matched", NEED_ALWAYS },
    [TALLY_BYTES_PEAK] = { "most bytes in use", NEED_ALWAYS },
};

void tally_add(struct tally *tally, const struct tally *more)
{
    for (unsigned i = 0; i < TALLIES; i++) {
        if (i != TALLY_BYTES_PEAK)
            tally->counts[i] += more->counts[i];
        else if (tally->counts[i] < more->counts[i])
            tally->counts[i] = more->counts[i];
    }
}

void tally_print(const struct tally *tally, FILE *out)
{
    for (unsigned i = 0; i < TALLIES; i++)
        fprintf(out, "%12" PRIu64 "  %s\n", tally->counts[i], rows[i].name);
}

bool tally_complete(const struct tally *tally, bool sharded, FILE *out)
{
    bool complete = true;

    for (unsigned i = 0; i < TALLIES; i++) {
        if (tally->counts[i] > 0 || rows[i].need == NEED_NOT ||
                (rows[i].need == NEED_SHARDS && !sharded))
            continue;
        fprintf(out, "never happened: %s\n", rows[i].name);
        complete = false;
    }
    return complete;
}
