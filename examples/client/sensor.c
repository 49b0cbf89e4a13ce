/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sensor on a bad link: its readings go into a file first, so that none is lost while the network
 * is away or when the program is killed, and each arrives once.
 *
 *     sensor URL FILE COUNT
 */
#include <nightjar/link.h>
#include <stdio.h>
#include <stdlib.h>

static void say_why(struct nj_link *link, void *context, const struct nj_down *news)
{
    (void)link;
    (void)context;
    fprintf(stderr, "%s; trying again in %lld ms\n", news->text, (long long)news->retry_ms);
}

int main(int argc, char **words)
{
    struct nj_link_options options = {
        .client_id = "sensor",
        .session_expiry_s = 7 * 24 * 3600, /* the server remembers us for a week */
        .callbacks.down = say_why,
    };
    struct nj_message reading = { .topic = nj_text("garden/temperature"), .qos = 2 };
    struct nj_link *link;
    enum nj_error error = NJ_OK;
    char text[32];

    if (argc != 4) {
        fprintf(stderr, "usage: sensor URL FILE COUNT\n");
        return 2;
    }
    options.url = words[1];
    options.file = words[2];
    link = nj_link_new(&options);
    for (int i = 0; i < atoi(words[3]) && error == NJ_OK; i++) {
        snprintf(text, sizeof(text), "%d.5", 20 + i);
        reading.payload = nj_text(text);
        error = nj_link_send(link, &reading, 0); /* it is in the file now */
        nj_link_run_once(link, 0);
    }
    if (error == NJ_OK)
        error = nj_disconnect(link, 10000); /* what is not acknowledged goes with the next run */
    if (error != NJ_OK)
        fprintf(stderr, "%s; %zu readings wait in %s\n", nj_link_failure(link),
                nj_link_pending(link), words[2]);
    nj_link_free(link);
    return error != NJ_OK;
}
