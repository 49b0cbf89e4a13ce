/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/credentials.h"

#include "broker/config/line.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *text_or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

/* ---- Pre-shared keys ---- */

static struct bytes find_key(const void *file, struct bytes identity)
{
    const struct psk *psk = psk_file_find(file, identity);

    return psk ? psk->key : (struct bytes){ 0 };
}

static void *ref_keys(void *file)
{
    return psk_file_ref(file);
}

static void unref_keys(void *file)
{
    psk_file_unref(file);
}

/* Keys that everybody may read are everybody's. */
static void warn_if_open(const char *path, struct report *report)
{
    struct stat status;

    if (stat(path, &status) == 0 && status.st_mode & S_IROTH)
        report_tell(report, REPORT_WARNING, (struct report_origin){ path, 0 },
                "every user of this machine may read the keys; chmod o= %.512s", path);
}

static int read_keys(struct credentials *credentials, const struct config *config, size_t number,
        struct tls_keys *out, struct report *report)
{
    const char *path = config->listeners[number].psk_file;
    struct source source = source_system();
    struct psk_file **next = &credentials->psk_files[credentials->psk_file_count];
    int result;

    *out = (struct tls_keys){ .find = find_key, .ref = ref_keys, .unref = unref_keys };
    for (size_t i = 0; i < credentials->psk_file_count; i++) {
        out->context = credentials->psk_files[i];
        if (strcmp(credentials->psk_files[i]->lines.path, path) == 0)
            return 0;
    }
    source.named = config_listener_origin(config, "psk_file", number);
    result = psk_file_read(next, path, &source, report);
    if (result < 0)
        return result;
    warn_if_open(path, report);
    credentials->psk_file_count++;
    out->context = *next;
    return 0;
}

/* ---- Further certificates ---- */

/* The pairs of a listener, out of a copy of its list. */
struct named {
    char text[CONFIG_NAMED_MAX + 1];
    struct tls_pair pairs[TLS_PAIRS_MAX + 1]; /* one more than there may be */
    size_t count;
};

/* The next word, as a text of its own; NULL at the end. */
static const char *take_word(struct bytes *rest)
{
    struct bytes word = line_word(rest);

    if (word.size == 0)
        return NULL;
    ((char *)(uintptr_t)word.data)[word.size] = '\0';
    /* What was a blank behind it is the end of the text now. */
    if (rest->size > 0 && rest->data == word.data + word.size)
        *rest = bytes_from(*rest, 1);
    return (const char *)word.data;
}

static void split_named(struct named *named, const struct config_tls *tls)
{
    struct bytes rest;

    memcpy(named->text, tls->named, sizeof(named->text));
    rest = bytes_of_text(named->text);
    named->count = 0;
    while (named->count <= TLS_PAIRS_MAX) {
        struct tls_pair pair = { .certificate_file = take_word(&rest) };

        pair.key_file = pair.certificate_file ? take_word(&rest) : NULL;
        if (!pair.key_file)
            return;
        named->pairs[named->count++] = pair;
    }
}

/* ---- Listeners ---- */

/* The key whose line a failure is told for, where the file does not say it better. */
static struct report_origin origin_of(const struct config *config, size_t number)
{
    const struct config_tls *tls = &config->listeners[number].tls;

    return config_origin(config, tls->certfile[0] != '\0' ? "certfile" : "psk_hint", (int)number);
}

static int make_server(struct credentials *credentials, const struct config *config, size_t number,
        struct tls_server_options *options, struct report *report)
{
    const struct config_tls *tls = &config->listeners[number].tls;
    char told[FAILURE_SIZE];
    struct named *named = malloc(sizeof(*named));
    int result;

    if (!named)
        return -ENOMEM;
    split_named(named, tls);
    options->named = named->pairs;
    options->named_count = named->count;
    result = tls_server_new(&credentials->listeners[number], options, told);
    if (told[0] != '\0')
        report_tell(report, result < 0 ? REPORT_ERROR : REPORT_WARNING, origin_of(config, number),
                "%s", told);
    free(named);
    return result;
}

