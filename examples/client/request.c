/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks a question and prints the answer.
 *
 *     request URL TOPIC QUESTION
 */
#include <nightjar/link.h>
#include <stdio.h>

int main(int argc, char **words)
{
    struct nj_link *link = nj_link_open(argc == 4 ? words[1] : "");
    struct nj_message question = { .qos = 1 };
    struct nj_message answer;
    enum nj_error error;

    if (argc == 4) {
        question.topic = nj_text(words[2]);
        question.payload = nj_text(words[3]);
    }
    error = nj_request(link, &question, &answer, 5000);
    if (error == NJ_OK)
        printf("%.*s\n", (int)answer.payload.size, (const char *)answer.payload.data);
    else
        fprintf(stderr, "no answer: %s\n", nj_link_failure(link));
    nj_link_free(link);
    return error != NJ_OK;
}
