/*
 * Questions: what a client asks (read strictly, once), and what is asked of
 * an upstream. Pure functions.
 */
#ifndef UNPRIV_DNS_QUERY_H
#define UNPRIV_DNS_QUERY_H

#include "dns.h"

/* What becomes of a client's message. */
enum dns_verdict {
	DNS_TAKE, /* a question to answer */
	DNS_DROP, /* never answer: shorter than a header, or a response */
	DNS_REJECT /* answer at once with query.rcode and query.ede */
};

struct dns_query {
	struct dns_question question; /* name_len 0: none could be read */
	uint16_t id;
	uint16_t flags; /* of the header, as sent */
	uint16_t rcode; /* of a DNS_REJECT; extended (RFC 6891 6.1.3) */
	uint16_t ede; /* of a DNS_REJECT, or DNS_EDE_NONE */
	uint16_t udp_size; /* told in OPT, at least 512; 512 without */
	bool edns; /* there was a well-formed OPT: answer with one */
	bool dnssec_ok; /* DO (RFC 3225) */
	bool keepalive; /* edns-tcp-keepalive was there (RFC 7828) */
	bool padding; /* padding was there (RFC 7830) */
	bool client_subnet; /* ECS was there (RFC 7871): it is not forwarded */
	/* How long a cookie was there (RFC 7873): 0 (none), DNS_COOKIE_CLIENT
	 * (no server's yet), or 16 .. 40; here is the beginning of it. */
	uint8_t cookie_len;
	uint8_t cookie[DNS_COOKIE_LEN];
	/* Never set here: whoever has put a server's cookie there that is to
	 * be told to the client, behind its own, does. */
	bool tell_cookie;
};

/*
 * Reads a client's message of len bytes, whole (RFC 1035 4, 6891 6.1, 9619):
 * DROP: shorter than a header, or QR set. NOTIMP: opcode not QUERY. FORMERR:
 * QDCOUNT not 1, a name in the question that is compressed or overlong, ANCOUNT
 * or NSCOUNT records that do not parse, more than one OPT, an OPT whose owner
 * is not the root or whose options overrun, a cookie of a wrong length
 * (RFC 7873 5.2.2), bytes after the last record. NOERROR, with nothing to say:
 * no question, but a cookie (RFC 7873 5.4).
 * BADVERS: EDNS version above 0. REFUSED: AXFR, IXFR (EDE not supported).
 * query is filled as far as it could be read, for the answer, always.
 */
enum dns_verdict
dns_query_read(struct dns_query *query, const uint8_t *msg, size_t len);

/* Bits of a question that change its answer, and so go upstream with it. */
#define DNS_ASK_RD  0x01
#define DNS_ASK_AD  0x02
#define DNS_ASK_CD  0x04
#define DNS_ASK_DO  0x08
#define DNS_ASK_ALL 0x0f
uint8_t dns_query_ask(const struct dns_query *query);

/* Whether a question from another process is well formed: name_len matches
 * the labels, no compression, within bounds. */
bool dns_question_is_valid(const struct dns_question *question);

/*
 * Writes the message that asks an upstream: our own ID, the flags of ask,
 * one OPT (size 1232, DO of ask, no client subnet), padded so that the length
 * is a multiple of block (RFC 8467 4.1: 128; 0: no padding option).
 * Returns its length, or 0 when cap is too small (512 is always enough).
 */
#define DNS_UPSTREAM_QUERY_MAX 512
size_t dns_upstream_query_write(uint8_t *buf, size_t cap, uint16_t id,
    const struct dns_question *question, uint8_t ask, size_t block);

#endif
