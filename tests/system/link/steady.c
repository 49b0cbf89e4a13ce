/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Publishes or takes the numbers from 0 on, whatever happens to its server meanwhile.
 *
 *     steady URL VERSION publish QOS COUNT PARTS  sends them, and ends when all are acknowledged;
 *                                                 a line of its input begins each further part
 *     steady URL VERSION subscribe QOS COUNT      takes them, until all have come
 */
#include <nightjar/link.h>

#include <stdio.h>
#include <stdlib.h>

enum { WAIT_MS = 60000, AT_ONCE = 50 };

struct numbers {
    struct nj_link *link;
    uint8_t qos;
    unsigned count;
    unsigned parts;
    unsigned done;
    unsigned lost; /* that the server may have or not */
    unsigned seen;
    unsigned char times[100000];
};

static void note_sent(struct nj_link *link, void *context, uint64_t tag, enum nj_error error,
        uint8_t reason, struct nj_bytes properties)
{
    struct numbers *numbers = context;

    (void)link;
    (void)reason;
    (void)properties;
    numbers->done++;
    numbers->lost += error == NJ_LOST;
    if (error != NJ_OK && error != NJ_LOST)
        printf("%u: %s\n", (unsigned)tag, nj_error_text(error));
}

static void note_message(struct nj_link *link, void *context, const struct nj_message *message)
{
    struct numbers *numbers = context;
    char text[16];
    unsigned number;

    (void)link;
    snprintf(text, sizeof(text), "%.*s", (int)message->payload.size,
            (const char *)message->payload.data);
    number = (unsigned)strtoul(text, NULL, 10);
    if (number < numbers->count && numbers->times[number]++ == 0)
        numbers->seen++;
}

static void note_answer(struct nj_link *link, void *context, uint64_t tag, struct nj_bytes codes,
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

static void await_line(void)
{
    int got;

    do
        got = getchar();
    while (got != '\n' && got != EOF);
}

static void publish_all(struct numbers *numbers)
{
    unsigned part = numbers->count / numbers->parts;
    unsigned allowed = part;
    unsigned next = 0;

    while (numbers->done < numbers->count) {
        char text[16];
        struct nj_message message = { .topic = nj_text("steady"), .qos = numbers->qos };

        if (numbers->done == allowed) {
            await_line();
            allowed += part;
        } else if (next < allowed && next - numbers->done < AT_ONCE) {
            snprintf(text, sizeof(text), "%u", next);
            message.payload = nj_text(text);
            if (nj_link_send(numbers->link, &message, next) == NJ_OK)
                next++;
        } else if (nj_link_run_once(numbers->link, NJ_FOREVER) != NJ_OK) {
            break;
        }
    }
    printf("%u sent, %u lost\n", numbers->done, numbers->lost);
}

static void take_all(struct numbers *numbers)
{
    const struct nj_subscription wanted = { .filter = nj_text("steady"), .qos = numbers->qos };
    unsigned again = 0;

    nj_link_subscribe(numbers->link, &wanted, 1, nj_text(NULL), 0);
    while (numbers->seen < numbers->count && nj_link_run_once(numbers->link, NJ_FOREVER) == NJ_OK)
        continue;
    for (unsigned i = 0; i < numbers->count; i++)
        again += numbers->times[i] > 1;
    printf("%u seen, %u again\n", numbers->seen, again);
}

int main(int argc, char **words)
{
    static struct numbers numbers;
    struct nj_link_options options = {
        .session_expiry_s = 1000,
        .retry_min_ms = 20,
        .retry_max_ms = 50,
        .callbacks = { .sent = note_sent, .message = note_message, .answered = note_answer },
        .context = &numbers,
    };

    if (argc != 6 && argc != 7)
        return 2;
    options.url = words[1];
    options.version = words[2][0] == '4' ? NJ_MQTT_3_1_1 : NJ_MQTT_5_0;
    options.client_id = words[3];
    numbers.qos = (uint8_t)atoi(words[4]);
    numbers.count = (unsigned)atoi(words[5]);
    numbers.link = nj_link_new(&options);
    if (argc == 7) {
        numbers.parts = (unsigned)atoi(words[6]);
        publish_all(&numbers);
    } else {
        take_all(&numbers);
    }
    nj_disconnect(numbers.link, WAIT_MS);
    nj_link_free(numbers.link);
    return 0;
}
