/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client_options.h"

#include "cli/client_format.h"

#include "base/nearest.h"
#include "cli/options.h"
#include "mqtt/topic.h"
#include "mqtt/utf8.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum client_option_kind {
    KIND_SWITCH, /* bool */
    KIND_TEXT,   /* const char * */
    KIND_NUMBER, /* int64_t */
    KIND_READ,   /* whatever its function does with the value */
    KIND_CALL,   /* whatever its function does; there is no value */
    KIND_PROPERTY,
    KIND_HELP,
    KIND_VERSION,
};

enum { PROPERTY_WORDS_MAX = 4, PORT_MAX = 65535, KEEP_ALIVE_MIN_S = 5, KEEP_ALIVE_MAX_S = 65535 };

static const char two_ids[] = "-i and -I argument cannot be used together.";
static const char two_payloads[] = "Only one type of message can be sent at once.";

static bool complain(const char *what)
{
    fprintf(stderr, "Error: %s\n", what);
    return false;
}

/* ---- Texts that must be kept ---- */

/* Takes `text`, which may be NULL for want of memory. Returns it, or NULL. */
static char *keep(struct client_options *options, char *text)
{
    char **owned =
            (char **)realloc(options->owned, (options->owned_count + 1) * sizeof(*options->owned));

    if (owned)
        options->owned = owned;
    if (!text || !owned) {
        free(text);
        complain("Out of memory.");
        return NULL;
    }
    options->owned[options->owned_count++] = text;
    return text;
}

static bool list_add(struct client_list *list, const char *text)
{
    const char **items = NULL;

    if (list->count < CLIENT_LIST_MAX)
        items = (const char **)realloc(list->items, (list->count + 1) * sizeof(*items));
    if (!items)
        return complain("Out of memory.");
    list->items = items;
    list->items[list->count++] = text;
    return true;
}

/* ---- Topics ---- */

static bool is_text(const char *text, const char *option)
{
    if (mqtt_utf8_valid(bytes_of_text(text)))
        return true;
    fprintf(stderr, "Error: Malformed UTF-8 in %s argument.\n", option);
    return false;
}

static bool is_name(const char *text, const char *option, const char *what)
{
    if (!is_text(text, option))
        return false;
    if (mqtt_topic_name_valid(bytes_of_text(text)))
        return true;
    fprintf(stderr, "Error: Invalid %s topic '%s', does it contain '+' or '#'?\n", what, text);
    return false;
}

static bool is_filter(const char *text, const char *option, const char *what)
{
    if (!is_text(text, option))
        return false;
    if (mqtt_topic_filter_valid(bytes_of_text(text)))
        return true;
    fprintf(stderr, "Error: Invalid %s topic '%s', are all '+' and '#' wildcards correct?\n", what,
            text);
    return false;
}

static bool add_topic(
        struct client_options *options, unsigned tool, const char *topic, const char *option)
{
    if ((tool & CLIENT_PUBLISHES) == 0)
        return is_filter(topic, option, "subscription") && list_add(&options->topics, topic);
    if (!is_name(topic, option, "publish"))
        return false;
    options->topics.count = 0; /* of several the last one counts */
    return list_add(&options->topics, topic);
}

static bool read_topic(struct client_options *options, unsigned tool, const char *value)
{
    return add_topic(options, tool, value, "-t");
}

static bool read_filtered_out(struct client_options *options, unsigned tool, const char *value)
{
    (void)tool;
    return is_filter(value, "-T", "filter") && list_add(&options->filtered_out, value);
}

static bool read_unsubscribe(struct client_options *options, unsigned tool, const char *value)
{
    (void)tool;
    return is_filter(value, "-U", "unsubscribe") && list_add(&options->unsubscribe, value);
}

static bool read_will_topic(struct client_options *options, unsigned tool, const char *value)
{
    (void)tool;
    options->will_topic = value;
    return is_name(value, "--will-topic", "will");
}

static bool read_response_topic(struct client_options *options, unsigned tool, const char *value)
{
    (void)tool;
    options->response_topic = value;
    return is_name(value, "-e", "response");
}

/* ---- The server and the connection ---- */

static bool read_id(struct client_options *options, unsigned tool, const char *value)
{
    (void)tool;
    options->id = value;
    return !options->id_prefix || complain(two_ids);
}

static bool read_id_prefix(struct client_options *options, unsigned tool, const char *value)
{
    (void)tool;
    options->id_prefix = value;
    return !options->id || complain(two_ids);
}

static bool read_host(struct client_options *options, unsigned tool, const char *value)
{
    (void)tool;
    options->host = value;
    options->unix_path = NULL;
    return true;
}

/* What can stand before "://". */
static const struct scheme {
    const char *start;
    int64_t port;
    bool websocket;
    bool tls;
} schemes[] = {
    { "mqtt://", 1883, false, false },
    { "mqtts://", 8883, false, true },
    { "ws://", 1883, true, false },
    { "wss://", 8883, true, true },
};

