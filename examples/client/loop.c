/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A link in an event loop of the program's own, here poll(): each line of standard input is
 * published, and what comes is printed.
 *
 *     loop URL TOPIC
 */
#include <nightjar/link.h>
#include <poll.h>
#include <stdio.h>

static void print(struct nj_link *link, void *context, const struct nj_message *message)
{
    (void)link;
    (void)context;
    printf("%.*s\n", (int)message->payload.size, (const char *)message->payload.data);
    fflush(stdout);
}

/* False at the end of the input. */
static int publish_line(struct nj_link *link, const char *topic)
{
    struct nj_message message = { .topic = nj_text(topic), .qos = 1 };
    char line[1000];

    if (!fgets(line, sizeof(line), stdin))
        return 0;
    message.payload = nj_bytes_of(line, strcspn(line, "\n"));
    if (nj_link_send(link, &message, 0) != NJ_OK)
        fprintf(stderr, "%s\n", nj_link_failure(link));
    return 1;
}

int main(int argc, char **words)
{
    const struct nj_link_options options = { .url = argc == 3 ? words[1] : "",
        .callbacks.message = print };
    const struct nj_subscription wanted = { .filter = nj_text(words[argc - 1]), .qos = 1 };
    struct nj_link *link = nj_link_new(&options);
    struct pollfd waits[2] = { { .fd = 0, .events = POLLIN },
        { .fd = nj_link_fd(link), .events = POLLIN } };

    setvbuf(stdin, NULL, _IONBF, 0); /* poll() knows nothing of what stdio keeps */
    nj_link_subscribe(link, &wanted, 1, nj_text(NULL), 0);
    while (nj_link_run_once(link, 0) == NJ_OK) {
        poll(waits, 2, nj_link_due_ms(link));
        if (waits[0].revents && !publish_line(link, words[argc - 1])) {
            waits[0].fd = -1; /* poll() leaves it out */
            nj_disconnect(link, 5000);
        }
    }
    nj_link_free(link);
    return 0;
}
