/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One of several workers that share the jobs below a topic: each job goes to one of them. A job is
 * acknowledged when it is done, so a worker that dies leaves it to the others. The link has a
 * thread of its own, and ends when standard input does.
 *
 *     worker URL GROUP FILTER
 */
#include <nightjar/link.h>
#include <stdio.h>

static void work(struct nj_link *link, void *context, const struct nj_message *job)
{
    (void)link;
    (void)context;
    printf("%.*s done\n", (int)job->payload.size, (const char *)job->payload.data);
    fflush(stdout);
}

int main(int argc, char **words)
{
    struct nj_link_options options = {
        .receive_maximum = 1, /* the next job comes when this one is done */
        .callbacks.message = work,
    };
    struct nj_link *link;
    char filter[256];
    int key;

    if (argc != 4) {
        fprintf(stderr, "usage: worker URL GROUP FILTER\n");
        return 2;
    }
    options.url = words[1];
    link = nj_link_new(&options);
    snprintf(filter, sizeof(filter), "$share/%s/%s", words[2], words[3]);
    if (nj_link_start(link) != NJ_OK || nj_subscribe(link, filter, 1, 5000) != NJ_OK) {
        fprintf(stderr, "%s\n", nj_link_failure(link));
        nj_link_free(link);
        return 1;
    }
    printf("ready\n");
    fflush(stdout);
    while ((key = getchar()) != EOF)
        continue;
    nj_disconnect(link, 5000);
    nj_link_free(link);
    return 0;
}
