/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/sn_options.h"

#include "cli/client_format.h"

#include "mqttsn/topic.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DEFAULT_PORT = 1883,
    DEFAULT_KEEP_ALIVE_S = 10,
    DEFAULT_RETRY_MS = 5000,
    DEFAULT_RETRIES = 3,
    MS_MAX = 3600000,
};

#define FIELD(field) offsetof(struct sn_options, field)
#define TEXT(name, letter, field, value, help)                                                     \
    {                                                                                              \
        name, letter, OPTION_TEXT, FIELD(field), 0, 0, value, help                                 \
    }
#define NUMBER(name, letter, field, min, max, value, help)                                         \
    {                                                                                              \
        name, letter, OPTION_NUMBER, FIELD(field), min, max, value, help                           \
    }
#define SWITCH(name, letter, field, help)                                                          \
    {                                                                                              \
        name, letter, OPTION_SWITCH, FIELD(field), 0, 0, NULL, help                                \
    }
#define LIST(name, letter, field, value, help)                                                     \
    {                                                                                              \
        name, letter, OPTION_LIST, FIELD(field), 0, 0, value, help                                 \
    }

#define BOTH_ROWS                                                                                  \
    TEXT("cafile", 0, ca_file, "FILE", "speak DTLS, and trust these authorities"),                 \
            TEXT("capath", 0, ca_folder, "FOLDER", "the same, each in a file of its hash"),        \
            TEXT("cert", 0, certificate_file, "FILE", "show this certificate by DTLS"),            \
            TEXT("ciphers", 0, ciphers, "LIST", "what DTLS may use, as OpenSSL names it"),         \
            TEXT("key", 0, key_file, "FILE", "the certificate's key"),                             \
            SWITCH("insecure", 0, insecure, "the gateway's certificate may have another name"),    \
            TEXT("psk", 0, psk, "KEY", "speak DTLS by this key, in hexadecimal digits"),           \
            TEXT("psk-identity", 0, psk_identity, "NAME", "whose key that is"),                    \
            NUMBER("cport", 0, source_port, 0, 65535, "PORT", "the port to send from; 0: any"),    \
            { "debug", 'd', OPTION_COUNT, FIELD(debug), 0, 0, NULL,                                \
                "tell each datagram; given twice, with all that is in it" },                       \
            SWITCH("disable-clean-session", 'c', keep_session,                                     \
                    "go on with the session before, and keep it"),                                 \
            SWITCH("fe", 0, frames, "put datagrams into a forwarder's frames"),                    \
            SWITCH("help", 0, help, "print this"),                                                 \
            TEXT("host", 'h', host, "HOST", "the gateway; 127.0.0.1"),                             \
            TEXT("id", 'i', id, "ID", "the client id; made of the process's id"),                  \
            NUMBER("keepalive", 'k', keep_alive_s, 0, 65535, "SECONDS",                            \
                    "how long the gateway may hear nothing; 10"),                                  \
            NUMBER("port", 'p', port, 1, 65535, "PORT", "its port of UDP; 1883"),                  \
            NUMBER("qos", 'q', qos, -1, 2, "QOS", "quality of service, of pub also -1; 0"),        \
            NUMBER("retries", 0, retries, 1, 255, "N", "how often to send again; 3"),              \
            NUMBER("retry", 0, retry_ms, 1, MS_MAX, "MS", "how long an answer may take; 5000"),    \
            NUMBER("sleep", 'e', sleep_s, 0, 65535, "SECONDS",                                     \
                    "say at the end that we sleep for so long; 0"),                                \
            LIST("topic", 't', topics, "TOPIC", "the topic; of sub a filter; as often as wanted"), \
            LIST("topic-id", 'T', topic_ids, "ID", "a predefined topic's id; as often as wanted"), \
            SWITCH("version", 0, version, "print this program's version"),                         \
            TEXT("will-payload", 0, will_payload, "TEXT", "what the gateway sends if we vanish"),  \
            NUMBER("will-qos", 0, will_qos, 0, 2, "QOS", "the will's quality of service; 0"),      \
            SWITCH("will-retain", 0, will_retain, "the will is retained"),                         \
            TEXT("will-topic", 0, will_topic, "TOPIC", "where the gateway sends the will"),        \
            TEXT("wlnid", 0, node_id, "ID", "with --fe the node's id; the process's id")

