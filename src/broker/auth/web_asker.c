/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/web_asker.h"

#include "broker/auth/web_answer.h"
#include "loop/clock.h"

#include <curl/curl.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>

enum {
    AUTHORITIES_TIMEOUT_S = 60, /* for which libcurl need not read them again */
    HEADER_LINE_MAX = 4096,
    IDLE_MS = 60000, /* a wake-up comes before, when there is something to do */
};

/* ---- Questions ---- */

static void release(struct question *question)
{
    struct web_question *web = container_of(question, struct web_question, question);

    if (web->body)
        OPENSSL_cleanse(web->body, web->body_size);
    free(web->body);
    web_request_free(web->request);
    web_service_unref(web->service);
}

struct web_question *web_question_new(const struct memory *memory, struct web_service *service,
        const struct login *login, struct desk *desk, unsigned asker)
{
    struct question *question =
            question_new(memory, sizeof(struct web_question), login, desk, asker);
    struct web_question *web;

    if (!question)
        return NULL;
    web = container_of(question, struct web_question, question);
    web->service = web_service_ref(service);
    web->request = web_request(&question->login);
    question->release = release;
    return web;
}

static struct bytes body_of(const struct web_question *web)
{
    return bytes_of(web->body, web->body_size);
}

/* Gives it back to its desk. */
static void answer(struct web_asker *asker, struct web_question *web)
{
    pthread_mutex_lock(&asker->lock);
    asker->open--;
    pthread_mutex_unlock(&asker->lock);
    question_answer(&web->question);
}

static void answer_without(struct web_asker *asker, struct web_question *web, const char *fault)
{
    web->status = 0;
    web->fault = fault;
    answer(asker, web);
}

/* ---- What was answered before ---- */

/* All that the answer may depend on, but for the port that the client comes from. */
static bool find_key(const struct web_asker *asker, struct web_question *web)
{
    const struct bytes pieces[] = {
        bytes_of_text(web->service->wanted.url),
        bytes_of_text(web->service->wanted.headers),
        bytes_of_text(web->request),
    };

    return web_cache_key(&asker->cache, pieces, sizeof(pieces) / sizeof(pieces[0]), web->key);
}

/* False where it has to be asked. */
static bool answer_from_cache(struct web_asker *asker, struct web_question *web)
{
    const struct web_cache_entry *entry = NULL;

    if (web->service->wanted.cache_s > 0 && find_key(asker, web))
        entry = web_cache_find(&asker->cache, web->key, clock_now_ms());
    if (!entry)
        return false;
    web->body = malloc(entry->body_size + 1);
    if (!web->body)
        return false;
    if (entry->body_size > 0)
        memcpy(web->body, entry->body, entry->body_size);
    web->body_size = entry->body_size;
    web->status = entry->status;
    answer(asker, web);
    return true;
}

static void keep_answer(struct web_asker *asker, const struct web_question *web)
{
    int64_t keep_ms = web->service->wanted.cache_s * INT64_C(1000);
    int64_t wall_ms = clock_wall_ms();
    struct web_answer read;

    if (keep_ms == 0)
        return;
    read = web_answer_read(web->status, body_of(web), wall_ms / 1000);
    keep_ms = web_answer_keep_ms(&read, keep_ms, wall_ms);
    web_answer_release(&read);
    if (keep_ms > 0)
        web_cache_keep(
                &asker->cache, web->key, web->status, body_of(web), clock_now_ms() + keep_ms);
}

/* ---- Transfers ---- */

/* libcurl gives a piece of the answer; what is not taken ends the transfer. */
static size_t take_piece(char *data, size_t one, size_t size, void *context)
{
    struct web_question *web = context;
    uint8_t *body;

    (void)one;
    if (web->body_size + size > WEB_ANSWER_MAX)
        return 0;
    body = realloc(web->body, web->body_size + size + 1);
    if (!body)
        return 0;
    memcpy(body + web->body_size, data, size);
    web->body = body;
    web->body_size += size;
    return size;
}

