/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's configuration: mosquitto.conf read, checked and turned into settings.
 *
 * A configuration never changes once loaded; whoever reads it may do so from any thread. To reload,
 * load another one, pass both to config_reload(), and swap.
 */
#ifndef BROKER_CONFIG_CONFIG_H
#define BROKER_CONFIG_CONFIG_H

#include <stddef.h>
#include <stdio.h>

#include "broker/config/guard_settings.h"
#include "broker/config/log_settings.h"
#include "broker/config/report.h"
#include "broker/config/source.h"
#include "broker/config/store_settings.h"
#include "broker/core/settings.h"
#include "net/network.h"

enum {
    CONFIG_LISTENERS_MAX = 64,
    CONFIG_FILES_MAX = 256,         /* the file of -c and those it includes */
    CONFIG_LINE_BYTES_MAX = 66000,  /* a value of 65,535 bytes and its key fit */
    CONFIG_VALUE_BYTES_MAX = 65535, /* as in Mosquitto */
    CONFIG_SETTINGS_MAX = 65536,    /* lines that set something */
    CONFIG_PORTS_MAX = 10,          /* of -p */
    CONFIG_PATH_MAX = SOURCE_PATH_MAX,
    CONFIG_ADDRESS_MAX = 255,  /* of a host name */
    CONFIG_CIPHERS_MAX = 1023, /* of a list of ciphers */
    CONFIG_INTERFACE_MAX = 15, /* Linux's IFNAMSIZ less its NUL */
    CONFIG_USER_MAX = 255,
    CONFIG_CLAIM_MAX = 255, /* of a claim's name, an issuer, an audience */
    CONFIG_AUTH_ORDER_MAX = 63,
    CONFIG_URL_MAX = 2047,
    CONFIG_HEADERS_MAX = 4095,
    CONFIG_THREADS_MAX = 64,    /* core's SHARDS_MAX */
    CONFIG_UNIX_PATH_MAX = 107, /* Linux's limit for a socket's path, less its NUL */
    CONFIG_WEB_PATH_MAX = 255,
    CONFIG_NAMED_MAX = 8191, /* bytes of a listener's further certificates and keys */
    CONFIG_PSK_HINT_MAX = 255,
    CONFIG_SN_PREDEFINED_MAX = 16383, /* bytes of all its lines */
    CONFIG_ORIGINS_MAX = 1023,        /* bytes of a listener's origins, with a blank between two */
};

enum config_domain {
    CONFIG_DOMAIN_ANY, /* IPv4 and IPv6 */
    CONFIG_DOMAIN_IPV4,
    CONFIG_DOMAIN_IPV6,
};

enum config_protocol { CONFIG_PROTOCOL_MQTT, CONFIG_PROTOCOL_WEBSOCKETS, CONFIG_PROTOCOL_MQTTSN };

enum config_key_form { CONFIG_KEY_PEM };

/* Where a client's token is. */
enum config_jwt_from { CONFIG_JWT_FROM_PASSWORD, CONFIG_JWT_FROM_USER_NAME };

enum config_tls_version { CONFIG_TLS_1_2, CONFIG_TLS_1_3 };

/*
 * TLS 1.2 with authenticated ciphers, and with forward secrecy but for pre-shared keys: small
 * devices have these by themselves alone. OpenSSL takes those for keys only where there are some.
 */
#define CONFIG_CIPHERS                                                                             \
    "ECDHE+AESGCM:ECDHE+CHACHA20:kECDHEPSK+CHACHA20:kPSK+AESGCM:kPSK+CHACHA20:kPSK+AESCCM:"        \
    "!AESCCM8"

/* A listener's TLS, by the names of its keys; "": not set. There is none without a certfile or a
 * psk_hint. */
struct config_tls {
    char certfile[CONFIG_PATH_MAX + 1];
    char keyfile[CONFIG_PATH_MAX + 1];
    char cafile[CONFIG_PATH_MAX + 1];
    char capath[CONFIG_PATH_MAX + 1];
    char crlfile[CONFIG_PATH_MAX + 1];
    char ocsp_file[CONFIG_PATH_MAX + 1];
    char named[CONFIG_NAMED_MAX + 1]; /* certificate, key, certificate, ... with blanks between */
    char psk_hint[CONFIG_PSK_HINT_MAX + 1];
    char ciphers[CONFIG_CIPHERS_MAX + 1];
    char suites[CONFIG_CIPHERS_MAX + 1];
    enum config_key_form key_form;
    enum config_tls_version version_min;
    bool require_certificate;
    bool disable_client_cert_date_checks;
    bool use_identity_as_username; /* settings.user_name_proved says that one of the two is set */
    bool use_subject_as_username;
};