#define PUB_ROWS                                                                                   \
    TEXT("file", 'f', file, "FILE", "send a file"),                                                \
            SWITCH("lines", 'l', lines, "send each line of standard input"),                       \
            TEXT("message", 'm', message, "TEXT", "send this"),                                    \
            SWITCH("null", 'n', null, "send an empty message"),                                    \
            SWITCH("retain", 'r', retain, "the message is retained"),                              \
            SWITCH("stdin", 's', whole_input, "send all of standard input")

#define SUB_ROWS                                                                                   \
    NUMBER("count", 'C', count, 1, INT64_MAX, "N", "end after so many messages"),                  \
            TEXT("format", 'F', format, "FORMAT", "print messages so, as nightjar sub has it"),    \
            NUMBER("nap", 0, nap_s, 1, 65535, "SECONDS",                                           \
                    "sleep, and call for messages each time so many seconds are over"),            \
            SWITCH("one", '1', one, "end after one message"),                                      \
            NUMBER("timeout", 'W', timeout_s, 1, INT32_MAX, "SECONDS", "end after so long"),       \
            SWITCH("time", 'V', timed, "print time and topic before the payload"),                 \
            SWITCH("verbose", 'v', verbose, "print the topic before the payload")

static const struct option pub_rows[] = { BOTH_ROWS, PUB_ROWS };
static const struct option sub_rows[] = { BOTH_ROWS, SUB_ROWS };
static const struct option all_rows[] = { BOTH_ROWS, PUB_ROWS, SUB_ROWS };

const struct options *sn_option_table(unsigned tools)
{
    static const char no_words[] = "no such word; topics stand behind -t";
    static const struct options tables[] = {
        [SN_PUB] = { .command = "nightjar sn pub",
                .rows = pub_rows,
                .count = sizeof(pub_rows) / sizeof(pub_rows[0]),
                .arguments = no_words,
                .wordless = true,
                .bundles = true },
        [SN_SUB] = { .command = "nightjar sn sub",
                .rows = sub_rows,
                .count = sizeof(sub_rows) / sizeof(sub_rows[0]),
                .arguments = no_words,
                .wordless = true,
                .bundles = true },
        [SN_PUB | SN_SUB] = { .command = "nightjar sn",
                .rows = all_rows,
                .count = sizeof(all_rows) / sizeof(all_rows[0]) },
    };

    return &tables[tools];
}

static int complain(enum sn_tool_bit tool, const char *what, const char *reason)
{
    fprintf(stderr, "%s: %s: %s\n", sn_option_table(tool)->command, what, reason);
    return -EINVAL;
}

/* ---- Topics ---- */

/* A name of two bytes is a short one, which needs no id; a filter with wildcards cannot be. */
static struct nj_sn_topic topic_of(const char *text)
{
    if (strlen(text) == 2 && !strpbrk(text, "+#"))
        return nj_sn_short(text);
    return nj_sn_name(text);
}

static int read_topics(struct sn_options *out, enum sn_tool_bit tool)
{
    for (size_t i = 0; i < out->topics.count; i++) {
        struct bytes text = bytes_of_text(out->topics.items[i]);

        if (tool == SN_PUB && !mqttsn_topic_name_valid(text))
            return complain(tool, out->topics.items[i], "no topic can have that name");
        if (!mqttsn_topic_filter_valid(text))
            return complain(tool, out->topics.items[i], "it is no topic filter");
        out->wanted[out->wanted_count++] = topic_of(out->topics.items[i]);
    }
    for (size_t i = 0; i < out->topic_ids.count; i++) {
        char *rest;
        long id = strtol(out->topic_ids.items[i], &rest, 10);

        if (*rest != '\0' || id < 1 || id > 65534)
            return complain(tool, out->topic_ids.items[i], "give an id from 1 to 65534");
        out->wanted[out->wanted_count++] = nj_sn_predefined((uint16_t)id);
    }
    return 0;
}

