/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A relay that speaks DTLS for devices that do not: each address that sends it a datagram in the
 * clear gets a socket and an association of its own with the server, as if it spoke DTLS itself.
 *
 *     dtls_relay SERVER_PORT [psk IDENTITY HEXKEY] [ca FILE] [cert FILE KEYFILE] [cipher LIST]
 *
 * Lines on its output tell the port that it listens at, then what becomes of associations, which
 * are numbered from 0: "up N CIPHER", "failed N REASON", "ended N". It ends with its input.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DEVICES_MAX = 1000, DATAGRAM_MAX = 16384, WAITING_MAX = 4, FIRST_DEVICE = 2, TICK_MS = 100 };

struct device {
    struct sockaddr_in address;
    SSL *ssl; /* NULL: its association is over */
    bool is_up;
    char waiting[WAITING_MAX][DATAGRAM_MAX]; /* until it is up */
    ssize_t waiting_sizes[WAITING_MAX];
    int waiting_count;
};

struct relay {
    int door;
    SSL_CTX *context;
    struct sockaddr_in server;
    struct device *devices[DEVICES_MAX];
    struct pollfd polls[FIRST_DEVICE + DEVICES_MAX];
    int count;
};

static const char *psk_identity;
static unsigned char psk_key[64];
static unsigned psk_size;

static void give_up(const char *what)
{
    perror(what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static void tell(const char *what, int number, const char *more)
{
    printf("%s %d%s%s\n", what, number, more ? " " : "", more ? more : "");
    fflush(stdout);
}

static int open_socket(const struct sockaddr_in *peer)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
            (peer && connect(fd, (const struct sockaddr *)peer, sizeof(*peer)) < 0))
        give_up("socket");
    return fd;
}

/* ---- What the relay shows ---- */

static unsigned show_key(SSL *ssl, const char *hint, char *identity, unsigned identity_max,
        unsigned char *key, unsigned key_max)
{
    (void)ssl;
    (void)hint;
    if (strlen(psk_identity) >= identity_max || psk_size > key_max)
        return 0;
    strcpy(identity, psk_identity);
    memcpy(key, psk_key, psk_size);
    return psk_size;
}

static void read_key(const char *digits)
{
    for (psk_size = 0; psk_size < sizeof(psk_key); psk_size++) {
        unsigned byte;

        if (sscanf(digits + 2 * psk_size, "%2x", &byte) != 1)
            return;
        psk_key[psk_size] = (unsigned char)byte;
    }
}

static int take_option(SSL_CTX *context, char **argument)
{
    const char *name = argument[0];

    if (strcmp(name, "psk") == 0) {
        psk_identity = argument[1];
        read_key(argument[2]);
        SSL_CTX_set_psk_client_callback(context, show_key);
        return 3;
    }
    if (strcmp(name, "ca") == 0) {
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
        return SSL_CTX_load_verify_file(context, argument[1]) == 1 ? 2 : 0;
    }
    if (strcmp(name, "cert") == 0)
        return SSL_CTX_use_certificate_chain_file(context, argument[1]) == 1 &&
                        SSL_CTX_use_PrivateKey_file(context, argument[2], SSL_FILETYPE_PEM) == 1
                ? 3
                : 0;
    return strcmp(name, "cipher") == 0 && SSL_CTX_set_cipher_list(context, argument[1]) == 1 ? 2
                                                                                             : 0;
}

static SSL_CTX *make_context(char **arguments)
{
    SSL_CTX *context = SSL_CTX_new(DTLS_client_method());

    if (!context || SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION) != 1)
        give_up("context");
    while (*arguments) {
        int taken = take_option(context, arguments);

        if (taken == 0)
            give_up(*arguments);
        arguments += taken;
    }
    return context;
}

/* ---- Associations ---- */

static void end_device(struct relay *relay, int number, const char *what, const char *why)
{
    struct device *device = relay->devices[number];

    tell(what, number, why);
    SSL_free(device->ssl);
    device->ssl = NULL;
    close(relay->polls[FIRST_DEVICE + number].fd);
    relay->polls[FIRST_DEVICE + number].fd = -1;
}

static void flush_waiting(struct device *device)
{
    for (int i = 0; i < device->waiting_count; i++)
        SSL_write(device->ssl, device->waiting[i], (int)device->waiting_sizes[i]);
    device->waiting_count = 0;
}

