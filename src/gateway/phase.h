/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client is to the gateway, as one table of phases and events.
 * (Source: MQTT-SN 1.2 §6.2, §6.14, [SN-6.14-1] to [SN-6.14-9]; MQTT-SN 2.0 §4.14)
 *
 * In 2.0 a client says its Will in its CONNECT, and a CONNECT never goes on with what there is.
 */
#ifndef GATEWAY_PHASE_H
#define GATEWAY_PHASE_H

enum gateway_phase {
    GATEWAY_NEW,          /* nothing has come */
    GATEWAY_WILL_TOPIC,   /* it has been asked for its Will's topic */
    GATEWAY_WILL_MESSAGE, /* it has been asked for its Will's message */
    GATEWAY_JOINING,      /* the server has been asked, and has not answered */
    GATEWAY_ACTIVE,
    GATEWAY_ASLEEP,
    GATEWAY_AWAKE,        /* for as long as it takes to hand it over what has waited */
    GATEWAY_DISCONNECTED, /* it is over, as the client or the server wished */
    GATEWAY_LOST,         /* it is over, as nothing has come for too long */
    GATEWAY_PHASES,
};

enum gateway_event {
    GATEWAY_CONNECT,      /* without a Will */
    GATEWAY_CONNECT_WILL, /* with one */
    GATEWAY_CONNECT_SAME, /* the CONNECT that came last, once more */
    GATEWAY_RESUME,       /* a CONNECT that goes on with what there is */
    GATEWAY_WILLTOPIC,
    GATEWAY_WILLTOPIC_NONE, /* an empty one: there is to be no Will */
    GATEWAY_WILLMSG,
    GATEWAY_ADMITTED,   /* the server has let it in */
    GATEWAY_REFUSED,    /* the server has not */
    GATEWAY_REQUEST,    /* what only a connected client may ask */
    GATEWAY_ANSWER,     /* what answers the gateway */
    GATEWAY_PING,       /* PINGREQ, of an id that is its own or none */
    GATEWAY_SLEEP,      /* DISCONNECT with a duration */
    GATEWAY_DISCONNECT, /* DISCONNECT without */
    GATEWAY_DRAINED,    /* nothing waits for it any more */
    GATEWAY_SILENCE,    /* nothing has come from it for too long */
    GATEWAY_GIVE_UP,    /* it has not answered what was sent to it again and again */
    GATEWAY_ENDED,      /* the server has ended it */
    GATEWAY_FAULT,      /* of 2.0: it has broken a rule, or not answered: that ends it */
    GATEWAY_EVENTS,
};

enum gateway_action {
    GATEWAY_IGNORE,
    GATEWAY_ASK_TOPIC,    /* send WILLTOPICREQ */
    GATEWAY_ASK_MESSAGE,  /* send WILLMSGREQ */
    GATEWAY_JOIN,         /* give the server a CONNECT */
    GATEWAY_ACCEPT,       /* send CONNACK */
    GATEWAY_WELCOME,      /* the same, and send what waits */
    GATEWAY_REFUSE,       /* send CONNACK with the reason, and forget the client */
    GATEWAY_DO,           /* do what is asked, or take the answer */
    GATEWAY_TURN_AWAY,    /* send DISCONNECT, and change nothing */
    GATEWAY_REPLACE,      /* leave the server; the caller begins anew */
    GATEWAY_PONG,         /* send PINGRESP */
    GATEWAY_LULL,         /* send DISCONNECT; it sleeps from now on */
    GATEWAY_WAKE,         /* send what waits */
    GATEWAY_SETTLE,       /* send PINGRESP; it sleeps on */
    GATEWAY_REST,         /* it sleeps on, and what waits goes on waiting */
    GATEWAY_LEAVE,        /* leave the server, send DISCONNECT */
    GATEWAY_LOSE,         /* leave the server without a word, so that it publishes the Will */
    GATEWAY_SAY_FAREWELL, /* the server is left already: send DISCONNECT */
    GATEWAY_EXPEL,        /* leave the server, so that it publishes the Will; send DISCONNECT */
};

struct gateway_step {
    enum gateway_phase next;
    enum gateway_action action;
};

/* Total: a pair that means nothing changes nothing. */
struct gateway_step gateway_step(enum gateway_phase phase, enum gateway_event event);

/* "asleep", for logs. */
const char *gateway_phase_name(enum gateway_phase phase);

#endif