/* ---- Options that need each other ---- */

static int check_pub(const struct sn_options *options)
{
    int sources = (options->message != NULL) + (options->file != NULL) + options->lines +
            options->null + options->whole_input;

    if (sources == 0)
        return complain(SN_PUB, "no message", "give one of -m, -f, -l, -n and -s");
    if (sources > 1)
        return complain(SN_PUB, "more than one message", "give one of -m, -f, -l, -n and -s");
    for (size_t i = 0; options->qos == -1 && i < options->wanted_count; i++)
        if (options->wanted[i].kind == NJ_SN_NAME)
            return complain(SN_PUB, options->topics.items[i],
                    "with QoS -1 give a topic of two characters, or a predefined one by -T");
    return 0;
}

static int check_sub(struct sn_options *options)
{
    enum client_format_fault fault = CLIENT_FORMAT_GOOD;
    char letter;

    if (options->qos < 0)
        return complain(SN_SUB, "--qos -1", "subscribe with 0, 1 or 2");
    if (options->format)
        fault = client_format_check(options->format, &letter);
    if (fault != CLIENT_FORMAT_GOOD)
        return complain(SN_SUB, options->format, "it is no format; nightjar-sub(1) tells them");
    if (options->one)
        options->count = 1;
    return 0;
}

bool sn_options_ask_for_dtls(const struct sn_options *options)
{
    return options->ca_file || options->ca_folder || options->certificate_file || options->psk ||
            options->psk_identity;
}

static int check_dtls(const struct sn_options *options, enum sn_tool_bit tool)
{
    if (!options->psk != !options->psk_identity)
        return complain(tool, options->psk ? "--psk" : "--psk-identity",
                "give --psk and --psk-identity, or none of them");
    if (!options->certificate_file != !options->key_file)
        return complain(tool, options->key_file ? "--key" : "--cert",
                "give --cert and --key, or none of them");
    if (options->psk && (options->ca_file || options->ca_folder || options->certificate_file))
        return complain(tool, "--psk", "a key goes without certificates");
    if (sn_options_ask_for_dtls(options) && options->qos < 0)
        return complain(tool, "--qos -1", "by DTLS give 0, 1 or 2: it is a connection anyway");
    if (sn_options_ask_for_dtls(options) && options->frames)
        return complain(tool, "--fe", "a forwarder's frames do not go by DTLS");
    return 0;
}

static int check(struct sn_options *options, enum sn_tool_bit tool)
{
    if (check_dtls(options, tool) < 0)
        return -EINVAL;
    if (options->wanted_count == 0)
        return complain(tool, "no topic", "give one by -t or -T");
    if (options->node_id && strlen(options->node_id) > SN_NODE_ID_MAX)
        return complain(tool, "--wlnid", "252 bytes are the most");
    if (options->keep_session && !options->id)
        return complain(tool, "-c", "whose session? Give an id by -i");
    if (options->will_payload && !options->will_topic)
        return complain(tool, "--will-payload", "give its topic by --will-topic");
    return tool == SN_PUB ? check_pub(options) : check_sub(options);
}

int sn_options_read(struct sn_options *out, enum sn_tool_bit tool, int argc, char **argv)
{
    *out = (struct sn_options){ .host = "127.0.0.1",
        .port = DEFAULT_PORT,
        .keep_alive_s = DEFAULT_KEEP_ALIVE_S,
        .retry_ms = DEFAULT_RETRY_MS,
        .retries = DEFAULT_RETRIES };
    if (options_read(sn_option_table(tool), out, argc, argv) < 0)
        return -EINVAL;
    if (out->help || out->version)
        return 0;
    if (read_topics(out, tool) < 0)
        return -EINVAL;
    return check(out, tool);
}
