/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the command lines of `nightjar pub`, `sub`, `rr`, `record` and `replay` say. One table row
 * for each option: parsing, --help, the manual pages and the shells' completion read it.
 *
 * The options of pub, sub and rr are those of mosquitto_pub, mosquitto_sub and mosquitto_rr, read
 * as these read them: each word is a whole option, a value is the word behind it, and of an option
 * that is given twice the last one counts. Before the command line a file gives defaults, one
 * option a line: that of -o, or else $XDG_CONFIG_HOME/NAME or ~/.config/NAME, where NAME is
 * mosquitto_pub, mosquitto_sub or mosquitto_rr.
 */
#ifndef CLI_CLIENT_OPTIONS_H
#define CLI_CLIENT_OPTIONS_H

#include "cli/client_properties.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum client_tool_bits {
    CLIENT_PUB = 1,
    CLIENT_SUB = 2,
    CLIENT_RR = 4,
    CLIENT_RECORD = 8,
    CLIENT_REPLAY = 16,
    CLIENT_SHELL = 32,
    CLIENT_ALL = 63,
    CLIENT_PUBLISHES = CLIENT_PUB | CLIENT_RR,
    CLIENT_RECEIVES = CLIENT_SUB | CLIENT_RR,
};

/* Which command runs. */
struct client_tool {
    unsigned bit;           /* one of enum client_tool_bits */
    const char *name;       /* "nightjar pub" or "mosquitto_pub", for messages */
    const char *defaults;   /* the name of the file with defaults; NULL: none */
    const char *usage;      /* what stands behind the name in the line "Usage:" */
    const char *purpose;    /* a sentence */
    int information_status; /* the exit status after --help and --version */
};

enum {
    CLIENT_PORT_UNSET = -1,
    CLIENT_EXPIRY_UNSET = -1,
    CLIENT_IN_FLIGHT_MAX = 65535,
    CLIENT_PERMILLE = 1000,
    CLIENT_LIST_MAX = 65535,          /* topics, filters of one kind */
    CLIENT_DEFAULTS_FILE_MAX = 65536, /* bytes of a file with options */
};

/* Texts; borrowed, but for the list itself. */
struct client_list {
    const char **items;
    size_t count;
};

/* Where the payload comes from. */
enum client_payload {
    CLIENT_PAYLOAD_NONE,
    CLIENT_PAYLOAD_TEXT,
    CLIENT_PAYLOAD_NULL,
    CLIENT_PAYLOAD_FILE,
    CLIENT_PAYLOAD_STDIN,
    CLIENT_PAYLOAD_STDIN_LINES,
    CLIENT_PAYLOAD_FILE_LINES,
};

/* Texts borrow from argv or from `owned`. */
struct client_options {
    /* The server. */
    const char *host;
    const char *unix_path; /* instead of host and port */
    const char *bind_address;
    const char *proxy;
    int64_t port; /* CLIENT_PORT_UNSET: as the transport has it */
    bool websocket;
    bool nodelay;

    /* The connection. */
    const char *id;
    const char *id_prefix;
    const char *user;
    const char *password;
    const char *will_topic;
    const char *will_payload;
    int64_t will_qos;
    bool will_retain;
    int64_t version; /* 3, 4 or 5 */
    int64_t keep_alive_s;
    int64_t in_flight_max;
    int64_t session_expiry_s; /* CLIENT_EXPIRY_UNSET: not given; UINT32_MAX: never */
    bool keep_session;
    struct client_properties properties[CLIENT_PROPERTY_SETS];

    /* TLS. */
    const char *cafile;
    const char *capath;
    const char *cert;
    const char *key;
    const char *keyform;
    const char *ciphers;
    const char *alpn;
    const char *tls_version;
    const char *keylog;
    const char *tls_engine;
    const char *tls_engine_password;
    const char *psk;
    const char *psk_identity;
    bool insecure;
    bool os_certs;
    bool no_tls;

    /* What is sent. */
    int64_t qos;
    bool retain;
    enum client_payload payload;
    const char *payload_text; /* the text, or the file's path */
    int64_t repeat;
    int64_t repeat_delay_us;
    int64_t rate; /* messages a second; 0: as fast as it goes */

    /* What is received; of pub the last topic counts. */
    struct client_list topics;
    struct client_list unsubscribe;
    struct client_list filtered_out;
    const char *response_topic;
    int64_t count;     /* 0: all that come */
    int64_t timeout_s; /* 0: none */
    int64_t chance_permille;
    int64_t retain_handling;
    bool exit_after_subscribe;
    bool fresh_only;
    bool retained_only;
    bool retain_as_published;
    bool remove_retained;
    bool latency;

    /* What is printed. */
    const char *format;
    bool verbose;
    bool no_newline;
    bool pretty;
    bool watch;
    bool message_rate;
    bool tree;
    bool stats;
    bool debug;
    bool quiet;

    /* Of record and replay. */
    const char *file;
    int64_t speed_permille; /* 1000: as it was; 0: without waiting */

    const char *options_file;
    char **owned; /* texts that lie on the heap */
    size_t owned_count;
};

enum client_wish {
    CLIENT_RUN,
    CLIENT_HELP,
    CLIENT_VERSION,
    CLIENT_WRONG, /* it is said on stderr what */
};

struct client_option {
    const char *name; /* the long form without dashes; NULL: there is none */
    char letter;      /* 0: none */
    uint8_t tools;
    uint8_t kind;    /* enum client_option_kind, in the .c */
    uint16_t offset; /* of the field */
    int64_t min;
    int64_t max;
    const char *wrong;   /* what is said of a number out of range; '*' stands for what was given */
    const char *missing; /* what is said when there is no value */
    bool (*read)(struct client_options *options, unsigned tool, const char *value);
    const char *value; /* for the help: what it takes; NULL: nothing */
    const char *help;
};

/**
 * Reads the defaults and the command line; argv[0] is skipped. Whatever the result is,
 * client_options_deinit() must follow.
 */
enum client_wish client_options_read(
        struct client_options *out, const struct client_tool *tool, int argc, char **argv);

void client_options_deinit(struct client_options *options);

/* Prints what the tool is for and one line for each of its options. */
void client_options_help(const struct client_tool *tool);

/* The rows of all tools, in the order of the alphabet. */
const struct client_option *client_options_rows(size_t *count);

#endif
