/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/sn_transport.h"

#include "loop/clock.h"
#include "net/dtls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { MTU = 1232, RECEIVED_SIZE_MAX = 65535 };

struct sn_dtls {
    struct sn_transport below; /* UDP */
    struct tls_client *client;
    struct dtls *dtls; /* NULL: the next one to send begins it */
    uint8_t waiting[DTLS_MESSAGE_SIZE_MAX];
    size_t waiting_size; /* of what is to be sent after the handshake; 0: nothing */
    uint8_t received[RECEIVED_SIZE_MAX];
    uint8_t message[DTLS_MESSAGE_SIZE_MAX];
};

static void send_below(void *context, struct bytes datagram)
{
    struct sn_transport *below = context;

    below->send(below, datagram.data, datagram.size);
}

/* Reads the next message into ->message. Returns its size; 0: none, which may be the end. */
static size_t read_message(struct sn_transport *transport)
{
    struct sn_dtls *own = transport->dtls;
    int size = dtls_read(own->dtls, own->message, sizeof(own->message), clock_now_ms());

    transport->due_ms = dtls_due_ms(own->dtls);
    if (size == -EPROTO)
        transport->failure = dtls_failure(own->dtls);
    if (own->waiting_size > 0 && !dtls_is_unfinished(own->dtls)) {
        dtls_send(own->dtls, bytes_of(own->waiting, own->waiting_size));
        own->waiting_size = 0;
    }
    if (size == 0) {
        dtls_close(own->dtls);
        own->dtls = NULL;
    }
    return size > 0 ? (size_t)size : 0;
}

/* Says hello. */
static void begin(struct sn_transport *transport)
{
    struct sn_dtls *own = transport->dtls;
    struct dtls_options options = { .port = { send_below, &own->below }, .mtu = MTU };

    if (dtls_connect(&own->dtls, own->client, &options) < 0)
        transport->failure = "memory is short";
    else
        read_message(transport);
}

static void renew_dtls(struct sn_transport *transport)
{
    struct sn_dtls *own = transport->dtls;

    dtls_close(own->dtls);
    own->dtls = NULL;
    own->waiting_size = 0;
    transport->due_ms = SN_NEVER_MS;
}

/* Until the handshake is over only the newest datagram waits: all others are sent again anyway. */
static void send_by_dtls(struct sn_transport *transport, const void *data, size_t size)
{
    struct sn_dtls *own = transport->dtls;

    if (!own->dtls)
        begin(transport);
    if (!own->dtls || size > sizeof(own->waiting))
        return;
    if (!dtls_is_unfinished(own->dtls)) {
        dtls_send(own->dtls, bytes_of(data, size));
        return;
    }
    memcpy(own->waiting, data, size);
    own->waiting_size = size;
}

static ssize_t receive_by_dtls(struct sn_transport *transport, void *data, size_t size)
{
    struct sn_dtls *own = transport->dtls;
    size_t read = own->dtls ? read_message(transport) : 0; /* what lies inside comes first */

    while (own->dtls && read == 0 && !transport->failure) {
        ssize_t came = own->below.receive(&own->below, own->received, sizeof(own->received));

        if (came < 0)
            break;
        dtls_receive(own->dtls, bytes_of(own->received, (size_t)came));
        read = read_message(transport);
    }
    if (own->dtls && !transport->failure && dtls_tick(own->dtls, clock_now_ms()) < 0)
        transport->failure = dtls_failure(own->dtls);
    transport->due_ms = own->dtls && !transport->failure ? dtls_due_ms(own->dtls) : SN_NEVER_MS;
    if (read == 0)
        return -1;
    memcpy(data, own->message, read < size ? read : size);
    return (ssize_t)(read < size ? read : size);
}

static void close_dtls(struct sn_transport *transport)
{
    struct sn_dtls *own = transport->dtls;

    dtls_close(own->dtls);
    tls_client_free(own->client);
    if (own->below.fd >= 0)
        own->below.close(&own->below);
    free(own);
    transport->dtls = NULL;
    transport->fd = -1;
}

/* What it trusts and shows. False: it says why. */
static bool make_client(struct tls_client **out, const struct sn_options *options)
{
    char told[FAILURE_SIZE] = "memory is short";
    const struct tls_client_options tls = {
        .ca_file = options->ca_file,
        .ca_folder = options->ca_folder,
        .certificate_file = options->certificate_file,
        .key_file = options->key_file,
        .psk = options->psk,
        .psk_identity = options->psk_identity,
        .ciphers = options->ciphers,
        .server_name = options->host,
        .any_name = options->insecure,
        .kind = &dtls_client_kind,
    };

    if (tls_client_new(out, &tls, told) == 0)
        return true;
    fprintf(stderr, "Error: %s\n", told);
    return false;
}

bool sn_dtls_open(struct sn_transport *transport, const struct sn_options *options)
{
    struct sn_dtls *own = calloc(1, sizeof(*own));

    if (!own) {
        fputs("Error: memory is short\n", stderr);
        return false;
    }
    own->below.fd = -1;
    *transport = (struct sn_transport){ .fd = -1,
        .due_ms = SN_NEVER_MS,
        .dtls = own,
        .renew = renew_dtls,
        .send = send_by_dtls,
        .receive = receive_by_dtls,
        .close = close_dtls };
    if (!make_client(&own->client, options) || !sn_udp_open(&own->below, options)) {
        close_dtls(transport);
        return false;
    }
    transport->fd = own->below.fd;
    return true;
}
