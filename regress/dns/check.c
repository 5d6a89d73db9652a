/* What holds of every message, well formed or not. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "naive.h"
#include "unpriv/dns/answer.h"

#define HOLDS(what, sentence)                                                  \
	do {                                                                   \
		if (!(what))                                                   \
			return sentence;                                       \
	} while (0)

#define GUARD 64

static const char *
check_cookie(const struct dns_query *, const uint8_t *, size_t);
static const char *check_taken(const struct dns_query *, const struct naive *);
static const char *check_error(const struct dns_query *, uint16_t, bool);
static const char *check_text(const struct dns_question *);
static const char *check_told_cookie(
    const struct naive *, const uint8_t *, const struct dns_query *);
static const char *check_told(const uint8_t *, size_t,
    const struct dns_answer *, const struct naive *, unsigned int);
static const char *check_records(const struct naive *, const struct naive *,
    const struct dns_reply *, size_t);
static const char *check_flags(const struct naive *, const struct naive *,
    const struct dns_answer *, const struct dns_query *);

const char *
check_query(const uint8_t *msg, size_t len)
{
	struct dns_query query;
	enum dns_verdict verdict;
	struct naive n;
	const char *broken;
	const uint8_t *cookie;
	size_t cookie_len = 0;
	bool good, edns;

	naive_decode(&n, msg, len, false);
	verdict = dns_query_read(&query, msg, len);
	HOLDS((verdict == DNS_DROP) == (len < 12 || (n.flags & DNS_QR) != 0),
	    "dropped is what has no header or is a response, nothing else");
	if (verdict == DNS_DROP)
		return NULL;
	HOLDS(query.id == n.id && query.flags == n.flags,
	    "ID and flags are those of the header");
	HOLDS(n.question_ok == (query.question.name_len != 0),
	    "the question is read if and only if it is well formed");
	cookie = naive_option(&n, msg, DNS_OPT_COOKIE, 0, &cookie_len);
	edns = n.opts == 1 &&
	    (cookie == NULL || cookie_len == 8 ||
		(cookie_len >= 16 && cookie_len <= 40));
	HOLDS(query.edns == edns, "so is the OPT, and the cookie in it");
	broken = check_cookie(&query, edns ? cookie : NULL, cookie_len);
	if (broken != NULL)
		return broken;
	HOLDS(query.edns ||
		(!query.dnssec_ok && !query.keepalive && !query.padding &&
		    !query.client_subnet && query.udp_size == 512),
	    "without OPT there is nothing of EDNS");
	HOLDS(!query.edns || query.dnssec_ok == ((n.opt_ttl & 0x8000) != 0),
	    "DO is the OPT's");
	HOLDS(query.udp_size == (!edns || n.opt_size < 512 ? 512 : n.opt_size),
	    "the size is the OPT's, at least 512");
	n.ok = n.ok && edns == (n.opts == 1) &&
	    (n.count[0] == 1 || cookie != NULL);
	good = n.ok && DNS_OPCODE(n.flags) == 0 && (n.opt_ttl >> 16 & 255) == 0;
	HOLDS((verdict == DNS_TAKE) ==
		(good && n.question_ok && n.qtype != DNS_TYPE_AXFR &&
		    n.qtype != DNS_TYPE_IXFR),
	    "taken is what is well formed and can be answered");
	broken = check_text(&query.question);
	if (broken == NULL && verdict == DNS_TAKE)
		broken = check_taken(&query, &n);
	if (broken == NULL && verdict == DNS_TAKE)
		broken = check_error(&query, DNS_SERVFAIL, true);
	if (broken == NULL && verdict == DNS_REJECT) {
		HOLDS(query.rcode ==
			(DNS_OPCODE(n.flags) != 0 ? DNS_NOTIMP
				: !n.ok		  ? DNS_FORMERR
				: !good		  ? DNS_BADVERS
				: !n.question_ok  ? DNS_NOERROR
						  : DNS_REFUSED),
		    "a rejection says why, in the order of the checks");
		broken = check_error(&query, query.rcode, false);
		if (broken == NULL)
			broken = check_error(&query, query.rcode, true);
	}
	return broken;
}

const char *
check_answer(const uint8_t *msg, size_t len)
{
	struct dns_answer a;
	struct naive n;
	const char *broken = NULL;
	unsigned int way;
	bool read;

	naive_decode(&n, msg, len, true);
	read = dns_answer_read(&a, msg, len);
	HOLDS(read ==
		(n.ok && n.count[0] == 1 && len <= 65535 &&
		    (n.flags & DNS_QR) != 0 && DNS_OPCODE(n.flags) == 0),
	    "an answer is read if and only if it is well formed");
	if (!read)
		return NULL;
	HOLDS(a.id == n.id && a.flags == n.flags, "ID and flags are its own");
	HOLDS(a.rcode == ((n.flags & 0xf) | (n.opt_ttl >> 24) << 4),
	    "the rcode is the header's and the OPT's");
	HOLDS(a.answers <= a.authority && a.authority <= a.additional &&
		a.additional <= a.end && a.end == len,
	    "sections follow each other");
	HOLDS((a.opt != 0) == (n.opts == 1) &&
		(a.opt == 0 || (a.opt >= a.additional && a.opt_end <= a.end)),
	    "the OPT is in the additional section");
	for (way = 0; way < CHECK_WAYS && broken == NULL; way++)
		broken = check_told(msg, len, &a, &n, way);
	return broken;
}

void
check_way(struct dns_query *query, struct dns_reply *reply,
    const struct dns_answer *a, size_t len, unsigned int way)
{
	const size_t limits[4] = { 512, 1232, 65535, len < 512 ? 512 : len };
	size_t i;

	*reply = (struct dns_reply){ limits[way & 3], 1232, 7, way & 1 };
	memset(query, 0, sizeof(*query));
	query->question = a->question;
	query->id = (uint16_t)~a->id;
	query->edns = (way & 4) != 0;
	query->dnssec_ok = query->edns && (way & 8) != 0;
	query->keepalive = query->edns && (way & 16) != 0;
	query->flags = (uint16_t)((way & 16) != 0 ? DNS_RD : DNS_CD);
	if ((way & 8) != 0)
		query->flags |= DNS_AD;
	query->tell_cookie = query->edns && (way & 32) != 0;
	for (i = 0; i < sizeof(query->cookie); i++)
		query->cookie[i] = (uint8_t)(way + i);
	/* Lengths are below 'A'. */
	for (i = 0; (way & 32) != 0 && i < a->question.name_len; i++)
		if ((query->question.name[i] | 0x20) >= 'a' &&
		    (query->question.name[i] | 0x20) <= 'z')
			query->question.name[i] ^= 0x20;
}

