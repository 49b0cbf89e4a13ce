/* SPDX-License-Identifier: Apache-2.0 */
#include <nightjar/link.h>
#include <stdio.h>

int main(int argc, char **words)
{
    struct nj_link *link = nj_link_open(argc > 1 ? words[1] : "mqtt://localhost");
    enum nj_error error = nj_publish(link, "greeting/world", "hello", 1, 5000);

    if (error != NJ_OK)
        fprintf(stderr, "%s\n", nj_link_failure(link));
    nj_link_free(link);
    return error;
}
