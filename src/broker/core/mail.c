/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/mail.h"

#include <assert.h>

bool outbox_has_room(struct outbox *outbox)
{
    return list_empty(&outbox->waiting) && mailbox_has_room(outbox->mailbox);
}

void outbox_put(struct outbox *outbox, const struct mail *mail)
{
    memcpy(mailbox_put(outbox->mailbox), mail, sizeof(*mail));
}

void outbox_post(struct outbox *outbox, struct letter *letter, const struct mail *mail)
{
    if (list_linked(&letter->link)) {
        letter->mail = *mail;
        return;
    }
    if (outbox_has_room(outbox)) {
        outbox_put(outbox, mail);
        return;
    }
    letter->mail = *mail;
    list_append(&outbox->waiting, &letter->link);
}

void outbox_push(struct outbox *outbox)
{
    struct list *link;

    while (mailbox_has_room(outbox->mailbox) && (link = list_take_first(&outbox->waiting)))
        outbox_put(outbox, &container_of(link, struct letter, link)->mail);
}
