/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http.h"

#include <assert.h>
#include <stdio.h>
#include <strings.h>

/* ---- Reading ---- */

/* Whether a line ends between a name and the value that is said to begin there. */
static bool is_folded(const struct http_field *field, const char *value)
{
    const uint8_t *behind = field->name.data + field->name.size;

    return memchr(behind, '\n', (size_t)((const uint8_t *)value - behind)) != NULL;
}

/* Adds a piece to a view that it follows. False when it does not follow. */
static bool grow(struct bytes *view, const char *at, size_t size)
{
    if (view->size > 0 && (const uint8_t *)at != view->data + view->size)
        return false;
    if (view->size == 0)
        view->data = (const uint8_t *)at;
    view->size += size;
    return true;
}

static int on_target(struct http_parser *parser, const char *at, size_t size)
{
    struct http_request *request = parser->data;

    return grow(&request->target, at, size) ? 0 : -1;
}

static int on_name(struct http_parser *parser, const char *at, size_t size)
{
    struct http_request *request = parser->data;

    /* The library takes a blank before the colon for a part of the name. */
    if (memchr(at, ' ', size))
        return -1;
    if (request->in_value || request->field_count == 0) {
        if (request->field_count == HTTP_FIELDS_MAX)
            return HTTP_TOO_MANY;
        request->fields[request->field_count++] = (struct http_field){ 0 };
        request->in_value = false;
    }
    return grow(&request->fields[request->field_count - 1].name, at, size) ? 0 : -1;
}

static int on_value(struct http_parser *parser, const char *at, size_t size)
{
    struct http_request *request = parser->data;
    struct http_field *field = &request->fields[request->field_count - 1];

    request->in_value = true;
    if (size > 0 && field->value.size == 0 && is_folded(field, at))
        return -1;
    /* The pieces of a folded line do not follow each other. */
    return grow(&field->value, at, size) ? 0 : -1;
}

static int on_head(struct http_parser *parser)
{
    struct http_request *request = parser->data;

    request->whole = true;
    return 2; /* no body: the parser stops behind the head */
}

void http_request_init(struct http_request *request)
{
    request->target = (struct bytes){ 0 };
    request->field_count = 0;
    request->read = 0;
    request->whole = false;
    request->in_value = false;
    http_parser_init(&request->parser, HTTP_REQUEST);
    request->parser.data = request;
}

enum http_result http_request_read(struct http_request *request, struct bytes head)
{
    static const struct http_parser_settings settings = {
        .on_url = on_target,
        .on_header_field = on_name,
        .on_header_value = on_value,
        .on_headers_complete = on_head,
    };
    struct bytes more = bytes_from(head, request->read);

    assert(!request->whole);
    if (more.size == 0)
        return HTTP_PARTIAL;
    request->read +=
            http_parser_execute(&request->parser, &settings, (const char *)more.data, more.size);
    if (request->parser.http_errno == HPE_CB_header_field &&
            request->field_count == HTTP_FIELDS_MAX)
        return HTTP_TOO_MANY;
    if (request->parser.http_errno != HPE_OK)
        return HTTP_BAD;
    return request->whole ? HTTP_WHOLE : HTTP_PARTIAL;
}

/* ---- What was read ---- */

const char *http_request_method(const struct http_request *request)
{
    return http_method_str((enum http_method)request->parser.method);
}

unsigned http_request_version(const struct http_request *request)
{
    return (unsigned)request->parser.http_major << 8 | request->parser.http_minor;
}

struct bytes http_request_path(const struct http_request *request)
{
    struct bytes target = request->target;
    const uint8_t *query = target.size > 0 ? memchr(target.data, '?', target.size) : NULL;

    return query ? bytes_first(target, (size_t)(query - target.data)) : target;
}

/* Names and most words mean the same in capitals. */
static bool is_same(struct bytes bytes, const char *text)
{
    return bytes.size == strlen(text) &&
            strncasecmp((const char *)bytes.data, text, bytes.size) == 0;
}

/* The number of the next field of this name, from `at` on; field_count when there is none. */
static size_t next_field(const struct http_request *request, size_t at, const char *name)
{
    while (at < request->field_count && !is_same(request->fields[at].name, name))
        at++;
    return at;
}

bool http_has_field(const struct http_request *request, const char *name)
{
    return next_field(request, 0, name) < request->field_count;
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

static struct bytes trim(struct bytes bytes)
{
    while (bytes.size > 0 && is_blank(bytes.data[0]))
        bytes = bytes_from(bytes, 1);
    while (bytes.size > 0 && is_blank(bytes.data[bytes.size - 1]))
        bytes.size--;
    return bytes;
}

bool http_field(const struct http_request *request, const char *name, struct bytes *out)
{
    size_t first = next_field(request, 0, name);

    if (first == request->field_count ||
            next_field(request, first + 1, name) < request->field_count)
        return false;
    *out = trim(request->fields[first].value);
    return true;
}

struct bytes http_take_part(struct bytes *text, char separator)
{
    const uint8_t *end = text->size > 0 ? memchr(text->data, separator, text->size) : NULL;
    size_t size = end ? (size_t)(end - text->data) : text->size;
    struct bytes part = trim(bytes_first(*text, size));

    *text = end ? bytes_from(*text, size + 1) : (struct bytes){ 0 };
    return part;
}

bool http_next_word(const struct http_request *request, const char *name, struct http_walk *walk,
        struct bytes *out)
{
    for (;;) {
        struct bytes rest;

        walk->field = next_field(request, walk->field, name);
        if (walk->field == request->field_count)
            return false;
        rest = request->fields[walk->field].value;
        if (walk->offset >= rest.size) {
            *walk = (struct http_walk){ .field = walk->field + 1 };
            continue;
        }
        rest = bytes_from(rest, walk->offset);
        *out = http_take_part(&rest, ',');
        walk->offset = request->fields[walk->field].value.size - rest.size;
        if (out->size > 0) /* empty words do not count (RFC 9110 §5.6.1) */
            return true;
    }
}

bool http_has_word(const struct http_request *request, const char *name, const char *word)
{
    struct http_walk walk = { 0 };
    struct bytes found;

    while (http_next_word(request, name, &walk, &found)) {
        if (is_same(found, word))
            return true;
    }
    return false;
}

/* ---- Answering ---- */

size_t http_refusal(char out[static HTTP_ANSWER_SIZE], enum http_status status, const char *fields,
        const char *text)
{
    int size = snprintf(out, HTTP_ANSWER_SIZE,
            "HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Type: text/plain\r\n"
            "Content-Length: %zu\r\n%s\r\n%s\n",
            (int)status, http_status_str(status), strlen(text) + 1, fields, text);

    assert(size > 0 && size < HTTP_ANSWER_SIZE);
    return (size_t)size;
}
