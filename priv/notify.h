/*
 * Tells a service manager how we are (sd_notify(3)'s protocol).
 */
#ifndef PRIV_NOTIFY_H
#define PRIV_NOTIFY_H

/* Reads NOTIFY_SOCKET; without it notify_send does nothing. Call early, and
 * before the sandbox: it makes the socket. */
void notify_init(void);

/* "READY=1" and the like. A manager that does not listen is not an error. */
void notify_send(const char *state);

#endif
