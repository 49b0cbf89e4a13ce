/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/review.h"

/* What the link's listener asks of clients; NULL: nothing, everyone may stay. */
static const struct tls_server *judge_of(const struct shard *shard, const struct link *link)
{
    const struct tls_server *tls = shard->credentials->listeners[link->entrance];

    return tls && tls_server_asks(tls) ? tls : NULL;
}

/* Why the link's peer would not come in now; NULL: he would. */
static const char *objection_to(const struct shard *shard, struct link *link)
{
    const struct tls_server *tls = judge_of(shard, link);

    return tls ? stream_objection(link->stream, tls) : NULL;
}

void review_keep(struct shard *shard, struct link *link)
{
    list_append(link->unjudged ? &shard->unjudged : &shard->links, &link->node);
}

static void mark_unjudged(struct shard *shard, struct list *links)
{
    for (struct list *node = links->next; node != links; node = node->next) {
        struct link *link = container_of(node, struct link, node);

        link->unjudged = judge_of(shard, link) != NULL;
    }
}

void review_begin(struct shard *shard)
{
    struct list all;
    struct list *node;

    list_init(&all);
    list_move_all(&all, &shard->links);
    list_move_all(&all, &shard->unjudged);
    while ((node = list_take_first(&all))) {
        struct link *link = container_of(node, struct link, node);

        link->unjudged = judge_of(shard, link) != NULL;
        review_keep(shard, link);
    }
    /* Those that are to be read stay where they are until then. */
    mark_unjudged(shard, &shard->unread);
    mark_unjudged(shard, &shard->leaving);
}

static void judge(struct shard *shard, struct link *link)
{
    const char *objection;

    link->unjudged = false;
    review_keep(shard, link);
    objection = link->state == LINK_OPEN ? objection_to(shard, link) : NULL;
    /* Core names it among those with output, and there it is written and closed. */
    if (objection && link->connection)
        core_withdraw(shard->core, link->connection, objection, shard->now_ms);
}

void review_go_on(struct shard *shard)
{
    for (unsigned i = 0; i < REVIEWS_MAX; i++) {
        struct list *node = list_take_first(&shard->unjudged);

        if (!node)
            return;
        judge(shard, container_of(node, struct link, node));
    }
}

bool review_is_due(const struct shard *shard)
{
    return !list_empty(&shard->unjudged);
}

bool review_admits(struct shard *shard, struct link *link)
{
    const char *objection = objection_to(shard, link);
    struct stream_peer peer;
    char address[ADDRESS_TEXT_SIZE];

    if (!objection)
        return true;
    stream_peer(link->stream, &peer);
    journal_tell(&shard->journal, EVENT_INFO, "connection.failed",
            field_bytes("peer", bytes_of_text(address_format(&peer.address, address))),
            field_number("port", shard->listeners[link->entrance].port),
            field_text("text", objection));
    return false;
}
