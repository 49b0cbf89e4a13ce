/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/judgement.h"

#include "mqtt/topic.h"

#include <stdio.h>

static struct judgement judge_by_file(const struct rules *rules, const struct judged *who,
        enum access_action action, struct bytes topic)
{
    const struct acl_who names = { who->user, who->client_id };
    struct judgement judgement = { .allowed = true, .origin = JUDGED_AS_FREE };
    struct acl_decision decision;

    if (!rules->acl)
        return judgement;
    judgement.file = rules->acl->lines.path;
    judgement.origin = JUDGED_AS_UNCHECKED;
    if (action == ACCESS_SUBSCRIBE && !rules->check_subscribe)
        return judgement;
    decision = acl_file_judge(
            rules->acl, &names, action == ACCESS_PUBLISH ? ACL_WRITE : ACL_READ, topic);
    judgement.allowed = decision.allowed;
    judgement.origin = decision.line > 0 ? JUDGED_BY_FILE : JUDGED_BY_ABSENCE;
    judgement.number = decision.line;
    return judgement;
}

struct judgement judgement_of(const struct rules *rules, const struct judged *who,
        enum access_action action, struct bytes topic)
{
    const struct acl_who names = { who->user, who->client_id };
    struct grants_decision decision;
    struct bytes share;

    if (who->superuser)
        return (struct judgement){ .allowed = true, .origin = JUDGED_AS_SUPERUSER };
    if (action == ACCESS_SUBSCRIBE)
        mqtt_share_split(topic, &share, &topic);
    if (!who->grants)
        return judge_by_file(rules, who, action, topic);
    if (topic.size == 0)
        return (struct judgement){ .allowed = false, .origin = JUDGED_BY_ABSENCE };
    decision = grants_judge(who->grants, &names, action, topic);
    if (decision.number > 0)
        return (struct judgement){ decision.allowed, JUDGED_BY_GRANTS, NULL, decision.number };
    if (!rules->acl)
        return (struct judgement){ .allowed = false, .origin = JUDGED_BY_ABSENCE };
    return judge_by_file(rules, who, action, topic);
}

void judgement_text(const struct judgement *judgement, char out[JUDGEMENT_TEXT_MAX + 1])
{
    const char *file = judgement->file ? judgement->file : "";
    const size_t size = JUDGEMENT_TEXT_MAX + 1;

    switch (judgement->origin) {
    case JUDGED_BY_FILE:
        snprintf(out, size, "%.*s:%u", SOURCE_PATH_MAX, file, judgement->number);
        break;
    case JUDGED_BY_GRANTS:
        snprintf(out, size, "rule %u of those that came with its login", judgement->number);
        break;
    case JUDGED_BY_ABSENCE:
        snprintf(out, size, "no rule%s%.*s fits", judgement->file ? " of " : "", SOURCE_PATH_MAX,
                file);
        break;
    case JUDGED_AS_UNCHECKED:
        snprintf(out, size, "subscriptions are not checked (acl_check_subscribe)");
        break;
    case JUDGED_AS_SUPERUSER:
        snprintf(out, size, "it is a superuser (auth_http)");
        break;
    case JUDGED_AS_FREE:
        snprintf(out, size, "there is no acl_file");
        break;
    }
}