static const struct scheme *scheme_of(const char *url)
{
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
        if (strncasecmp(url, schemes[i].start, strlen(schemes[i].start)) == 0)
            return &schemes[i];
    return NULL;
}

static bool read_whole_number(int64_t *out, const char *text)
{
    char *rest;
    long long number;

    errno = 0;
    number = strtoll(text, &rest, 10);
    *out = number;
    return rest != text && *rest == '\0' && errno == 0;
}

/* What stands behind the last colon that is not in brackets; it is cut off. NULL: nothing. */
static char *cut_port(char *host)
{
    char *bracket = strchr(host, ']');
    char *colon = strchr(bracket ? bracket : host, ':');

    if (colon)
        *colon++ = '\0';
    return colon;
}

/* "[::1]" without its brackets. */
static char *bare_host(char *host)
{
    size_t size = strlen(host);

    if (host[0] != '[' || host[size - 1] != ']')
        return host;
    host[size - 1] = '\0';
    return host + 1;
}

/* "user:password@host:port", cut into its parts. */
static bool read_authority(struct client_options *options, char *text)
{
    char *host = strrchr(text, '@');
    char *colon;
    char *port;

    if (host) {
        *host++ = '\0';
        colon = strchr(text, ':');
        if (colon) {
            *colon++ = '\0';
            options->password = colon;
        }
        options->user = text;
    } else {
        host = text;
    }
    port = cut_port(host);
    options->host = bare_host(host);
    options->unix_path = NULL;
    if (!port)
        return true;
    if (read_whole_number(&options->port, port) && options->port >= 1 && options->port <= PORT_MAX)
        return true;
    fprintf(stderr, "Error: Invalid port given: %s\n", port);
    return false;
}

static bool read_url(struct client_options *options, unsigned tool, const char *value)
{
    const struct scheme *scheme = scheme_of(value);
    char *url;
    char *topic;

    if (!scheme)
        return complain("Unsupported URL scheme.");
    url = keep(options, strdup(value + strlen(scheme->start)));
    if (!url)
        return false;
    options->port = scheme->port;
    options->websocket |= scheme->websocket;
    options->os_certs |= scheme->tls;
    topic = strchr(url, '/');
    if (!topic)
        return complain("Invalid URL for -L argument specified - topic missing.");
    *topic++ = '\0';
    return add_topic(options, tool, topic, "-L topic") && read_authority(options, url);
}

/* The link judges the rest of it, when it is made. */
static bool read_proxy(struct client_options *options, unsigned tool, const char *value)
{
    static const char scheme[] = "socks5h://";
    const char *host = value + sizeof(scheme) - 1;
    const char *user_end;
    const char *port;
    int64_t number;

    (void)tool;
    if (strncmp(value, scheme, sizeof(scheme) - 1) != 0) {
        fprintf(stderr, "Error: Unsupported proxy protocol: %s\n", value);
        return false;
    }
    user_end = strrchr(host, '@');
    host = user_end ? user_end + 1 : host;
    port = strchr(host[0] == '[' ? host + strcspn(host, "]") : host, ':');
    if (host[0] == '\0' || host == port || (port && port[1] == '\0'))
        return complain("Invalid proxy.");
    options->proxy = value;
    if (!port || (read_whole_number(&number, port + 1) && number >= 1 && number <= PORT_MAX))
        return true;
    fprintf(stderr, "Error: Invalid proxy port %ld\n", strtol(port + 1, NULL, 10));
    return false;
}

static bool read_version(struct client_options *options, unsigned tool, const char *value)
{
    (void)tool;
    if (option_version(&options->version, value))
        return true;
    return complain("Invalid protocol version argument given.");
}

static bool read_expiry(struct client_options *options, unsigned tool, const char *value)
{
    char *rest;
    long long number;

    (void)tool;
    errno = 0;
    number = strtoll(value, &rest, 0);
    if (strcmp(value, "∞") == 0)
        number = -1;
    else if (rest == value || *rest != '\0')
        return complain("session-expiry-interval not a number.");
    if (errno != 0 || number > UINT32_MAX || number < -1)
        return complain("session-expiry-interval out of range.");
    options->session_expiry_s = number == -1 ? UINT32_MAX : number;
    options->version = 5;
    return true;
}

/* ---- What is sent and received ---- */

static bool set_payload(
        struct client_options *options, enum client_payload payload, const char *text)
{
    if (options->payload != CLIENT_PAYLOAD_NONE)
        return complain(two_payloads);
    options->payload = payload;
    options->payload_text = text;
    return true;
}

static bool read_message(struct client_options *options, unsigned tool, const char *value)
{
    (void)tool;
    return set_payload(options, CLIENT_PAYLOAD_TEXT, value);
}

static bool read_file(struct client_options *options, unsigned tool, const char *value)
{
    (void)tool;
    return set_payload(options, CLIENT_PAYLOAD_FILE, value);
}

static bool read_file_lines(struct client_options *options, unsigned tool, const char *value)
{
    (void)tool;
    return set_payload(options, CLIENT_PAYLOAD_FILE_LINES, value);
}

