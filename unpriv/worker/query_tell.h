/*
 * What we tell a client ourselves: refusals, errors, and their EDE texts. Pure.
 */
#ifndef UNPRIV_WORKER_QUERY_TELL_H
#define UNPRIV_WORKER_QUERY_TELL_H

#include "dotproxy/ipc.h"
#include "unpriv/dns/answer.h"
#include "unpriv/dns/query.h"

#include "cookie.h"
#include "limit.h"
#include "settings.h"

/* Who asked: carried, never looked into, but for address (allow from). */
struct query_client {
	struct netaddr address;
	enum ipc_proto proto;
	uint32_t object; /* UDP: the listener; TCP: the connection */
	uint32_t serial; /* of the object: a successor has another */
	uint32_t interface; /* UDP, wildcard: to answer through, or 0 */
	uint8_t local[16]; /* UDP, wildcard: the address that was asked */
	bool stranger; /* UDP: it has not been coming back */
	bool over; /* TCP: it is over its limit, and told so */
	uint32_t most; /* UDP: bytes that it may be sent; 0: as it says */
	struct limit_key limit; /* who pays */
};

/* What a client is to be sent. */
struct query_reply {
	struct query_client client;
	bool was_in_flight; /* QUERY_IN_FLIGHT was said of the question */
	size_t len;
	uint8_t bytes[DNS_MESSAGE_MAX];
};

/*
 * Whether the question is answered with an error at once: query->rcode and
 * *ede are which. verdict is dns_query_read's. One who may not ask is told only
 * that, whatever the message holds.
 */
bool query_refuse(struct dns_query *query, enum dns_verdict verdict,
    const struct settings *settings, const struct query_client *client,
    bool cut, struct dns_ede *ede);

/* Writes an error of our own for one who is in no slot, or no more. */
void query_fail(struct query_reply *reply, const struct settings *settings,
    const struct query_client *client, const struct dns_query *query,
    uint16_t rcode, const struct dns_ede *ede);

/* What one is told whose question has no valid cookie, but needs one: BADCOOKIE
 * with a fresh one (RFC 7873 5.2.3), or, without any, to come by TCP. */
void query_prove(struct query_reply *reply, const struct settings *settings,
    const struct query_client *client, const struct dns_query *query,
    enum cookie_proof proof);

/* How this client's answer is put: its size, and what EDNS says. */
void query_how(struct dns_reply *how, const struct settings *settings,
    const struct query_client *client, const struct dns_query *query);

/* text, which may be NULL, is the caller's and lives as long. */
struct dns_ede query_ede(uint16_t code, const char *text);

/* It says TC: the client is to come again by TCP. */
bool query_is_cut(const struct query_reply *reply);

#endif
