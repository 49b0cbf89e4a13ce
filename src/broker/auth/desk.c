/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/desk.h"

#include <openssl/crypto.h>

/* ---- Questions ---- */

/* Copies the bytes that a view shows to where *room points, and moves that behind them. */
static void keep(struct bytes *view, uint8_t **room)
{
    if (view->size > 0)
        memcpy(*room, view->data, view->size);
    view->data = *room;
    *room += view->size;
}

struct question *question_new(const struct memory *memory, size_t size, const struct login *login,
        struct desk *desk, unsigned asker)
{
    size_t whole = size + login->user.size + login->password.size + login->client_id.size +
            login->peer.size + login->certificate_name.size;
    struct question *question = memory_take_zeroed(memory, whole);
    uint8_t *room = (uint8_t *)question + size;

    if (!question)
        return NULL;
    list_init(&question->link);
    question->desk = desk;
    question->size = whole;
    question->asker = asker;
    question->login = *login;
    keep(&question->login.user, &room);
    keep(&question->login.password, &room);
    keep(&question->login.client_id, &room);
    keep(&question->login.peer, &room);
    keep(&question->login.certificate_name, &room);
    return question;
}

void question_free(const struct memory *memory, struct question *question)
{
    size_t size;

    if (!question)
        return;
    if (question->release)
        question->release(question);
    size = question->size;
    OPENSSL_cleanse(question, size);
    memory_give(memory, question, size);
}

void question_answer(struct question *question)
{
    struct desk *desk = question->desk;

    pthread_mutex_lock(&desk->lock);
    list_append(&desk->done, &question->link);
    atomic_store(&desk->any_done, true);
    pthread_mutex_unlock(&desk->lock);
    desk->ring(desk->context);
}

/* ---- Desks ---- */

void desk_init(struct desk *desk, void (*ring)(void *context), void *context)
{
    *desk = (struct desk){ .ring = ring, .context = context };
    list_init(&desk->done);
    pthread_mutex_init(&desk->lock, NULL); /* On Linux it does not fail. */
}

void desk_deinit(struct desk *desk, const struct memory *memory)
{
    struct list *link;

    while ((link = list_take_first(&desk->done)))
        question_free(memory, container_of(link, struct question, link));
    pthread_mutex_destroy(&desk->lock);
}

struct question *desk_take(struct desk *desk)
{
    struct list *link;

    if (!desk_has(desk))
        return NULL;
    pthread_mutex_lock(&desk->lock);
    link = list_take_first(&desk->done);
    if (!link)
        atomic_store(&desk->any_done, false);
    pthread_mutex_unlock(&desk->lock);
    return link ? container_of(link, struct question, link) : NULL;
}