static bool read_null(struct client_options *options, unsigned tool, const char *value)
{
    (void)tool;
    return set_payload(options, CLIENT_PAYLOAD_NULL, value);
}

static bool read_stdin(struct client_options *options, unsigned tool, const char *value)
{
    (void)tool;
    return set_payload(options, CLIENT_PAYLOAD_STDIN, value);
}

static bool read_stdin_lines(struct client_options *options, unsigned tool, const char *value)
{
    (void)tool;
    return set_payload(options, CLIENT_PAYLOAD_STDIN_LINES, value);
}

/* A decimal fraction times `scale`; false when it is none or beyond the range. */
static bool read_fraction(int64_t *out, const char *text, double scale, double min, double max)
{
    char *rest;
    double number = strtod(text, &rest);

    if (rest == text || *rest != '\0' || !(number >= min && number <= max))
        return false;
    *out = (int64_t)(number * scale + 0.5);
    return true;
}

static bool read_repeat_delay(struct client_options *options, unsigned tool, const char *value)
{
    (void)tool;
    return read_fraction(&options->repeat_delay_us, value, 1e6, 0, 1e9) ||
            complain("--repeat-delay argument must be >=0.0.");
}

static bool read_chance(struct client_options *options, unsigned tool, const char *value)
{
    (void)tool;
    return read_fraction(&options->chance_permille, value, 10, 0.1, 100) ||
            complain("--random-filter chance must be between 0.1-100.0");
}

static bool read_speed(struct client_options *options, unsigned tool, const char *value)
{
    (void)tool;
    return read_fraction(&options->speed_permille, value, 1000, 0, 1e6) ||
            complain("--speed must be between 0 and 1000000.");
}

static bool read_format(struct client_options *options, unsigned tool, const char *value)
{
    char letter = '\0';

    (void)tool;
    options->format = value;
    switch (client_format_check(value, &letter)) {
    case CLIENT_FORMAT_GOOD:
        return true;
    case CLIENT_FORMAT_INCOMPLETE:
        fputs("Error: Incomplete format specifier.\n", stderr);
        break;
    case CLIENT_FORMAT_INVALID:
        fprintf(stderr, "Error: Invalid format specifier '%c'.\n", letter);
        break;
    case CLIENT_FORMAT_ESCAPE_INCOMPLETE:
        fputs("Error: Incomplete escape specifier.\n", stderr);
        break;
    case CLIENT_FORMAT_ESCAPE_INVALID:
        fprintf(stderr, "Error: Invalid escape specifier '%c'.\n", letter);
        break;
    }
    return false;
}

static bool read_retain_handling(struct client_options *options, unsigned tool, const char *value)
{
    static const char *const words[] = { "always", "new", "never" };

    (void)tool;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(value, words[i]) == 0) {
            options->retain_handling = (int64_t)i;
            return true;
        }
    }
    fprintf(stderr, "Error: Unknown value '%s' for --retain-handling.\n", value);
    return false;
}

static bool read_fresh_only(struct client_options *options, unsigned tool, const char *value)
{
    (void)tool;
    (void)value;
    options->fresh_only = true;
    options->retain_handling = 2;
    return true;
}

static bool read_latency(struct client_options *options, unsigned tool, const char *value)
{
    (void)tool;
    (void)value;
    options->latency = true;
    options->nodelay = true;
    return true;
}

/* ---- The table ---- */

#define FIELD(name) offsetof(struct client_options, name)
#define SWITCH(name, letter, tools, field, help)                                                   \
    {                                                                                              \
        name, letter, tools, KIND_SWITCH, FIELD(field), 0, 0, NULL, NULL, NULL, NULL, help         \
    }
#define TEXT(name, letter, tools, field, missing, value, help)                                     \
    {                                                                                              \
        name, letter, tools, KIND_TEXT, FIELD(field), 0, 0, NULL, missing, NULL, value, help       \
    }
#define NUMBER(name, letter, tools, field, min, max, wrong, missing, value, help)                  \
    {                                                                                              \
        name, letter, tools, KIND_NUMBER, FIELD(field), min, max, wrong, missing, NULL, value,     \
                help                                                                               \
    }
#define READ(name, letter, tools, function, missing, value, help)                                  \
    {                                                                                              \
        name, letter, tools, KIND_READ, 0, 0, 0, NULL, missing, function, value, help              \
    }
#define CALL(name, letter, tools, function, help)                                                  \
    {                                                                                              \
        name, letter, tools, KIND_CALL, 0, 0, 0, NULL, NULL, function, NULL, help                  \
    }

