/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers each question with its text in capital letters.
 *
 *     respond URL TOPIC
 */
#include <nightjar/link.h>
#include <ctype.h>
#include <stdio.h>

enum { ANSWER_MAX = 1000 };

static void answer(struct nj_link *link, void *context, const struct nj_message *question)
{
    const char *text = question->payload.data;
    struct nj_message message = { .qos = question->qos };
    char capitals[ANSWER_MAX];
    size_t size = question->payload.size < ANSWER_MAX ? question->payload.size : ANSWER_MAX;

    (void)context;
    for (size_t i = 0; i < size; i++)
        capitals[i] = (char)toupper((unsigned char)text[i]);
    message.payload = nj_bytes_of(capitals, size);
    if (nj_link_respond(link, question, &message, 0) != NJ_OK)
        fprintf(stderr, "%s\n", nj_link_failure(link));
}

static void say_ready(struct nj_link *link, void *context, uint64_t tag, struct nj_bytes codes,
        struct nj_bytes properties)
{
    (void)link;
    (void)context;
    (void)tag;
    (void)codes;
    (void)properties;
    printf("ready\n");
    fflush(stdout);
}

int main(int argc, char **words)
{
    const struct nj_link_options options = {
        .url = argc == 3 ? words[1] : "",
        .callbacks = { .message = answer, .answered = say_ready },
    };
    const struct nj_subscription questions = { .filter = nj_text(words[argc - 1]), .qos = 1 };
    struct nj_link *link = nj_link_new(&options);

    nj_link_subscribe(link, &questions, 1, nj_text(NULL), 0);
    while (nj_link_run_once(link, NJ_FOREVER) == NJ_OK)
        continue;
    fprintf(stderr, "%s\n", nj_link_failure(link));
    nj_link_free(link);
    return 1;
}
