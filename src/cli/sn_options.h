/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the command lines of `nightjar sn pub` and `nightjar sn sub` say: the options of mqtt-sn-pub
 * and mqtt-sn-sub of mqtt-sn-tools, read as getopt_long() reads them, and some more.
 */
#ifndef CLI_SN_OPTIONS_H
#define CLI_SN_OPTIONS_H

#include "cli/options.h"

#include "nightjar/sn.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sn_tool_bit { SN_PUB = 1, SN_SUB = 2 };

enum {
    SN_WANTED_MAX = 2 * OPTION_LIST_MAX, /* topics of one command line */
    SN_NODE_ID_MAX = 252,                /* bytes; as many as a forwarder's frame can have */
};

/* Texts are borrowed from argv. */
struct sn_options {
    /* The gateway, and who we are. */
    const char *host;
    int64_t port;
    int64_t source_port; /* 0: any */
    const char *id;      /* NULL: made of the process's id */
    bool frames;         /* of a forwarder */
    const char *node_id; /* NULL: the process's id */

    /* DTLS, where one of the first five is there. */
    const char *ca_file;
    const char *ca_folder;
    const char *certificate_file;
    const char *psk; /* hexadecimal digits */
    const char *psk_identity;
    const char *key_file;
    const char *ciphers;
    bool insecure;

    /* The connection. */
    int64_t keep_alive_s;
    int64_t sleep_s; /* announced at the end; 0: none */
    bool keep_session;
    const char *will_topic;
    const char *will_payload;
    int64_t will_qos;
    bool will_retain;
    int64_t retry_ms;
    int64_t retries;

    /* Messages. */
    struct option_list topics;
    struct option_list topic_ids;
    int64_t qos;

    /* Of pub. */
    const char *message;
    const char *file;
    bool lines;
    bool null;
    bool whole_input;
    bool retain;

    /* Of sub. */
    bool one;
    int64_t count;     /* 0: all that come */
    int64_t timeout_s; /* 0: none */
    int64_t nap_s;     /* how long to sleep between calls for messages; 0: stay awake */
    bool verbose;
    bool timed;
    const char *format;

    int64_t debug;
    bool help;
    bool version;

    /* Made of the topics and their ids. */
    struct nj_sn_topic wanted[SN_WANTED_MAX];
    size_t wanted_count;
};

/* Do they ask for DTLS? */
bool sn_options_ask_for_dtls(const struct sn_options *options);

/* The options of a tool; of both where tools is SN_PUB | SN_SUB. */
const struct options *sn_option_table(unsigned tools);

/**
 * Reads the command line; argv[0] is skipped. Says on stderr what is wrong.
 *
 * Returns 0, or -EINVAL.
 */
int sn_options_read(struct sn_options *out, enum sn_tool_bit tool, int argc, char **argv);

#endif
