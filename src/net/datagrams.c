/* SPDX-License-Identifier: Apache-2.0 */
#include "net/datagrams.h"

#include <errno.h>

struct datagrams_inbox {
    struct mmsghdr headers[DATAGRAMS_READ_MAX];
    struct iovec pieces[DATAGRAMS_READ_MAX];
    struct address peers[DATAGRAMS_READ_MAX];
    uint8_t data[DATAGRAMS_READ_MAX][DATAGRAM_SIZE_MAX];
};

struct datagrams_outbox {
    unsigned count;
    size_t used; /* bytes of data */
    int fds[DATAGRAMS_WAIT_MAX];
    struct mmsghdr headers[DATAGRAMS_WAIT_MAX];
    struct iovec pieces[DATAGRAMS_WAIT_MAX];
    struct address peers[DATAGRAMS_WAIT_MAX];
    uint8_t data[DATAGRAMS_WAIT_BYTES];
};

void datagrams_deinit(struct datagrams *datagrams)
{
    datagrams_flush(datagrams);
    memory_give(datagrams->memory, datagrams->inbox, sizeof(*datagrams->inbox));
    memory_give(datagrams->memory, datagrams->outbox, sizeof(*datagrams->outbox));
    datagrams->inbox = NULL;
    datagrams->outbox = NULL;
}

/* ---- Reading ---- */

/* False when memory is short. */
static bool make_inbox(struct datagrams *datagrams)
{
    struct datagrams_inbox *inbox = datagrams->inbox;

    if (inbox)
        return true;
    inbox = memory_take(datagrams->memory, sizeof(*inbox));
    if (!inbox)
        return false;
    for (size_t i = 0; i < DATAGRAMS_READ_MAX; i++) {
        inbox->pieces[i] = (struct iovec){ inbox->data[i], DATAGRAM_SIZE_MAX };
        inbox->headers[i] = (struct mmsghdr){ .msg_hdr = { .msg_iov = &inbox->pieces[i],
                                                      .msg_iovlen = 1,
                                                      .msg_name = &inbox->peers[i].socket } };
    }
    datagrams->inbox = inbox;
    return true;
}

static int throw_one_away(int fd)
{
    uint8_t byte;

    return recv(fd, &byte, 1, MSG_DONTWAIT) < 0 ? -errno : -ENOMEM;
}

int datagrams_read(
        struct datagrams *datagrams, int fd, struct datagram out[static DATAGRAMS_READ_MAX])
{
    struct datagrams_inbox *inbox;
    int count;

    if (!make_inbox(datagrams))
        return throw_one_away(fd);
    inbox = datagrams->inbox;
    for (size_t i = 0; i < DATAGRAMS_READ_MAX; i++)
        inbox->headers[i].msg_hdr.msg_namelen = sizeof(inbox->peers[i].socket);
    count = recvmmsg(fd, inbox->headers, DATAGRAMS_READ_MAX, MSG_DONTWAIT, NULL);
    if (count < 0)
        return -errno;
    for (int i = 0; i < count; i++) {
        out[i].peer =
                address_of(&inbox->peers[i].socket.any, inbox->headers[i].msg_hdr.msg_namelen);
        out[i].data = bytes_of(inbox->data[i], inbox->headers[i].msg_len);
    }
    return count;
}

/* ---- Sending ---- */

static bool make_outbox(struct datagrams *datagrams)
{
    struct datagrams_outbox *outbox = datagrams->outbox;

    if (outbox)
        return true;
    outbox = memory_take(datagrams->memory, sizeof(*outbox));
    if (!outbox)
        return false;
    outbox->count = 0;
    outbox->used = 0;
    datagrams->outbox = outbox;
    return true;
}

static void send_at_once(
        int fd, const struct address *peer, const struct iovec pieces[], size_t count)
{
    struct msghdr message = { .msg_name = (void *)(uintptr_t)&peer->socket,
        .msg_namelen = address_size(peer),
        .msg_iov = (struct iovec *)(uintptr_t)pieces,
        .msg_iovlen = count };

    (void)!sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void datagrams_send(struct datagrams *datagrams, int fd, const struct address *peer,
        const struct iovec pieces[], size_t count)
{
    struct datagrams_outbox *outbox;
    uint8_t *data;
    size_t size = 0;
    unsigned place;

    for (size_t i = 0; i < count; i++)
        size += pieces[i].iov_len;
    if (size > DATAGRAM_SIZE_MAX || !make_outbox(datagrams)) {
        send_at_once(fd, peer, pieces, count);
        return;
    }
    outbox = datagrams->outbox;
    if (outbox->count == DATAGRAMS_WAIT_MAX || outbox->used + size > DATAGRAMS_WAIT_BYTES)
        datagrams_flush(datagrams);
    data = outbox->data + outbox->used;
    for (size_t i = 0; i < count; i++) {
        if (pieces[i].iov_len > 0)
            memcpy(outbox->data + outbox->used, pieces[i].iov_base, pieces[i].iov_len);
        outbox->used += pieces[i].iov_len;
    }
    place = outbox->count++;
    outbox->fds[place] = fd;
    outbox->peers[place] = *peer;
    outbox->pieces[place] = (struct iovec){ data, size };
    outbox->headers[place] =
            (struct mmsghdr){ .msg_hdr = { .msg_name = &outbox->peers[place].socket,
                                      .msg_namelen = address_size(peer),
                                      .msg_iov = &outbox->pieces[place],
                                      .msg_iovlen = 1 } };
}

/* How many from there on are for the same socket. */
static unsigned count_alike(const struct datagrams_outbox *outbox, unsigned first)
{
    unsigned end = first + 1;

    while (end < outbox->count && outbox->fds[end] == outbox->fds[first])
        end++;
    return end - first;
}

void datagrams_flush(struct datagrams *datagrams)
{
    struct datagrams_outbox *outbox = datagrams->outbox;
    unsigned done = 0;

    if (!outbox)
        return;
    while (done < outbox->count) {
        int sent = sendmmsg(outbox->fds[done], outbox->headers + done, count_alike(outbox, done),
                MSG_DONTWAIT | MSG_NOSIGNAL);

        /* One that the network does not take is lost, as on its way. */
        done += sent > 0 ? (unsigned)sent : 1;
    }
    outbox->count = 0;
    outbox->used = 0;
}
