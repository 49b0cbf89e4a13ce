/* SPDX-License-Identifier: Apache-2.0 */
#include <nightjar/link.h>
#include <stdio.h>

int main(int argc, char **words)
{
    struct nj_link *link = nj_link_open(argc > 1 ? words[1] : "mqtt://localhost");
    struct nj_message message;

    setvbuf(stdout, NULL, _IOLBF, 0); /* into a pipe, too, each line goes at once */
    nj_subscribe(link, "greeting/#", 1, 5000);
    while (nj_receive(link, &message, NJ_FOREVER) == NJ_OK)
        printf("%.*s\n", (int)message.payload.size, (const char *)message.payload.data);
    fprintf(stderr, "%s\n", nj_link_failure(link));
}
