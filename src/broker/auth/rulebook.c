/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/rulebook.h"

#include "broker/config/line.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct rulebook_reader {
    struct rulebook *book;
    struct source source; /* its `named` is the line of what is read next */
    bool of_system;
    struct report *report;
};

/* Password hashes that everybody may read are guessed by whoever likes to. */
static void warn_if_open(struct rulebook_reader *reader, const char *path)
{
    struct stat status;

    if (reader->of_system && stat(path, &status) == 0 && status.st_mode & S_IROTH)
        report_tell(reader->report, REPORT_WARNING, (struct report_origin){ path, 0 },
                "every user of this machine may read it; chmod o= %.512s", path);
}

static int read_passwords(
        struct rulebook_reader *reader, const char *path, const struct password_file **out)
{
    struct rulebook *book = reader->book;
    struct password_file **next = &book->password_files[book->password_file_count];
    int result;

    for (size_t i = 0; i < book->password_file_count; i++) {
        *out = book->password_files[i];
        if (strcmp((*out)->lines.path, path) == 0)
            return 0;
    }
    result = password_file_read(next, path, &reader->source, reader->report);
    if (result < 0)
        return result;
    warn_if_open(reader, path);
    book->password_file_count++;
    *out = *next;
    return 0;
}

static int read_acl(struct rulebook_reader *reader, const char *path, const struct acl_file **out)
{
    struct rulebook *book = reader->book;
    struct acl_file **next = &book->acl_files[book->acl_file_count];
    int result;

    for (size_t i = 0; i < book->acl_file_count; i++) {
        *out = book->acl_files[i];
        if (strcmp((*out)->lines.path, path) == 0)
            return 0;
    }
    result = acl_file_read(next, path, &reader->source, reader->report);
    if (result < 0)
        return result;
    book->acl_file_count++;
    *out = *next;
    return 0;
}

static int read_tokens(struct rulebook_reader *reader, const struct config *config)
{
    const struct config_jwt *jwt = &config->jwt;
    int result;

    reader->source.named = config_origin(config, "auth_jwt", -1);
    result = token_rules_read(&reader->book->tokens, jwt, &reader->source, reader->report);

    if (result == 0 && token_keys_have_secret(reader->book->tokens->keys))
        warn_if_open(reader, jwt->file);
    return result;
}

static int read_service(struct rulebook_reader *reader, const struct config *config)
{
    reader->source.named = config_origin(config, "auth_http_cafile", -1);
    return web_service_read(&reader->book->service, &config->http,
            config_origin(config, "auth_http", -1), &reader->source, reader->report);
}

/* ---- The order in which they are asked ---- */

struct authenticator_row {
    const char *name; /* in auth_order */
    enum proof_kind kind;
    const char *key; /* that configures it */
};

static const struct authenticator_row authenticators[ASKED_MAX] = {
    { "password", PROOF_PASSWORD, "password_file" },
    { "jwt", PROOF_TOKEN, "auth_jwt" },
    { "http", PROOF_SERVICE, "auth_http" },
};

static bool is_configured(const struct rules *rules, enum proof_kind kind)
{
    switch (kind) {
    case PROOF_PASSWORD:
        return rules->passwords != NULL;
    case PROOF_TOKEN:
        return rules->tokens != NULL;
    case PROOF_SERVICE:
        return rules->service != NULL;
    case PROOF_NONE:
    case PROOF_TRANSPORT:
        break;
    }
    return false;
}

static const struct authenticator_row *find_authenticator(struct bytes name)
{
    for (size_t i = 0; i < ASKED_MAX; i++) {
        if (bytes_equal(bytes_of_text(authenticators[i].name), name))
            return &authenticators[i];
    }
    return NULL;
}

/* Reads auth_order. */
static int read_order(struct rulebook_reader *reader, const struct config *config)
{
    struct rulebook *book = reader->book;
    struct bytes rest = bytes_of_text(config->auth_order);
    struct bytes name;

    while ((name = line_word(&rest)).size > 0) {
        const struct authenticator_row *row = find_authenticator(name);
        bool twice = false;

        for (size_t i = 0; row && i < book->order_count; i++)
            twice |= book->order[i] == row->kind;
        if (!row || twice) {
            report_tell(reader->report, REPORT_ERROR, config_origin(config, "auth_order", -1),
                    "auth_order %.*s is %s; write each of password, jwt and http at most once",
                    (int)name.size, (const char *)name.data, row ? "there twice" : "not known");
            return -EINVAL;
        }
        book->order[book->order_count++] = row->kind;
    }
    return 0;
}