static const struct client_option rows[] = {
    TEXT(NULL, 'A', CLIENT_ALL, bind_address, "no address", "ADDRESS",
            "connect from this address of ours"),
    TEXT("cafile", 0, CLIENT_ALL, cafile, "no file", "FILE", "certificates of trusted authorities"),
    TEXT("capath", 0, CLIENT_ALL, capath, "no directory", "DIR", "a directory of such"),
    TEXT("cert", 0, CLIENT_ALL, cert, "no file", "FILE", "the certificate to show the server"),
    TEXT("ciphers", 0, CLIENT_ALL, ciphers, "no ciphers", "LIST", "ciphers, as openssl lists them"),
    NUMBER(NULL, 'C', CLIENT_SUB | CLIENT_RECORD, count, 1, INT32_MAX,
            "Invalid message count \"*\".", "no count", "N", "end after so many messages"),
    SWITCH("disable-clean-session", 'c', CLIENT_ALL, keep_session,
            "go on with the session before, and keep it"),
    SWITCH("debug", 'd', CLIENT_ALL, debug, "tell each packet"),
    { "property", 'D', CLIENT_ALL, KIND_PROPERTY, 0, 0, 0, NULL, NULL, NULL, "PACKET NAME VALUE",
            "add a property of MQTT 5.0 to packets of that kind" },
    READ(NULL, 'e', CLIENT_RR, read_response_topic, "no response topic", "TOPIC",
            "where the answer is awaited"),
    SWITCH(NULL, 'E', CLIENT_SUB, exit_after_subscribe, "end when all subscriptions are granted"),
    READ("file", 'f', CLIENT_PUBLISHES, read_file, "no file", "FILE", "send what is in the file"),
    READ("file-lines", 0, CLIENT_PUB, read_file_lines, "no file", "FILE",
            "send each line of the file as a message"),
    READ(NULL, 'F', CLIENT_RECEIVES | CLIENT_SHELL, read_format, "no format", "FORMAT",
            "how to print a message"),
    { "help", 0, CLIENT_ALL, KIND_HELP, 0, 0, 0, NULL, NULL, NULL, NULL, "print this" },
    READ("host", 'h', CLIENT_ALL, read_host, "no host", "HOST", "the server; localhost"),
    READ("id", 'i', CLIENT_ALL, read_id, "no id", "ID", "the client identifier"),
    READ("id-prefix", 'I', CLIENT_ALL, read_id_prefix, "no id prefix", "PREFIX",
            "the client identifier, with the process's id behind it"),
    SWITCH("insecure", 0, CLIENT_ALL, insecure, "do not check the server's name"),
    NUMBER("keepalive", 'k', CLIENT_ALL, keep_alive_s, KEEP_ALIVE_MIN_S, KEEP_ALIVE_MAX_S,
            "Invalid keepalive given, it must be between 5 and 65535 inclusive.", "no keepalive",
            "SECONDS", "how long the connection may be silent; 60"),
    TEXT("key", 0, CLIENT_ALL, key, "no file", "FILE", "the key of --cert"),
    TEXT("keyform", 0, CLIENT_ALL, keyform, "no keyform", "pem|engine", "what --key is; pem"),
    READ("url", 'L', CLIENT_ALL, read_url, "no URL", "URL",
            "by mqtt, mqtts, ws or wss://[USER[:PASSWORD]@]HOST[:PORT]/TOPIC"),
    CALL("stdin-line", 'l', CLIENT_PUB, read_stdin_lines,
            "send each line of standard input as a message"),
    CALL("latency", 0, CLIENT_RR, read_latency, "print how long the answer took"),
    READ("message", 'm', CLIENT_PUBLISHES, read_message, "no message", "TEXT", "send this"),
    NUMBER(NULL, 'M', CLIENT_ALL, in_flight_max, 1, CLIENT_IN_FLIGHT_MAX,
            "Maximum inflight messages must be greater than 0.", "no number", "N",
            "messages of QoS 1 and 2 under way at once; 20"),
    SWITCH("message-rate", 0, CLIENT_SUB, message_rate, "print messages a second, each second"),
    CALL("null-message", 'n', CLIENT_PUBLISHES, read_null, "send an empty message"),
    SWITCH(NULL, 'N', CLIENT_RECEIVES, no_newline, "print no line's end behind a message"),
    SWITCH("nodelay", 0, CLIENT_ALL, nodelay, "do not gather small packets (TCP_NODELAY)"),
    SWITCH("no-tls", 0, CLIENT_ALL, no_tls, "no TLS, whatever the file with options says"),
    TEXT(NULL, 'o', CLIENT_ALL, options_file, "no options file", "FILE",
            "a file with options, one a line"),
    NUMBER("port", 'p', CLIENT_ALL, port, 0, PORT_MAX, "Invalid port given: *", "no port", "PORT",
            "its port; 1883, with TLS 8883"),
    SWITCH("pretty", 0, CLIENT_RECEIVES | CLIENT_SHELL, pretty, "print JSON over several lines"),
    READ("proxy", 0, CLIENT_ALL, read_proxy, "no proxy url", "URL",
            "connect through socks5h://[USER[:PASSWORD]@]HOST[:PORT]"),
    TEXT("psk", 0, CLIENT_ALL, psk, "no key", "HEX", "TLS by a key that both sides have"),
    TEXT("psk-identity", 0, CLIENT_ALL, psk_identity, "no identity", "NAME",
            "the name of that key"),
    TEXT("pw", 'P', CLIENT_ALL, password, "no password", "PASSWORD", "the password"),
    NUMBER("qos", 'q', CLIENT_ALL, qos, 0, 2, "Invalid QoS given: *", "no QoS", "QOS",
            "quality of service; 0, of record 2"),
    SWITCH("quiet", 0, CLIENT_ALL, quiet, "say nothing of errors while running"),
    SWITCH("retain", 'r', CLIENT_PUB, retain, "the server keeps the message for who comes later"),
    CALL(NULL, 'R', CLIENT_RECEIVES, read_fresh_only, "print no retained messages"),
    READ("random-filter", 0, CLIENT_SUB, read_chance, "no chance", "PERCENT",
            "print so many of the messages, by chance"),
    NUMBER("rate", 0, CLIENT_PUB, rate, 1, 1000000, "Invalid rate \"*\".", "no rate", "N",
            "send so many messages a second"),
    SWITCH("remove-retained", 0, CLIENT_SUB, remove_retained,
            "clear each retained message that comes"),
    NUMBER("repeat", 0, CLIENT_PUB, repeat, 1, INT32_MAX, "--repeat argument must be >0.",
            "no count", "N", "send the message so often"),
    READ("repeat-delay", 0, CLIENT_PUB, read_repeat_delay, "no time", "SECONDS",
            "wait so long in between; 0"),
    SWITCH("retain-as-published", 0, CLIENT_RECEIVES | CLIENT_RECORD, retain_as_published,
            "the retain flag is the publisher's (MQTT 5.0)"),
    READ("retain-handling", 0, CLIENT_RECEIVES | CLIENT_RECORD, read_retain_handling, "no option",
            "always|new|never", "whether retained messages come (MQTT 5.0)"),
    SWITCH("retained-only", 0, CLIENT_SUB, retained_only,
            "end at the first message that is not retained"),
    READ("speed", 0, CLIENT_REPLAY, read_speed, "no speed", "N",
            "so many times as fast as it was; 0: without waiting; 1"),
    SWITCH("stats", 0, CLIENT_PUB | CLIENT_SUB, stats, "at the end, tell counts on standard error"),
    CALL("stdin-file", 's', CLIENT_PUBLISHES, read_stdin, "send all of standard input"),
    READ("topic", 't', CLIENT_ALL & ~(CLIENT_REPLAY | CLIENT_SHELL), read_topic, "no topic",
            "TOPIC", "the topic; of sub and record a filter, as often as wanted"),
    READ("filter-out", 'T', CLIENT_SUB | CLIENT_RECORD, read_filtered_out, "no topic filter",
            "FILTER", "leave out what matches it"),
    TEXT("tls-alpn", 0, CLIENT_ALL, alpn, "no protocol", "NAME", "the protocol to name in TLS"),
    TEXT("tls-engine", 0, CLIENT_ALL, tls_engine, "no engine_id", "NAME",
            "an engine of OpenSSL that has the key, by its name"),
    TEXT("tls-engine-kpass-sha1", 0, CLIENT_ALL, tls_engine_password, "no kpass sha1", "HEX",
            "the SHA-1 of that key's password"),
    TEXT("tls-keylog", 0, CLIENT_ALL, keylog, "no file", "FILE",
            "add TLS secrets to it, for Wireshark and its like"),
    SWITCH("tls-use-os-certs", 0, CLIENT_ALL, os_certs, "trust this machine's authorities"),
    TEXT("tls-version", 0, CLIENT_ALL, tls_version, "no version", "tlsv1.2|tlsv1.3",
            "the oldest version of TLS taken"),
    SWITCH("tree", 0, CLIENT_SUB, tree, "print the retained messages as a tree, and end"),
    READ("unsubscribe", 'U', CLIENT_SUB, read_unsubscribe, "no unsubscribe topic", "FILTER",
            "unsubscribe from it"),
    TEXT("unix", 0, CLIENT_ALL, unix_path, "no socket path", "PATH", "connect to a Unix socket"),
    TEXT("username", 'u', CLIENT_ALL, user, "no username", "NAME", "the user's name"),
    READ("protocol-version", 'V', CLIENT_ALL, read_version, "no version", OPTION_VERSIONS,
            "MQTT 3.1, 3.1.1 or 5.0; of pub and sub 311, else 5"),
    SWITCH("verbose", 'v', CLIENT_RECEIVES | CLIENT_SHELL, verbose,
            "print the topic before the payload"),
    { "version", 0, CLIENT_ALL, KIND_VERSION, 0, 0, 0, NULL, NULL, NULL, NULL,
            "print this program's version" },
    SWITCH("watch", 'w', CLIENT_SUB, watch, "keep one line of the screen for each topic"),
    NUMBER(NULL, 'W', CLIENT_RECEIVES | CLIENT_RECORD, timeout_s, 1, INT32_MAX,
            "Invalid timeout \"*\".", "no timeout", "SECONDS", "end after so long"),
    TEXT("will-payload", 0, CLIENT_ALL, will_payload, "no will payload", "TEXT",
            "what the server sends if we vanish"),
    NUMBER("will-qos", 0, CLIENT_ALL, will_qos, 0, 2, "Invalid will QoS *.", "no will QoS", "QOS",
            "the will's quality of service; 0"),
    SWITCH("will-retain", 0, CLIENT_ALL, will_retain, "the will is retained"),
    READ("will-topic", 0, CLIENT_ALL, read_will_topic, "no will topic", "TOPIC",
            "where the server sends the will"),
    SWITCH("ws", 0, CLIENT_ALL, websocket, "connect by WebSocket"),
    READ(NULL, 'x', CLIENT_ALL, read_expiry, "no session expiry interval", "SECONDS",
            "how long the session is kept; -1: for ever (MQTT 5.0)"),
};

