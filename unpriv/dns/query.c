/*
 * A client's question, read strictly and once, and the question that is put
 * to an upstream. It must never fail to say what the client may be answered.
 */
#include <string.h>

#include "opt.h"
#include "query.h"
#include "reader.h"
#include "record.h"

#define UPSTREAM_SIZE 1232 /* what our OPT says we take of an upstream */

struct counts {
	uint16_t question, answer, authority, additional;
};

_Static_assert(offsetof(struct dns_query, question.name) == 0, "comes first");

static void query_empty(struct dns_query *);
static bool
read_sections(struct dns_query *, struct dns_reader *, uint8_t *version);
static bool read_question(struct dns_query *, struct dns_reader *);
static bool read_records(struct dns_reader *, size_t);
static bool
read_additional(struct dns_query *, struct dns_reader *, size_t, uint8_t *);
static bool read_opt(struct dns_query *, const struct dns_record *,
    const struct dns_reader *, uint8_t *);
static bool read_cookie(struct dns_query *, const struct dns_option *);
static enum dns_verdict reject(struct dns_query *, uint16_t, uint16_t);

enum dns_verdict
dns_query_read(struct dns_query *query, const uint8_t *msg, size_t len)
{
	struct dns_reader r;
	uint8_t version = 0;
	bool whole;

	query_empty(query);
	dns_reader_init(&r, msg, len);
	if (len < DNS_HEADER_LEN)
		return DNS_DROP;
	dns_read_two(&r, &query->id, &query->flags);
	if ((query->flags & DNS_QR) != 0)
		return DNS_DROP;
	whole = read_sections(query, &r, &version);
	if (DNS_OPCODE(query->flags) != DNS_OPCODE_QUERY)
		return reject(query, DNS_NOTIMP, DNS_EDE_NONE);
	if (!whole)
		return reject(query, DNS_FORMERR, DNS_EDE_NONE);
	if (version != 0)
		return reject(query, DNS_BADVERS, DNS_EDE_NONE);
	if (query->question.name_len == 0)
		return reject(query, DNS_NOERROR, DNS_EDE_NONE);
	/* A stub's question is one for one answer; a transfer is not. */
	if (query->question.type == DNS_TYPE_AXFR ||
	    query->question.type == DNS_TYPE_IXFR)
		return reject(query, DNS_REFUSED, DNS_EDE_NOT_SUPPORTED);
	return DNS_TAKE;
}

/* All but the bytes of a name, of which there is none: they come first. */
static void
query_empty(struct dns_query *query)
{
	const size_t rest = offsetof(struct dns_query, question.name_len);

	memset((uint8_t *)query + rest, 0, sizeof(*query) - rest);
	query->ede = DNS_EDE_NONE;
	query->udp_size = DNS_UDP_MIN;
}

uint8_t
dns_query_ask(const struct dns_query *query)
{
	uint8_t ask = 0;

	if ((query->flags & DNS_RD) != 0)
		ask |= DNS_ASK_RD;
	if ((query->flags & DNS_AD) != 0)
		ask |= DNS_ASK_AD;
	if ((query->flags & DNS_CD) != 0)
		ask |= DNS_ASK_CD;
	if (query->dnssec_ok)
		ask |= DNS_ASK_DO;
	return ask;
}

size_t
dns_upstream_query_write(uint8_t *buf, size_t cap, uint16_t id,
    const struct dns_question *question, uint8_t ask, size_t block)
{
	struct dns_writer w;
	size_t len, pad = 0;
	uint16_t flags = 0;

	if ((ask & DNS_ASK_RD) != 0)
		flags |= DNS_RD;
	if ((ask & DNS_ASK_AD) != 0)
		flags |= DNS_AD;
	if ((ask & DNS_ASK_CD) != 0)
		flags |= DNS_CD;
	if (block > 0) {
		len = DNS_HEADER_LEN + question->name_len + 4 + DNS_OPT_LEN +
		    DNS_OPT_OPTION_LEN;
		pad = (block - len % block) % block;
	}
	if (pad > DNS_MESSAGE_MAX - DNS_OPT_OPTION_LEN)
		return 0;
	dns_writer_init(&w, buf, cap);
	dns_write_u16(&w, id);
	dns_write_u16(&w, flags);
	dns_write_u16(&w, 1);
	dns_write_u16(&w, 0);
	dns_write_u16(&w, 0);
	dns_write_u16(&w, 1);
	dns_write_bytes(&w, question->name, question->name_len);
	dns_write_u16(&w, question->type);
	dns_write_u16(&w, question->class);
	dns_write_u8(&w, 0);
	dns_write_u16(&w, DNS_TYPE_OPT);
	dns_write_u16(&w, UPSTREAM_SIZE);
	dns_write_u32(&w, (ask & DNS_ASK_DO) != 0 ? DNS_OPT_DO : 0);
	dns_write_u16(&w, (uint16_t)(block > 0 ? DNS_OPT_OPTION_LEN + pad : 0));
	if (block > 0) {
		dns_write_u16(&w, DNS_OPT_PADDING);
		dns_write_u16(&w, (uint16_t)pad);
		dns_write_zeroes(&w, pad);
	}
	return w.failed ? 0 : w.pos;
}

