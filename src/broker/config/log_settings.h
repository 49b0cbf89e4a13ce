/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the log goes, what goes there, and how its lines look.
 */
#ifndef BROKER_CONFIG_LOG_SETTINGS_H
#define BROKER_CONFIG_LOG_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

enum log_destination { /* a set of flags */
    LOG_TO_STDOUT = 1,
    LOG_TO_STDERR = 2,
    LOG_TO_SYSLOG = 4,
    LOG_TO_TOPIC = 8, /* $SYS/broker/log/... */
    LOG_TO_FILE = 16,
};

enum log_type { /* a set of flags */
    LOG_TYPE_ERROR = 1,
    LOG_TYPE_WARNING = 2,
    LOG_TYPE_NOTICE = 4,
    LOG_TYPE_INFORMATION = 8,
    LOG_TYPE_DEBUG = 16,
    LOG_TYPE_SUBSCRIBE = 32,
    LOG_TYPE_UNSUBSCRIBE = 64,
    LOG_TYPE_ALL = 127,
};

enum log_format {
    LOG_FORMAT_TEXT,
    LOG_FORMAT_JSON,
    LOG_FORMAT_MOSQUITTO, /* Mosquitto's own lines, for tools that read them */
};

enum {
    LOG_PATH_MAX = 4095,
    LOG_TIMESTAMP_FORMAT_MAX = 127,
    LOG_FACILITY_DAEMON = 8,
};

struct log_destinations {
    uint32_t set;                /* of enum log_destination; 0: nowhere */
    char path[LOG_PATH_MAX + 1]; /* where `set` has LOG_TO_FILE */
};

struct log_settings {
    struct log_destinations to;
    uint32_t types; /* of enum log_type; 0: nothing is logged */
    enum log_format format;
    bool timestamp;
    char timestamp_format[LOG_TIMESTAMP_FORMAT_MAX + 1]; /* for strftime; "": seconds since 1970 */
    uint32_t facility;        /* 0..7 for syslog's local0..local7, or LOG_FACILITY_DAEMON */
    bool connection_messages; /* log connects and disconnects */
};

#endif