const struct client_option *client_options_rows(size_t *count)
{
    *count = sizeof(rows) / sizeof(rows[0]);
    return rows;
}

/* ---- Reading ---- */

static const struct client_option *find_row(unsigned tool, const char *word)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct client_option *row = &rows[i];

        if ((row->tools & tool) == 0)
            continue;
        if (row->name && strncmp(word, "--", 2) == 0 && strcmp(word + 2, row->name) == 0)
            return row;
        if (row->letter && word[0] == '-' && word[1] == row->letter && word[2] == '\0')
            return row;
    }
    return NULL;
}

static void complain_of_option(unsigned tool, const char *word)
{
    bool is_long = strncmp(word, "--", 2) == 0;
    struct nearest nearest = nearest_to(bytes_of_text(is_long ? word + 2 : ""));

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        nearest_offer(&nearest, (rows[i].tools & tool) != 0 ? rows[i].name : NULL);
    fprintf(stderr, "Error: Unknown option '%s'.\n", word);
    if (nearest.name)
        fprintf(stderr, "Did you mean --%s?\n", nearest.name);
}

static bool complain_of_number(const struct client_option *row, const char *value)
{
    fputs("Error: ", stderr);
    for (const char *at = row->wrong; *at != '\0'; at++) {
        if (*at == '*')
            fputs(value, stderr);
        else
            fputc(*at, stderr);
    }
    fputc('\n', stderr);
    return false;
}