struct config_listener {
    struct listener_settings settings;        /* with the port, 0 for a Unix socket */
    char address[CONFIG_ADDRESS_MAX + 1];     /* a name or number; "": every address; or a path */
    char interface[CONFIG_INTERFACE_MAX + 1]; /* "": all */
    char password_file[CONFIG_PATH_MAX + 1];  /* "": none */
    char acl_file[CONFIG_PATH_MAX + 1];       /* "": none */
    char psk_file[CONFIG_PATH_MAX + 1];       /* "": none */
    enum config_domain socket_domain;
    enum config_protocol protocol;
    uint8_t proxy_protocol; /* the version that a proxy in front speaks, 1 or 2; 0: there is none */
    bool proxy_requires_tls;
    char websockets_path[CONFIG_WEB_PATH_MAX + 1];   /* "": any */
    char websockets_origins[CONFIG_ORIGINS_MAX + 1]; /* with blanks between; "": any */
    bool websockets_compression;
    struct config_tls tls;
    struct network_list allowed;         /* addresses that may use it; empty: every one may */
    struct network_list denied;          /* and those that may not, whatever the others say */
    struct network_list trusted_proxies; /* whose word about who the client is, is taken */
    /* Where devices of MQTT-SN look for gateways: at most one group of IPv4 and one of IPv6. */
    bool sn_draft; /* MQTT-SN 2.0 as well as 1.2 */
    struct network_list sn_multicast;
    char sn_multicast_interface[CONFIG_INTERFACE_MAX + 1]; /* "": as the system chooses */
    uint8_t sn_multicast_hops;
    /* A reload has found no line for it any more: nobody comes in there. It keeps its place, by
     * which others know it, until the server ends. */
    bool closed;
    struct report_origin origin; /* of the line that opened it; no file in local-only mode */
};

/* One line that took effect. Of lines that set the same thing only the last one is kept. */
struct config_setting {
    const struct option *option; /* see option.h */
    struct report_origin origin;
    int listener; /* the index it belongs to while reading, -1 for the whole server */
    char *value;  /* as written, but for variables; of a secret OPTION_HIDDEN */
};

/* Tokens, by the names of their keys less auth_jwt_; "": not set. There are none without a file. */
struct config_jwt {
    char file[CONFIG_PATH_MAX + 1];
    enum config_jwt_from from;
    uint32_t leeway_s;
    char issuer[CONFIG_CLAIM_MAX + 1];
    char audience[CONFIG_CLAIM_MAX + 1];
    char user_claim[CONFIG_CLAIM_MAX + 1];
    char clientid_claim[CONFIG_CLAIM_MAX + 1];
    char acl_claim[CONFIG_CLAIM_MAX + 1];
};

/* A web service that is asked about logins, by the names of its keys. Without a URL: none. */
struct config_http {
    char url[CONFIG_URL_MAX + 1];
    uint32_t timeout_ms;
    uint32_t cache_s;
    uint32_t max_waiting;
    char headers[CONFIG_HEADERS_MAX + 1]; /* lines with a newline between them */
    char cafile[CONFIG_PATH_MAX + 1];
};

/* What listeners of MQTT-SN go by, by the names of their keys. */
struct config_sn {
    uint8_t gateway_id;
    uint16_t advertise_s; /* 0: never */
    uint8_t retries;
    uint16_t retry_s;
    uint16_t retry_max_s;
    uint16_t topics_max;
    uint16_t message_size_max;
    uint16_t dtls_mtu;
    char predefined[CONFIG_SN_PREDEFINED_MAX + 1]; /* lines; see predefined.h */
};