/* Who is configured and not asked is mostly forgotten. */
static void warn_of_unasked(struct rulebook_reader *reader, const struct config *config)
{
    const struct rulebook *book = reader->book;

    for (size_t i = 0; i < ASKED_MAX; i++) {
        bool configured = false;
        bool asked = false;

        for (size_t j = 0; j < config->listener_count; j++)
            configured |= is_configured(&book->listeners[j], authenticators[i].kind);
        for (size_t j = 0; j < book->order_count; j++)
            asked |= book->order[j] == authenticators[i].kind;
        if (configured && !asked)
            report_tell(reader->report, REPORT_WARNING, config_origin(config, "auth_order", -1),
                    "%s has no effect, as auth_order does not name \"%s\"", authenticators[i].key,
                    authenticators[i].name);
    }
}

static void order_authenticators(const struct rulebook *book, struct rules *rules)
{
    for (size_t i = 0; i < book->order_count; i++) {
        if (is_configured(rules, book->order[i]))
            rules->asked[rules->asked_count++] = book->order[i];
    }
}

static int read_listener(struct rulebook_reader *reader, const struct config *config, size_t number)
{
    const struct config_listener *listener = &config->listeners[number];
    struct rules *rules = &reader->book->listeners[number];
    int result = 0;

    snprintf(rules->name, sizeof(rules->name), "%s:%u", listener->address, listener->settings.port);
    if (listener->closed)
        return 0;
    rules->allow_anonymous = listener->settings.allow_anonymous;
    rules->user_name_proved = listener->settings.user_name_proved;
    rules->check_subscribe = config->acl_check_subscribe;
    reader->source.named = config_listener_origin(config, "password_file", number);
    if (listener->password_file[0] != '\0')
        result = read_passwords(reader, listener->password_file, &rules->passwords);
    rules->tokens = reader->book->tokens;
    rules->service = reader->book->service;
    reader->source.named = config_listener_origin(config, "acl_file", number);
    if (result == 0 && listener->acl_file[0] != '\0')
        result = read_acl(reader, listener->acl_file, &rules->acl);
    order_authenticators(reader->book, rules);
    return result;
}

int rulebook_read(struct rulebook **out, const struct config *config, const struct source *source,
        struct report *report)
{
    struct rulebook *book = calloc(1, sizeof(*book));
    struct rulebook_reader reader = {
        .book = book,
        .source = source ? *source : source_system(),
        .of_system = !source,
        .report = report,
    };
    int result = book ? 0 : -ENOMEM;

    if (result == 0)
        result = read_order(&reader, config);
    if (result == 0 && config->jwt.file[0] != '\0')
        result = read_tokens(&reader, config);
    if (result == 0 && config->http.url[0] != '\0')
        result = read_service(&reader, config);
    for (size_t i = 0; result == 0 && i < config->listener_count; i++)
        result = read_listener(&reader, config, i);
    if (result < 0) {
        rulebook_free(book);
        return result;
    }
    warn_of_unasked(&reader, config);
    book->listener_count = config->listener_count;
    *out = book;
    return 0;
}

void rulebook_free(struct rulebook *book)
{
    if (!book)
        return;
    for (size_t i = 0; i < book->password_file_count; i++)
        password_file_free(book->password_files[i]);
    for (size_t i = 0; i < book->acl_file_count; i++)
        acl_file_free(book->acl_files[i]);
    token_rules_free(book->tokens);
    web_service_unref(book->service);
    free(book);
}

void rulebook_check_access(const struct rulebook *book, struct report *report)
{
    for (size_t i = 0; i < book->password_file_count; i++)
        source_check_access(book->password_files[i]->lines.path, report);
    for (size_t i = 0; i < book->acl_file_count; i++)
        source_check_access(book->acl_files[i]->lines.path, report);
    if (book->tokens)
        source_check_access(book->tokens->wanted.file, report);
    if (book->service && book->service->wanted.cafile[0] != '\0')
        source_check_access(book->service->wanted.cafile, report);
}