/* Everything behind the header's flags; false where it is malformed. */
static bool
read_sections(struct dns_query *query, struct dns_reader *r, uint8_t *version)
{
	struct counts n;

	dns_read_four(r, &n.question, &n.answer, &n.authority, &n.additional);
	/* RFC 9619: a QDCOUNT above 1 means nothing. */
	if (n.question > 1 || (n.question == 1 && !read_question(query, r)))
		return false;
	if (!read_records(r, (size_t)n.answer + n.authority) ||
	    !read_additional(query, r, n.additional, version) ||
	    dns_reader_left(r) != 0)
		return false;
	/* RFC 7873 5.4: one that asks for nothing but a server's cookie. */
	return n.question == 1 || query->cookie_len != 0;
}

static bool
read_question(struct dns_query *query, struct dns_reader *r)
{
	struct dns_question *q = &query->question;

	dns_read_name(r, q->name, &q->name_len, false);
	dns_read_two(r, &q->type, &q->class);
	if (r->failed)
		q->name_len = 0;
	return !r->failed;
}

/* Records that mean nothing in a question; an OPT's place is not here. */
static bool
read_records(struct dns_reader *r, size_t n)
{
	struct dns_record record;

	for (; n > 0; n--) {
		dns_record_read(&record, r);
		if (r->failed || record.type == DNS_TYPE_OPT)
			return false;
	}
	return true;
}

/* The OPT is wanted; TSIG and SIG(0) are for a server that has keys. */
static bool
read_additional(
    struct dns_query *query, struct dns_reader *r, size_t n, uint8_t *version)
{
	struct dns_record record;

	for (; n > 0; n--) {
		dns_record_read(&record, r);
		if (r->failed)
			return false;
		if (record.type != DNS_TYPE_OPT)
			continue;
		if (query->edns || !read_opt(query, &record, r, version))
			return false;
	}
	return true;
}

/* Nothing of an OPT counts unless all of it is well formed. */
static bool
read_opt(struct dns_query *query, const struct dns_record *record,
    const struct dns_reader *r, uint8_t *version)
{
	bool keepalive = false, padding = false, subnet = false, cookie = true;
	struct dns_reader rdata;
	struct dns_option option;

	if (!dns_record_is_of_root(record))
		return false;
	dns_record_rdata(&rdata, record, r);
	while (dns_option_read(&option, &rdata)) {
		if (option.code == DNS_OPT_KEEPALIVE)
			keepalive = true;
		else if (option.code == DNS_OPT_PADDING)
			padding = true;
		else if (option.code == DNS_OPT_ECS)
			subnet = true;
		else if (option.code == DNS_OPT_COOKIE)
			cookie &= read_cookie(query, &option);
	}
	if (rdata.failed || !cookie) {
		query->cookie_len = 0;
		return false;
	}
	query->edns = true;
	query->dnssec_ok = (record->ttl & DNS_OPT_DO) != 0;
	query->keepalive = keepalive;
	query->padding = padding;
	query->client_subnet = subnet;
	if (record->class > DNS_UDP_MIN)
		query->udp_size = record->class;
	*version = (uint8_t)(record->ttl >> 16);
	return true;
}

/* RFC 7873 5.2: of several only the first counts; its length is the client's
 * alone, or that and a server's of 8 to 32 bytes. */
static bool
read_cookie(struct dns_query *query, const struct dns_option *option)
{
	size_t n = option->len;

	if (query->cookie_len != 0)
		return true;
	if (n != DNS_COOKIE_CLIENT && (n < 16 || n > 40))
		return false;
	query->cookie_len = (uint8_t)n;
	memcpy(query->cookie, option->data,
	    n < DNS_COOKIE_LEN ? n : DNS_COOKIE_LEN);
	return true;
}

static enum dns_verdict
reject(struct dns_query *query, uint16_t rcode, uint16_t ede)
{
	query->rcode = rcode;
	query->ede = ede;
	return DNS_REJECT;
}