static const char *
check_cookie(const struct dns_query *query, const uint8_t *cookie, size_t len)
{
	HOLDS(!query->tell_cookie, "none of ours is there yet");
	if (cookie == NULL) {
		HOLDS(query->cookie_len == 0, "there is no cookie");
		return NULL;
	}
	HOLDS(query->cookie_len == len, "the first cookie is read");
	HOLDS(memcmp(query->cookie, cookie,
		  len < DNS_COOKIE_LEN ? len : DNS_COOKIE_LEN) == 0,
	    "it is what was sent");
	return NULL;
}

static const char *
check_taken(const struct dns_query *query, const struct naive *n)
{
	uint8_t buf[DNS_UPSTREAM_QUERY_MAX];
	struct dns_query again;
	struct dns_question folded;
	size_t len;

	HOLDS(query->question.name_len == n->qname_len &&
		query->question.type == n->qtype &&
		query->question.class == n->qclass &&
		memcmp(query->question.name, n->qname, n->qname_len) == 0,
	    "the question is as it was sent");
	HOLDS(dns_question_is_valid(&query->question), "it is valid");
	folded = query->question;
	dns_question_fold(&folded);
	HOLDS(dns_question_equal(&folded, &query->question),
	    "folding changes nothing but the case");
	len = dns_upstream_query_write(buf, sizeof(buf), 0x55aa,
	    &query->question, dns_query_ask(query), 128);
	HOLDS(len > 0 && len % 128 == 0, "upstream it is padded to 128");
	HOLDS(dns_query_read(&again, buf, len) == DNS_TAKE,
	    "what we ask would be taken by ourselves");
	HOLDS(again.id == 0x55aa && again.edns && again.padding &&
		!again.client_subnet && again.udp_size == 1232 &&
		dns_query_ask(&again) == dns_query_ask(query),
	    "what goes upstream is ours but for RD, AD, CD, DO");
	HOLDS(again.question.name_len == query->question.name_len &&
		memcmp(again.question.name, query->question.name,
		    again.question.name_len) == 0 &&
		dns_question_equal(&again.question, &query->question),
	    "upstream the question is the same");
	return NULL;
}