static bool complain_of_missing(const struct client_option *row)
{
    if (row->letter)
        fprintf(stderr, "Error: -%c argument given but %s specified.\n", row->letter, row->missing);
    else
        fprintf(stderr, "Error: --%s argument given but %s specified.\n", row->name, row->missing);
    return false;
}

static bool set_number(
        struct client_options *out, const struct client_option *row, const char *value)
{
    int64_t number;

    if (!read_whole_number(&number, value) || number < row->min || number > row->max)
        return complain_of_number(row, value);
    memcpy((uint8_t *)out + row->offset, &number, sizeof(number));
    return true;
}

static bool takes_value(const struct client_option *row)
{
    return row->kind == KIND_TEXT || row->kind == KIND_NUMBER || row->kind == KIND_READ;
}

/* Does what the row says with the words behind the option. Returns how many it took, or -1. */
static int apply(struct client_options *out, unsigned tool, const struct client_option *row,
        const char *const words[], int count)
{
    void *field = (uint8_t *)out + row->offset;
    int taken;

    if (takes_value(row) && count < 1)
        return complain_of_missing(row) ? 0 : -1;
    switch ((enum client_option_kind)row->kind) {
    case KIND_TEXT:
        memcpy(field, words, sizeof(words[0]));
        return 1;
    case KIND_NUMBER:
        return set_number(out, row, words[0]) ? 1 : -1;
    case KIND_READ:
        return row->read(out, tool, words[0]) ? 1 : -1;
    case KIND_CALL:
        return row->read(out, tool, NULL) ? 0 : -1;
    case KIND_PROPERTY:
        out->version = 5;
        taken = client_properties_read(out->properties, words, count);
        return taken > 0 ? taken : -1;
    case KIND_SWITCH:
        *(bool *)field = true;
        return 0;
    case KIND_HELP:
    case KIND_VERSION:
        return 0;
    }
    return -1;
}

/* Reads words one after the other, until one of them is wrong or wants something else. */
static enum client_wish read_words(struct client_options *out, const struct client_tool *tool,
        const char *const words[], int count)
{
    for (int at = 0; at < count; at++) {
        const struct client_option *row = find_row(tool->bit, words[at]);
        int taken;

        if (!row && (words[at][0] != '-' || words[at][1] == '\0') &&
                (tool->bit & (CLIENT_RECORD | CLIENT_REPLAY)) != 0 && !out->file) {
            out->file = words[at];
            continue;
        }
        if (!row) {
            complain_of_option(tool->bit, words[at]);
            return CLIENT_WRONG;
        }
        if (row->kind == KIND_HELP || row->kind == KIND_VERSION)
            return row->kind == KIND_HELP ? CLIENT_HELP : CLIENT_VERSION;
        taken = apply(out, tool->bit, row, words + at + 1, count - at - 1);
        if (taken < 0)
            return CLIENT_WRONG;
        at += taken;
    }
    return CLIENT_RUN;
}