struct config {
    struct core_settings core;
    struct config_listener listeners[CONFIG_LISTENERS_MAX];
    size_t listener_count;
    bool local_only; /* nothing opened a listener: the listeners are 127.0.0.1 and ::1 */
    /* For listeners that do not say it themselves; already in their settings. */
    bool allow_anonymous;
    bool allow_zero_length_clientid;
    char auto_id_prefix[CLIENT_ID_PREFIX_MAX + 1];
    char password_file[CONFIG_PATH_MAX + 1];
    char acl_file[CONFIG_PATH_MAX + 1];
    char psk_file[CONFIG_PATH_MAX + 1];
    bool tls_watch_files;
    char auth_order[CONFIG_AUTH_ORDER_MAX + 1]; /* which authenticators are asked, in this order */
    struct config_jwt jwt;
    struct config_http http;
    bool acl_check_subscribe; /* a SUBSCRIBE for what may not be read is refused */
    struct log_settings log;
    struct guard_settings guard;
    struct config_sn sn;
    struct store_settings store;
    char user[CONFIG_USER_MAX + 1];     /* to become when started as root; if absent, nobody */
    char pid_file[CONFIG_PATH_MAX + 1]; /* "": none */
    char control_socket[CONFIG_PATH_MAX + 1]; /* "": the usual place; "none": there is none */
    uint16_t sys_interval_s;                  /* between two publications of $SYS; 0: never */
    uint16_t threads;                         /* shards; 0: as many as there are cores */
    uint16_t websockets_headers_size;         /* bytes of a request's head; 0: 4096 */
    bool set_tcp_nodelay;
    bool per_listener_settings;
    bool keep_read_privilege;    /* where files are only root's to read; see keeper.h */
    uint64_t memory_limit_bytes; /* 0: none; OPTION_BYTES_AUTO */

    struct config_setting *settings; /* in the order of the files */
    size_t setting_count;
    char **files; /* what was read: names that origins borrow, and files of secrets */
    size_t file_count;
};

struct config_request {
    const char *file;            /* of -c; NULL: defaults only */
    const uint16_t *ports;       /* of -p */
    size_t port_count;           /* at most CONFIG_PORTS_MAX */
    bool verbose;                /* -v: log everything, whatever the file says */
    bool quiet;                  /* -q: log nothing; it wins over -v */
    const struct source *source; /* NULL: the file system */
};

/**
 * Reads and checks everything, telling each finding to the report, and goes on after an error so
 * that one run shows them all.
 *
 * Returns 0 and a configuration for config_free(), or with *out untouched: -EINVAL when an error
 * was told, -ENOMEM.
 */
int config_load(struct config **out, const struct config_request *request, struct report *report);

/* NULL is fine. */
void config_free(struct config *config);

/* The line that sets a key, of this listener, or with -1 of the whole server; nowhere when none
 * does. */
struct report_origin config_origin(const struct config *config, const char *key, int listener);

/* The same of a key that a listener has of its own or from the whole server, as acl_file. */
struct report_origin config_listener_origin(
        const struct config *config, const char *key, size_t listener);

/**
 * Makes `next` what may take the place of `running`. What cannot change while the server runs
 * (option table: "restart") keeps running's value, with a warning that names
 * it and its line; what does change is told as a notice.
 *
 * The listeners of `next` are then those of `running`, in running's order, with next's live
 * settings, those that are gone `closed` until they come back; and behind them the new ones.
 * Returns how many settings change, a listener counting as one; or, when `next` is of no use,
 * -ENOMEM, or -EINVAL where there have been too many listeners since the start, which is told.
 */
int config_reload(struct config *next, const struct config *running, struct report *report);

/* Tells the report of each of its files that this process could not open again now. */
void config_check_access(const struct config *config, struct report *report);

/**
 * Prints what --test-config shows: each line that takes effect with its place, the value in effect,
 * and whether a reload applies it; then the defaults of the honoured keys that no line sets, of the
 * whole server and of each listener.
 */
void config_dump(const struct config *config, FILE *out);

/* Prints the option table as Markdown: docs/options.md. */
void config_options_print(FILE *out);

/* Prints the manual page nightjar.conf(5), in mdoc: docs/man/nightjar.conf.5. */
void config_manual_print(FILE *out);

/* Prints what becomes of each of Mosquitto's keys, as Markdown: the end of docs/mosquitto.md. */
void config_mosquitto_print(FILE *out);

#endif