/* Lets OpenSSL do what it can: shake hands, and read what has come for the device. */
static void serve_device(struct relay *relay, int number)
{
    struct device *device = relay->devices[number];
    char data[DATAGRAM_MAX];
    int size;

    ERR_clear_error();
    DTLSv1_handle_timeout(device->ssl);
    while ((size = SSL_read(device->ssl, data, sizeof(data))) > 0)
        sendto(relay->door, data, (size_t)size, 0, (struct sockaddr *)&device->address,
                sizeof(device->address));
    if (SSL_is_init_finished(device->ssl) && !device->is_up) {
        device->is_up = true;
        tell("up", number, SSL_get_cipher_name(device->ssl));
        flush_waiting(device);
    }
    switch (SSL_get_error(device->ssl, size)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return;
    case SSL_ERROR_ZERO_RETURN:
        end_device(relay, number, "ended", NULL);
        return;
    default:
        /* The port may not be open yet, or any more: the handshake goes on trying. */
        if (ERR_peek_error() != 0)
            end_device(relay, number, "failed", ERR_reason_error_string(ERR_peek_error()));
    }
}

static int add_device(struct relay *relay, const struct sockaddr_in *address)
{
    struct device *device = calloc(1, sizeof(*device));
    int number = relay->count++;
    int fd = open_socket(&relay->server);
    BIO *bio = BIO_new_dgram(fd, BIO_NOCLOSE);
    BIO_ADDR *peer = BIO_ADDR_new();

    if (!device || !bio || !peer || number >= DEVICES_MAX ||
            !(device->ssl = SSL_new(relay->context)))
        give_up("device");
    BIO_ADDR_rawmake(peer, AF_INET, &relay->server.sin_addr, 4, relay->server.sin_port);
    BIO_ctrl(bio, BIO_CTRL_DGRAM_SET_CONNECTED, 0, peer);
    BIO_ADDR_free(peer);
    device->address = *address;
    SSL_set_bio(device->ssl, bio, bio);
    SSL_set_connect_state(device->ssl);
    relay->devices[number] = device;
    relay->polls[FIRST_DEVICE + number] = (struct pollfd){ .fd = fd, .events = POLLIN };
    return number;
}

static int find_device(const struct relay *relay, const struct sockaddr_in *address)
{
    for (int i = relay->count - 1; i >= 0; i--) {
        const struct device *device = relay->devices[i];

        if (device->ssl && device->address.sin_port == address->sin_port)
            return i;
    }
    return -1;
}

static void take_datagram(struct relay *relay)
{
    struct sockaddr_in from;
    socklen_t from_size = sizeof(from);
    char data[DATAGRAM_MAX];
    ssize_t size =
            recvfrom(relay->door, data, sizeof(data), 0, (struct sockaddr *)&from, &from_size);
    int number = size > 0 ? find_device(relay, &from) : -1;
    struct device *device;

    if (size <= 0)
        return;
    if (number < 0)
        number = add_device(relay, &from);
    device = relay->devices[number];
    if (device->is_up) {
        SSL_write(device->ssl, data, (int)size);
        return;
    }
    if (device->waiting_count < WAITING_MAX) {
        memcpy(device->waiting[device->waiting_count], data, (size_t)size);
        device->waiting_sizes[device->waiting_count++] = size;
    }
    serve_device(relay, number);
}

/* ---- The whole ---- */

static void run(struct relay *relay)
{
    for (;;) {
        char byte;

        if (poll(relay->polls, (nfds_t)(FIRST_DEVICE + relay->count), TICK_MS) < 0)
            give_up("poll");
        if (relay->polls[0].revents && read(STDIN_FILENO, &byte, 1) <= 0)
            return;
        if (relay->polls[1].revents)
            take_datagram(relay);
        for (int i = 0; i < relay->count; i++) {
            if (relay->devices[i]->ssl)
                serve_device(relay, i);
        }
    }
}

int main(int argc, char **arguments)
{
    static struct relay relay;
    struct sockaddr_in own;
    socklen_t size = sizeof(own);

    if (argc < 2)
        return 2;
    relay.door = open_socket(NULL);
    relay.context = make_context(arguments + 2);
    relay.server = (struct sockaddr_in){ .sin_family = AF_INET,
        .sin_port = htons((uint16_t)atoi(arguments[1])) };
    relay.server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    relay.polls[0] = (struct pollfd){ .fd = STDIN_FILENO, .events = POLLIN };
    relay.polls[1] = (struct pollfd){ .fd = relay.door, .events = POLLIN };
    if (getsockname(relay.door, (struct sockaddr *)&own, &size) < 0)
        give_up("getsockname");
    printf("%d\n", ntohs(own.sin_port));
    fflush(stdout);
    run(&relay);
    for (int i = 0; i < relay.count; i++) {
        if (relay.devices[i]->ssl)
            SSL_shutdown(relay.devices[i]->ssl);
        SSL_free(relay.devices[i]->ssl);
        free(relay.devices[i]);
    }
    SSL_CTX_free(relay.context);
    return 0;
}