/* ---- The file with defaults ---- */

/* Cuts off the first word; what is behind its blank stays in *rest. NULL: there is none. */
static char *cut_word(char **rest)
{
    char *word = *rest + strspn(*rest, " ");
    size_t size = strcspn(word, " ");

    if (size == 0)
        return NULL;
    *rest = word + size;
    if (**rest != '\0')
        *(*rest)++ = '\0';
    return word;
}

/* An option and its value, which may have blanks; of -D the blanks part the words. */
static enum client_wish read_line(
        struct client_options *out, const struct client_tool *tool, char *line)
{
    const char *words[1 + PROPERTY_WORDS_MAX] = { cut_word(&line) };
    const struct client_option *row = words[0] ? find_row(tool->bit, words[0]) : NULL;
    int count = 1;

    if (!words[0])
        return CLIENT_RUN;
    for (int i = 0; row && row->kind == KIND_PROPERTY && i < 2; i++) {
        words[count] = cut_word(&line);
        count += words[count] != NULL;
    }
    if (count == 3 && strcasecmp(words[2], "user-property") == 0) {
        words[count] = cut_word(&line);
        count += words[count] != NULL;
    }
    if (*line != '\0')
        words[count++] = line;
    return read_words(out, tool, words, count);
}

static enum client_wish read_lines(
        struct client_options *out, const struct client_tool *tool, char *text)
{
    while (*text != '\0') {
        size_t size = strcspn(text, "\r\n");
        char *next = text + size + (text[size] != '\0');
        enum client_wish wish;

        text[size] = '\0';
        wish = text[0] == '#' ? CLIENT_RUN : read_line(out, tool, text);
        if (wish != CLIENT_RUN)
            return wish;
        text = next;
    }
    return CLIENT_RUN;
}

/* The whole file as a text to be freed; NULL: it cannot be read, or is too large. */
static char *load(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = (char *)malloc(CLIENT_DEFAULTS_FILE_MAX + 1);
    size_t size = 0;

    if (file && text)
        size = fread(text, 1, CLIENT_DEFAULTS_FILE_MAX + 1, file);
    if (!file || !text || ferror(file) || size > CLIENT_DEFAULTS_FILE_MAX) {
        free(text);
        text = NULL;
    } else {
        text[size] = '\0';
    }
    if (file)
        fclose(file);
    return text;
}

/* The path of the defaults that are read without -o, to be freed; NULL: there is none. */
static char *default_path(const struct client_tool *tool)
{
    const char *directory = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");
    char *path = NULL;
    size_t size = 0;
    FILE *out;

    if (!tool->defaults || (!directory && !home))
        return NULL;
    out = open_memstream(&path, &size);
    if (!out)
        return NULL;
    if (directory)
        fprintf(out, "%s/%s", directory, tool->defaults);
    else
        fprintf(out, "%s/.config/%s", home, tool->defaults);
    fclose(out);
    return path;
}

/* The path that -o names, wherever it stands. */
static bool find_options_file(struct client_options *out, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-o") != 0)
            continue;
        if (out->options_file)
            return complain("Duplicate -o argument given.");
        if (i == argc - 1)
            return complain("-o argument given but no options file specified.");
        out->options_file = argv[i + 1];
    }
    return true;
}

static enum client_wish read_defaults(
        struct client_options *out, const struct client_tool *tool, int argc, char **argv)
{
    char *path = NULL;
    char *text;

    if (!find_options_file(out, argc, argv))
        return CLIENT_WRONG;
    if (!out->options_file)
        path = default_path(tool);
    text = out->options_file ? load(out->options_file) : path ? load(path) : NULL;
    free(path);
    if (!text && out->options_file) {
        fprintf(stderr, "Error: The options file %s cannot be read.\n", out->options_file);
        return CLIENT_WRONG;
    }
    if (!text)
        return CLIENT_RUN;
    text = keep(out, text);
    return text ? read_lines(out, tool, text) : CLIENT_WRONG;
}

/* ---- Options that need each other ---- */

static bool check_tls(const struct client_options *options)
{
    if (!options->cert != !options->key)
        return complain("Both certfile and keyfile must be provided if one of them is set.");
    if (options->keyform && !options->key)
        return complain("If keyform is set, keyfile must be also specified.");
    if (options->tls_engine_password && !(options->tls_engine && options->keyform))
        return complain(
                "when using tls-engine-kpass-sha1, both tls-engine and keyform must also be "
                "provided.");
    if ((options->cafile || options->capath) && options->psk)
        return complain("Only one of --psk or --cafile/--capath may be used at once.");
    if (options->psk && !options->psk_identity)
        return complain("--psk-identity required if --psk used.");
    return true;
}