/* Appends each line of auth_http_header. NULL when memory is short. */
static struct curl_slist *make_headers(const char *lines)
{
    static const char *const ours[] = { "Content-Type: application/json",
        "Accept: application/json", "Expect:" };
    struct curl_slist *headers = NULL;
    char line[HEADER_LINE_MAX + 1];

    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
        struct curl_slist *longer = curl_slist_append(headers, ours[i]);

        headers = longer ? longer : headers;
    }
    while (*lines != '\0') {
        size_t size = strcspn(lines, "\n");
        struct curl_slist *longer = NULL;

        if (size <= HEADER_LINE_MAX) {
            memcpy(line, lines, size);
            line[size] = '\0';
            longer = curl_slist_append(headers, line);
        }
        if (!longer) {
            curl_slist_free_all(headers);
            return NULL;
        }
        headers = longer;
        lines += size + (lines[size] == '\n');
    }
    OPENSSL_cleanse(line, sizeof(line));
    return headers;
}

/* Only http and https, to the host that the URL names, with its certificate checked; no other way
 * of the environment's, and no other place that an answer names. */
static bool set_up(CURL *transfer, struct web_question *web)
{
    const struct config_http *wanted = &web->service->wanted;
    struct bytes authorities = web->service->authorities;
    struct curl_blob blob = { (void *)(uintptr_t)authorities.data, authorities.size,
        CURL_BLOB_NOCOPY };

    return curl_easy_setopt(transfer, CURLOPT_URL, wanted->url) == CURLE_OK &&
            curl_easy_setopt(transfer, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
            curl_easy_setopt(transfer, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
            curl_easy_setopt(transfer, CURLOPT_PROXY, "") == CURLE_OK &&
            curl_easy_setopt(transfer, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
            curl_easy_setopt(transfer, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
            curl_easy_setopt(transfer, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
            curl_easy_setopt(transfer, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) ==
            CURLE_OK &&
            curl_easy_setopt(transfer, CURLOPT_CA_CACHE_TIMEOUT, (long)AUTHORITIES_TIMEOUT_S) ==
            CURLE_OK &&
            (authorities.size == 0 ||
                    curl_easy_setopt(transfer, CURLOPT_CAINFO_BLOB, &blob) == CURLE_OK) &&
            curl_easy_setopt(transfer, CURLOPT_TIMEOUT_MS, (long)wanted->timeout_ms) == CURLE_OK &&
            curl_easy_setopt(transfer, CURLOPT_USERAGENT, "nightjar") == CURLE_OK &&
            curl_easy_setopt(transfer, CURLOPT_HTTPHEADER, web->headers) == CURLE_OK &&
            curl_easy_setopt(transfer, CURLOPT_POSTFIELDS, web->request) == CURLE_OK &&
            curl_easy_setopt(transfer, CURLOPT_WRITEFUNCTION, take_piece) == CURLE_OK &&
            curl_easy_setopt(transfer, CURLOPT_WRITEDATA, web) == CURLE_OK &&
            curl_easy_setopt(transfer, CURLOPT_PRIVATE, web) == CURLE_OK;
}

/* Its transfer is gone after this. */
static void end_transfer(struct web_asker *asker, struct web_question *web)
{
    if (web->transfer) {
        curl_multi_remove_handle(asker->multi, web->transfer);
        curl_easy_cleanup(web->transfer);
    }
    curl_slist_free_all(web->headers);
    web->transfer = NULL;
    web->headers = NULL;
    list_remove(&web->question.link);
}

static void ask(struct web_asker *asker, struct web_question *web)
{
    if (answer_from_cache(asker, web))
        return;
    list_append(&asker->asked, &web->question.link);
    web->transfer = curl_easy_init();
    web->headers = make_headers(web->service->wanted.headers);
    if (web->transfer && web->headers && set_up(web->transfer, web) &&
            curl_multi_add_handle(asker->multi, web->transfer) == CURLM_OK)
        return;
    end_transfer(asker, web);
    answer_without(asker, web, "no memory to ask");
}

static void finish(struct web_asker *asker, const CURLMsg *message)
{
    CURLcode result = message->data.result;
    struct web_question *web = NULL;
    long status = 0;

    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &web);
    curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &status);
    end_transfer(asker, web);
    if (result != CURLE_OK) {
        answer_without(asker, web,
                result == CURLE_WRITE_ERROR ? "the answer is too large"
                                            : curl_easy_strerror(result));
        return;
    }
    web->status = status;
    keep_answer(asker, web);
    answer(asker, web);
}

/* ---- The thread ---- */

/* False when it is to end. */
static bool take_questions(struct web_asker *asker)
{
    struct list taken;
    struct list *link;
    bool stopping;

    list_init(&taken);
    pthread_mutex_lock(&asker->lock);
    list_move_all(&taken, &asker->waiting);
    stopping = asker->stopping;
    pthread_mutex_unlock(&asker->lock);
    while ((link = list_take_first(&taken))) {
        struct web_question *web = container_of(link, struct web_question, question.link);

        if (stopping)
            answer_without(asker, web, "the server stops");
        else
            ask(asker, web);
    }
    return !stopping;
}

static void *run(void *context)
{
    struct web_asker *asker = context;
    struct list *link;
    CURLMsg *message;
    int left;

    while (take_questions(asker)) {
        curl_multi_perform(asker->multi, &left);
        while ((message = curl_multi_info_read(asker->multi, &left))) {
            if (message->msg == CURLMSG_DONE)
                finish(asker, message);
        }
        curl_multi_poll(asker->multi, NULL, 0, IDLE_MS, NULL);
    }
    while ((link = asker->asked.next) != &asker->asked) {
        struct web_question *web = container_of(link, struct web_question, question.link);

        end_transfer(asker, web);
        answer_without(asker, web, "the server stops");
    }
    return NULL;
}

void web_asker_init(struct web_asker *asker)
{
    *asker = (struct web_asker){ .stopping = false };
    list_init(&asker->waiting);
    list_init(&asker->asked);
    pthread_mutex_init(&asker->lock, NULL); /* On Linux it does not fail. */
}

/* What the thread needs. */
static int prepare(struct web_asker *asker)
{
    int result;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return -EIO;
    result = web_cache_init(&asker->cache);
    if (result < 0)
        return result;
    asker->multi = curl_multi_init();
    if (!asker->multi)
        return -ENOMEM;
    curl_multi_setopt(asker->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)WEB_CONNECTIONS_MAX);
    return 0;
}

int web_asker_start(struct web_asker *asker)
{
    int result;

    if (asker->running)
        return 0;
    result = prepare(asker);
    if (result == 0)
        result = -pthread_create(&asker->thread, NULL, run, asker);
    pthread_mutex_lock(&asker->lock);
    asker->running = result == 0;
    pthread_mutex_unlock(&asker->lock);
    if (result == 0)
        return 0;
    curl_multi_cleanup(asker->multi);
    asker->multi = NULL;
    web_cache_deinit(&asker->cache);
    return result;
}

void web_asker_stop(struct web_asker *asker)
{
    bool running;

    pthread_mutex_lock(&asker->lock);
    asker->stopping = true;
    running = asker->running;
    asker->running = false;
    pthread_mutex_unlock(&asker->lock);
    if (!running)
        return;
    curl_multi_wakeup(asker->multi);
    pthread_join(asker->thread, NULL);
    curl_multi_cleanup(asker->multi);
    asker->multi = NULL;
    web_cache_deinit(&asker->cache);
    curl_global_cleanup();
}

void web_asker_deinit(struct web_asker *asker)
{
    pthread_mutex_destroy(&asker->lock);
}

bool web_asker_ask(struct web_asker *asker, struct web_question *question)
{
    bool stopping;
    bool room;

    pthread_mutex_lock(&asker->lock);
    stopping = asker->stopping || !asker->running;
    room = asker->open < question->service->wanted.max_waiting;
    if (room)
        asker->open++;
    if (room && !stopping) {
        list_append(&asker->waiting, &question->question.link);
        curl_multi_wakeup(asker->multi);
    }
    pthread_mutex_unlock(&asker->lock);
    if (room && stopping)
        answer_without(asker, question, "the server stops");
    return room;
}