static const char *
check_error(const struct dns_query *query, uint16_t rcode, bool tcp)
{
	static const uint8_t text[] = "no upstream could be reached: \xe2\x82";
	struct dns_ede ede = { DNS_EDE_NO_REACHABLE, sizeof(text) - 1, text };
	struct dns_reply reply = { 512, 1232, 100, tcp };
	uint8_t buf[DNS_ERROR_MAX + GUARD];
	struct naive n;
	size_t len, cap;

	memset(buf, 0xee, sizeof(buf));
	len = dns_error_write(buf, DNS_ERROR_MAX, rcode, &ede, query, &reply);
	HOLDS(len > 0 && len <= DNS_ERROR_MAX, "an error fits");
	HOLDS(buf[DNS_ERROR_MAX] == 0xee, "nothing is written behind the end");
	naive_decode(&n, buf, len, true);
	HOLDS(query->question.name_len == 0 || n.ok, "it is well formed");
	HOLDS(n.id == query->id && n.count[0] == n.question_ok,
	    "it has the client's ID");
	HOLDS(n.flags ==
		(DNS_QR | DNS_RA | (query->flags & 0x7910) | (rcode & 0xf)),
	    "its flags are ours, with the client's opcode, RD and CD");
	if (query->question.name_len == 0)
		return NULL;
	HOLDS(n.qname_len == query->question.name_len &&
		memcmp(n.qname, query->question.name, n.qname_len) == 0 &&
		n.qtype == query->question.type &&
		n.qclass == query->question.class,
	    "it has the question, in the client's case");
	HOLDS(n.opts == query->edns && (n.opt_ttl >> 24) == rcode >> 4,
	    "with EDNS an OPT, with the rcode's upper bits");
	HOLDS((naive_option(&n, buf, DNS_OPT_KEEPALIVE, 0, &cap) != NULL) ==
		(tcp && query->keepalive),
	    "keepalive is told to who asked over TCP");
	HOLDS((naive_option(&n, buf, DNS_OPT_EDE, 0, &cap) != NULL) ==
		query->edns,
	    "with EDNS the reason");
	for (cap = 0; cap < len; cap++)
		HOLDS(dns_error_write(buf, cap, rcode, NULL, query, &reply) <=
			cap,
		    "no error is longer than its buffer");
	return NULL;
}

static const char *
check_text(const struct dns_question *q)
{
	char text[DNS_QUESTION_TEXT];
	size_t i;

	memset(text, 0x01, sizeof(text));
	HOLDS(dns_question_text(q, text) == text, "the text is the buffer");
	HOLDS(memchr(text, '\0', sizeof(text)) != NULL, "the text ends");
	for (i = 0; text[i] != '\0'; i++)
		HOLDS(text[i] >= ' ' && text[i] < 0x7f,
		    "a log line has nothing but printable characters");
	return NULL;
}