/* Whoever keeps a session must say whose it is. Adds the property that -x and -c stand for. */
static bool check_session(struct client_options *options)
{
    bool has_id = options->id && !options->id_prefix;
    struct nj_property_value given;

    if (options->version < 5 && options->keep_session && !has_id)
        return complain("You must provide a client id if you are using the -c option.");
    if (options->version == 5 && options->keep_session &&
            options->session_expiry_s == CLIENT_EXPIRY_UNSET)
        options->session_expiry_s = UINT32_MAX;
    if (options->version < 5 || options->session_expiry_s <= 0)
        return true;
    if (options->session_expiry_s == UINT32_MAX && !has_id)
        return complain("You must provide a client id if you are using an infinite session "
                        "expiry interval.");
    if (nj_find_property(client_properties_bytes(&options->properties[CLIENT_CONNECT_PROPERTIES]),
                NJ_SESSION_EXPIRY_INTERVAL, &given))
        return complain("Only one of -x, -c and -D connect session-expiry-interval may say how "
                        "long the session is kept.");
    return client_properties_add_number(&options->properties[CLIENT_CONNECT_PROPERTIES],
                   NJ_SESSION_EXPIRY_INTERVAL, (uint32_t)options->session_expiry_s) ||
            complain("Out of memory.");
}

static bool check(struct client_options *options, const struct client_tool *tool)
{
    if (options->will_payload && !options->will_topic)
        return complain("Will payload given, but no will topic given.");
    if (options->will_retain && !options->will_topic)
        return complain("Will retain given, but no will topic given.");
    if (!check_tls(options) || !check_session(options))
        return false;
    if (tool->bit == CLIENT_SUB && options->topics.count == 0 && options->unsubscribe.count == 0)
        return complain("You must specify a topic to subscribe to (-t) or unsubscribe from (-U).");
    if (tool->bit == CLIENT_PUB &&
            (options->topics.count == 0 || options->payload == CLIENT_PAYLOAD_NONE))
        return complain("Both topic and message must be supplied.");
    if (tool->bit == CLIENT_RR &&
            (options->topics.count == 0 || options->payload == CLIENT_PAYLOAD_NONE ||
                    !options->response_topic))
        return complain("All of topic, message, and response topic must be supplied.");
    if ((tool->bit & (CLIENT_RECORD | CLIENT_REPLAY)) != 0 && !options->file)
        return complain("A file must be given.");
    if (tool->bit == CLIENT_RECORD && options->topics.count == 0)
        return complain("You must specify a topic to record (-t).");
    if (options->fresh_only && options->retained_only)
        return complain("Combining '-R' and '--retained-only' makes no sense.");
    return true;
}

enum client_wish client_options_read(
        struct client_options *out, const struct client_tool *tool, int argc, char **argv)
{
    const char *const *words = (const char *const *)argv + 1;
    enum client_wish wish;

    *out = (struct client_options){
        .host = "localhost",
        .port = CLIENT_PORT_UNSET,
        .version = (tool->bit & (CLIENT_PUB | CLIENT_SUB)) != 0 ? 4 : 5,
        .qos = tool->bit == CLIENT_RECORD ? 2 : 0,
        .retain_as_published = tool->bit == CLIENT_RECORD,
        .verbose = tool->bit == CLIENT_SHELL,
        .keep_alive_s = 60,
        .in_flight_max = 20,
        .session_expiry_s = CLIENT_EXPIRY_UNSET,
        .repeat = 1,
        .count = tool->bit == CLIENT_RR ? 1 : 0,
        .chance_permille = CLIENT_PERMILLE,
        .speed_permille = 1000,
    };
    wish = read_defaults(out, tool, argc, argv);
    if (wish == CLIENT_RUN)
        wish = read_words(out, tool, words, argc - 1);
    if (wish == CLIENT_RUN && !check(out, tool))
        wish = CLIENT_WRONG;
    return wish;
}

void client_options_deinit(struct client_options *options)
{
    for (size_t i = 0; i < options->owned_count; i++)
        free(options->owned[i]);
    for (size_t i = 0; i < CLIENT_PROPERTY_SETS; i++)
        client_properties_deinit(&options->properties[i]);
    free(options->owned);
    free(options->topics.items);
    free(options->unsubscribe.items);
    free(options->filtered_out.items);
}

/* ---- Telling ---- */

void client_options_help(const struct client_tool *tool)
{
    printf("%s\n\nUsage: %s %s\n\n", tool->purpose, tool->name, tool->usage);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct client_option *row = &rows[i];
        char letter[] = { '-', row->letter, row->name ? ',' : '\0', '\0' };
        char name[64] = "";

        if ((row->tools & tool->bit) == 0)
            continue;
        snprintf(name, sizeof(name), "%s%s%s%s", row->name ? "--" : "", row->name ? row->name : "",
                row->name && row->value ? " " : "", row->value ? row->value : "");
        printf("  %3s %-34s %s\n", row->letter ? letter : "", name, row->help);
    }
}
