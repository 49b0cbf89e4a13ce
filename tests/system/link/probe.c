/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goes through a link as its arguments say, NAME=VALUE each, and prints "good", or the code and the
 * sentence of what has failed.
 */
#include <nightjar/socks5.h>

#include <stdio.h>
#include <stdlib.h>

enum { WAIT_MS = 30000, LARGE_SIZE = 300000 };

struct talk {
    struct nj_link_options options;
    size_t large_size;
    uint8_t qos_max;
};

static const struct {
    const char *name;
    size_t offset;
} texts[] = {
    { "url", offsetof(struct nj_link_options, url) },
    { "keylog", offsetof(struct nj_link_options, tls.keylog_file) },
    { "path", offsetof(struct nj_link_options, path) },
    { "client_id", offsetof(struct nj_link_options, client_id) },
    { "user", offsetof(struct nj_link_options, user_name) },
    { "ca_file", offsetof(struct nj_link_options, tls.ca_file) },
    { "certificate", offsetof(struct nj_link_options, tls.certificate_file) },
    { "key", offsetof(struct nj_link_options, tls.key_file) },
    { "psk", offsetof(struct nj_link_options, tls.psk) },
    { "identity", offsetof(struct nj_link_options, tls.psk_identity) },
    { "server_name", offsetof(struct nj_link_options, tls.server_name) },
    { "alpn", offsetof(struct nj_link_options, tls.alpn) },
};

static void set(struct talk *talk, const char *name, const char *value)
{
    struct nj_link_options *options = &talk->options;

    if (strcmp(name, "size") == 0)
        talk->large_size = (size_t)atoi(value);
    if (strcmp(name, "qos") == 0)
        talk->qos_max = (uint8_t)atoi(value);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (strcmp(name, texts[i].name) == 0)
            *(const char **)((char *)options + texts[i].offset) = value;
    }
    if (strcmp(name, "proxy") == 0)
        options->proxy = nj_socks5(value);
    if (strcmp(name, "version") == 0)
        options->version = (enum nj_version)atoi(value);
    if (strcmp(name, "tls") == 0)
        options->tls.version_min = options->tls.version_max =
                strcmp(value, "1.2") == 0 ? NJ_TLS_1_2 : NJ_TLS_1_3;
    if (strcmp(name, "any_name") == 0)
        options->tls.any_name = true;
    if (strcmp(name, "any_certificate") == 0)
        options->tls.any_certificate = true;
    if (strcmp(name, "password") == 0)
        options->password = nj_text(value);
}

static void check(struct nj_link *link, enum nj_error error)
{
    if (error == NJ_OK)
        return;
    printf("%d %s\n", error, nj_link_failure(link));
    nj_link_free(link);
    exit(1);
}

static void expect(struct nj_link *link, const void *payload, size_t size, uint8_t qos)
{
    struct nj_message message;

    check(link, nj_receive(link, &message, WAIT_MS));
    if (message.payload.size == size && memcmp(message.payload.data, payload, size) == 0 &&
            message.qos == qos)
        return;
    printf("a message is not the one that was sent\n");
    exit(1);
}

/* Hears what it says, with each QoS up to that, small and large. */
static void say_and_hear(struct nj_link *link, size_t size, uint8_t qos_max)
{
    char large[LARGE_SIZE];
    struct nj_message message = { nj_text("probe/topic"), nj_bytes_of(large, size) };

    memset(large, 'x', sizeof(large));
    check(link, nj_subscribe(link, "probe/#", qos_max, WAIT_MS));
    for (uint8_t qos = 0; qos <= qos_max; qos++) {
        check(link, nj_publish(link, "probe/topic", "small", qos, WAIT_MS));
        expect(link, "small", 5, qos);
        message.qos = qos;
        check(link, nj_send(link, &message, WAIT_MS));
        expect(link, large, size, qos);
    }
    check(link, nj_unsubscribe(link, "probe/#", WAIT_MS));
    check(link, nj_disconnect(link, WAIT_MS));
}

int main(int argc, char **words)
{
    struct talk talk = { .options.once = true, .large_size = LARGE_SIZE, .qos_max = 2 };
    struct nj_link *link;

    for (int i = 1; i < argc; i++) {
        char *value = strchr(words[i], '=');

        *value = '\0';
        set(&talk, words[i], value + 1);
    }
    link = nj_link_new(&talk.options);
    check(link, nj_connect(link, WAIT_MS));
    say_and_hear(link, talk.large_size, talk.qos_max);
    nj_link_free(link);
    printf("good\n");
    return 0;
}