static int read_listener(struct credentials *credentials, const struct config *config,
        size_t number, uint64_t reading, struct report *report)
{
    static const char *const applications[] = { [CONFIG_PROTOCOL_MQTT] = "mqtt",
        [CONFIG_PROTOCOL_WEBSOCKETS] = "http/1.1",
        [CONFIG_PROTOCOL_MQTTSN] = NULL };
    const struct config_listener *listener = &config->listeners[number];
    const struct config_tls *tls = &listener->tls;
    struct tls_keys keys;
    struct tls_server_options options = {
        .pair = { tls->certfile, tls->keyfile },
        .ocsp_file = text_or_null(tls->ocsp_file),
        .ca_file = text_or_null(tls->cafile),
        .ca_folder = text_or_null(tls->capath),
        .crl_file = text_or_null(tls->crlfile),
        .ciphers = text_or_null(tls->ciphers),
        .suites = text_or_null(tls->suites),
        .version_min = tls->version_min == CONFIG_TLS_1_3 ? TLS_1_3 : TLS_1_2,
        .require_certificate = tls->require_certificate,
        .ignore_dates = tls->disable_client_cert_date_checks,
        .psk_hint = text_or_null(tls->psk_hint),
        .reading = reading,
        .application = applications[listener->protocol],
        .datagrams = listener->protocol == CONFIG_PROTOCOL_MQTTSN,
    };
    int result;

    if (tls->psk_hint[0] != '\0') {
        result = read_keys(credentials, config, number, &keys, report);
        if (result < 0)
            return result;
        options.keys = &keys;
    } else if (tls->certfile[0] == '\0') {
        return 0;
    }
    return make_server(credentials, config, number, &options, report);
}

int credentials_read(struct credentials **out, const struct config *config, uint64_t reading,
        struct report *report)
{
    struct credentials *credentials = calloc(1, sizeof(*credentials));
    int result = 0;

    if (!credentials)
        return -ENOMEM;
    /* One that fails does not keep the others from telling what is wrong with them. */
    for (size_t i = 0; i < config->listener_count; i++) {
        if (read_listener(credentials, config, i, reading, report) < 0)
            result = -EINVAL;
    }
    if (result < 0)
        credentials_free(credentials);
    else
        *out = credentials;
    return result;
}

void credentials_free(struct credentials *credentials)
{
    if (!credentials)
        return;
    for (size_t i = 0; i < CONFIG_LISTENERS_MAX; i++)
        tls_server_unref(credentials->listeners[i]);
    for (size_t i = 0; i < credentials->psk_file_count; i++)
        psk_file_unref(credentials->psk_files[i]);
    free(credentials);
}

/* ---- Paths ---- */

static void each_named_path(
        const struct config_tls *tls, void (*visit)(void *context, const char *path), void *context)
{
    struct named *named = tls->named[0] != '\0' ? malloc(sizeof(*named)) : NULL;

    if (!named)
        return;
    split_named(named, tls);
    for (size_t i = 0; i < named->count; i++) {
        visit(context, named->pairs[i].certificate_file);
        visit(context, named->pairs[i].key_file);
    }
    free(named);
}

void credentials_each_path(
        const struct config *config, void (*visit)(void *context, const char *path), void *context)
{
    for (size_t i = 0; i < config->listener_count; i++) {
        const struct config_listener *listener = &config->listeners[i];
        const struct config_tls *tls = &listener->tls;
        const char *files[] = { tls->certfile, tls->keyfile, tls->cafile, tls->capath, tls->crlfile,
            tls->ocsp_file, tls->psk_hint[0] != '\0' ? listener->psk_file : "" };

        for (size_t j = 0; j < sizeof(files) / sizeof(files[0]); j++) {
            if (files[j][0] != '\0')
                visit(context, files[j]);
        }
        each_named_path(tls, visit, context);
    }
}

static void check_path(void *report, const char *path)
{
    source_check_access(path, report);
}

void credentials_check_access(const struct config *config, struct report *report)
{
    credentials_each_path(config, check_path, report);
}
