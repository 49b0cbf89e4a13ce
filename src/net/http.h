/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of an HTTP request, read by http-parser as its bytes come, and the head of an answer.
 */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include "base/bytes.h"

#include <http_parser.h>

enum {
    HTTP_FIELDS_MAX = 64,   /* header lines of one request */
    HTTP_ANSWER_SIZE = 512, /* room for an answer's head and body */
};

struct http_field {
    struct bytes name;
    struct bytes value;
};

/* What has been read of a request. Its views borrow from the bytes that were given. */
struct http_request {
    struct http_parser parser; /* the library's; start with http_request_init() */
    struct bytes target;       /* as it was sent: "/mqtt?name=value" */
    struct http_field fields[HTTP_FIELDS_MAX];
    size_t field_count;
    size_t read; /* bytes of the head that are done with; once it is whole: its size */
    bool whole;
    bool in_value; /* of the last field, rather than in its name */
};

enum http_result {
    HTTP_PARTIAL,  /* more must come */
    HTTP_WHOLE,    /* the head is read; request->read is its size */
    HTTP_BAD,      /* this is no HTTP */
    HTTP_TOO_MANY, /* more than HTTP_FIELDS_MAX header lines */
};

void http_request_init(struct http_request *request);

/**
 * Reads on. `head` is all that came so far, and lies at the same place each time; what follows the
 * head is left alone. A header line that is folded into several is refused, and so is one with a
 * blank before its colon (RFC 9112 §5.1, §5.2).
 */
enum http_result http_request_read(struct http_request *request, struct bytes head);

/* "GET" and the like. */
const char *http_request_method(const struct http_request *request);

/* 0x101 for HTTP/1.1. */
unsigned http_request_version(const struct http_request *request);

/* The target without its query: "/mqtt". */
struct bytes http_request_path(const struct http_request *request);

/* Whether there is a field of this name. */
bool http_has_field(const struct http_request *request, const char *name);

/* The value of the field of this name. False when there is none, or more than one. */
bool http_field(const struct http_request *request, const char *name, struct bytes *out);

/* Takes what stands before the separator off the text, without blanks around it; all of a text that
 * has none, of which then nothing is left, and *text has no data. */
struct bytes http_take_part(struct bytes *text, char separator);

/* Where a walk over the words of a list has come to; begins as zero. */
struct http_walk {
    size_t field;
    size_t offset; /* in its value */
};

/**
 * The next word of the comma-separated list that all fields of this name make together. False at
 * its end.
 */
bool http_next_word(const struct http_request *request, const char *name, struct http_walk *walk,
        struct bytes *out);

/* Whether that list has this word, in capitals or not. */
bool http_has_word(const struct http_request *request, const char *name, const char *word);

/**
 * Writes a whole answer that says no and why, after which the connection ends. `fields` are header
 * lines, each with its line's end. Returns its size.
 */
size_t http_refusal(char out[static HTTP_ANSWER_SIZE], enum http_status status, const char *fields,
        const char *text);

#endif