/* Tells the answer in one of 64 ways, and holds the result against it. */
static const char *
check_told(const uint8_t *msg, size_t len, const struct dns_answer *a,
    const struct naive *n, unsigned int way)
{
	struct dns_reply reply;
	struct dns_query query;
	struct dns_answer again;
	struct naive told;
	const char *broken;
	uint8_t *buf;
	size_t out, cap;

	check_way(&query, &reply, a, len, way);
	/* Exactly as long as is allowed: for the sanitizer. */
	buf = malloc(reply.limit);
	if (buf == NULL)
		abort();
	out = dns_answer_write(buf, reply.limit, msg, a, &query, &reply);
	broken = "an answer fits into the client's limit";
	if (out > 0 && out <= reply.limit) {
		naive_decode(&told, buf, out, true);
		broken = check_flags(&told, n, a, &query);
		if (broken == NULL)
			broken = check_told_cookie(&told, buf, &query);
		if (broken == NULL)
			broken = check_records(&told, n, &reply, len);
		if (broken == NULL && !dns_answer_read(&again, buf, out))
			broken = "what is told reads again";
	}
	cap = out / 2;
	if (broken == NULL && cap < reply.limit &&
	    dns_answer_write(buf, cap, msg, a, &query, &reply) > cap)
		broken = "no answer is longer than its buffer";
	free(buf);
	return broken;
}

static const char *
check_told_cookie(
    const struct naive *told, const uint8_t *buf, const struct dns_query *query)
{
	const uint8_t *cookie;
	size_t len;

	cookie = naive_option(told, buf, DNS_OPT_COOKIE, 0, &len);
	HOLDS(
	    (cookie != NULL) == query->tell_cookie, "a cookie for who has one");
	HOLDS(cookie == NULL ||
		(len == DNS_COOKIE_LEN &&
		    memcmp(cookie, query->cookie, len) == 0),
	    "it is the client's own, and ours");
	HOLDS(naive_option(told, buf, DNS_OPT_COOKIE, 1, &len) == NULL,
	    "there is never a second");
	return NULL;
}

static const char *
check_flags(const struct naive *told, const struct naive *n,
    const struct dns_answer *a, const struct dns_query *query)
{
	bool ad = query->dnssec_ok || (query->flags & DNS_AD) != 0;
	uint16_t want = DNS_QR | (query->flags & (DNS_RD | DNS_CD)) |
	    (n->flags & (DNS_AA | DNS_RA | (ad ? DNS_AD : 0)));

	HOLDS(told->ok, "what is told is well formed");
	HOLDS(told->id == query->id, "it has the client's ID");
	HOLDS((told->flags & ~(DNS_TC | 0xf)) == want,
	    "its flags are the upstream's and the client's");
	HOLDS((n->flags & DNS_TC) == 0 || (told->flags & DNS_TC) != 0,
	    "truncated upstream is truncated here");
	HOLDS((told->flags & 0xf) == (a->rcode > 15 ? DNS_SERVFAIL : a->rcode),
	    "its rcode is the upstream's, or SERVFAIL for an extended one");
	HOLDS(told->qname_len == query->question.name_len &&
		memcmp(told->qname, query->question.name, told->qname_len) == 0,
	    "the question has the client's case");
	HOLDS(told->qtype == n->qtype && told->qclass == n->qclass,
	    "the question is the one asked");
	HOLDS(told->opts == query->edns, "an OPT for who sent one");
	HOLDS(told->opt_ttl == (query->dnssec_ok ? 0x8000u : 0),
	    "the OPT has DO copied and nothing of the upstream's");
	return NULL;
}

static const char *
check_records(const struct naive *told, const struct naive *n,
    const struct dns_reply *reply, size_t len)
{
	bool answer = told->records[1] == n->records[1] &&
	    told->hash[1] == n->hash[1] && told->records[2] == n->records[2] &&
	    told->hash[2] == n->hash[2];
	bool additional =
	    told->records[3] == n->records[3] && told->hash[3] == n->hash[3];
	/* Four of the upstream's errors, ours, keepalive, and a cookie. */
	size_t most = 11 + 6 + 28 + 5 * (6 + DNS_EDE_TEXT_MAX);

	if (answer && additional)
		return NULL;
	HOLDS(told->records[3] == 0, "the additional section goes as a whole");
	/* Behind an OPT, names are told in full. */
	HOLDS(len + most > reply->limit || n->opts == 1,
	    "nothing is left out of what fits");
	if (answer)
		return NULL;
	HOLDS((told->flags & DNS_TC) != 0 && told->records[1] == 0 &&
		told->records[2] == 0,
	    "what is not told whole is told as TC, without records");
	HOLDS(len + most > reply->limit,
	    "answer and authority are told if they fit");
	return NULL;
}
