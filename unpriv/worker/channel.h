/*
 * The channel to the TLS process: questions out in batches, answers in. It may
 * go away at any time; the parent brings another.
 */
#ifndef UNPRIV_WORKER_CHANNEL_H
#define UNPRIV_WORKER_CHANNEL_H

/* A new channel (owned from now on) takes the place of the one before: what
 * was in flight on that is asked again. */
void channel_set(int fd);
/* Sends the questions that wait; once each turn. */
void channel_flush(void);

#endif
