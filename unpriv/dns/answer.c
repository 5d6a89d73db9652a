/*
 * Answers: an upstream's, read strictly, and what a client is told. What an
 * upstream said for one hop only (its OPT, its ID, its padding) must never
 * reach a client.
 */
#include <string.h>

#include "answer.h"
#include "opt.h"
#include "reader.h"
#include "record.h"
#include "tell.h"

/* What the records are written from. */
struct source {
	const uint8_t *msg;
	const struct dns_answer *answer;
};

static bool read_section(struct dns_reader *, size_t);
static bool read_additional(struct dns_answer *, struct dns_reader *);
static bool read_opt(
    struct dns_answer *, const struct dns_record *, const struct dns_reader *);
static void read_ede(struct dns_answer *, const struct dns_option *);
static bool fits_question(const struct dns_answer *, const struct dns_query *);
static void write_records(struct dns_writer *, bool, const void *);
static void
write_tail(struct dns_writer *, const uint8_t *, const struct dns_answer *);

bool
dns_answer_read(struct dns_answer *answer, const uint8_t *msg, size_t len)
{
	struct dns_question *q = &answer->question;
	struct dns_reader r;
	uint16_t qdcount;

	memset(answer, 0, sizeof(*answer));
	if (len < DNS_HEADER_LEN || len > DNS_MESSAGE_MAX)
		return false;
	dns_reader_init(&r, msg, len);
	answer->id = dns_read_u16(&r);
	answer->flags = dns_read_u16(&r);
	answer->rcode = DNS_RCODE(answer->flags);
	qdcount = dns_read_u16(&r);
	answer->ancount = dns_read_u16(&r);
	answer->nscount = dns_read_u16(&r);
	answer->arcount = dns_read_u16(&r);
	if ((answer->flags & DNS_QR) == 0 || qdcount != 1 ||
	    DNS_OPCODE(answer->flags) != DNS_OPCODE_QUERY)
		return false;
	dns_read_name(&r, q->name, &q->name_len, false);
	q->type = dns_read_u16(&r);
	q->class = dns_read_u16(&r);
	answer->answers = (uint16_t)r.pos;
	if (r.failed || !read_section(&r, answer->ancount))
		return false;
	answer->authority = (uint16_t)r.pos;
	if (!read_section(&r, answer->nscount))
		return false;
	answer->additional = (uint16_t)r.pos;
	if (!read_additional(answer, &r))
		return false;
	answer->end = (uint16_t)r.pos;
	return dns_reader_left(&r) == 0;
}

void
dns_answer_plain(uint8_t *msg, const struct dns_answer *answer)
{
	struct dns_writer w;

	dns_writer_init(&w, msg, DNS_HEADER_LEN);
	dns_write_u16(&w, answer->id);
	dns_write_u16(&w, answer->flags & (uint16_t)~DNS_AD);
	dns_name_fold(&msg[DNS_HEADER_LEN], answer->question.name_len);
}

size_t
dns_answer_write(uint8_t *buf, size_t cap, const uint8_t *msg,
    const struct dns_answer *answer, const struct dns_query *query,
    const struct dns_reply *reply)
{
	const struct source source = { msg, answer };
	struct dns_told told;
	size_t i;

	/* The records' pointers count on the question being as it was. */
	if (!fits_question(answer, query))
		return 0;
	dns_told_init(&told, answer->flags, answer->rcode);
	told.ancount = answer->ancount;
	told.nscount = answer->nscount;
	told.arcount = (uint16_t)(answer->arcount - (answer->opt != 0));
	told.records = write_records;
	told.from = &source;
	for (i = 0; i < answer->nede; i++)
		dns_told_add(&told, &answer->ede[i]);
	return dns_tell(buf, cap, &told, query, reply);
}

size_t
dns_truncated_write(uint8_t *buf, size_t cap, const struct dns_query *query,
    const struct dns_reply *reply)
{
	struct dns_told told;

	dns_told_init(&told, DNS_TC | DNS_RA, DNS_NOERROR);
	return dns_tell(buf, cap, &told, query, reply);
}

size_t
dns_error_write(uint8_t *buf, size_t cap, uint16_t rcode,
    const struct dns_ede *ede, const struct dns_query *query,
    const struct dns_reply *reply)
{
	/* RFC 1035 4.1.1: opcode and RD are copied; RFC 4035 3.2.2: CD too. */
	uint16_t kept = query->flags & (0xf << 11 | DNS_RD | DNS_CD);
	struct dns_writer w;

	if (rcode > 0xf && !query->edns)
		rcode = DNS_SERVFAIL;
	dns_writer_init(&w, buf, cap < reply->limit ? cap : reply->limit);
	dns_write_u16(&w, query->id);
	dns_write_u16(
	    &w, (uint16_t)(DNS_QR | DNS_RA | kept | DNS_RCODE(rcode)));
	dns_write_u16(&w, query->question.name_len > 0);
	dns_write_u16(&w, 0);
	dns_write_u16(&w, 0);
	dns_write_u16(&w, query->edns);
	if (query->question.name_len > 0)
		dns_tell_question(&w, query);
	if (query->edns)
		dns_opt_write(&w, query, reply, rcode, ede, ede != NULL, true);
	return w.failed ? 0 : w.pos;
}

/* RFC 6891 6.1.1: an OPT stands in the additional section only. */
static bool
read_section(struct dns_reader *r, size_t n)
{
	struct dns_record record;

	for (; n > 0; n--) {
		dns_record_read(&record, r);
		if (r->failed || record.type == DNS_TYPE_OPT ||
		    !dns_record_check(&record, r))
			return false;
	}
	return true;
}

static bool
read_additional(struct dns_answer *answer, struct dns_reader *r)
{
	struct dns_record record;
	size_t n;

	for (n = answer->arcount; n > 0; n--) {
		dns_record_read(&record, r);
		if (r->failed)
			return false;
		if (record.type == DNS_TYPE_OPT) {
			if (answer->opt != 0 || !read_opt(answer, &record, r))
				return false;
		} else if (!dns_record_check(&record, r))
			return false;
	}
	return true;
}

static bool
read_opt(struct dns_answer *answer, const struct dns_record *record,
    const struct dns_reader *r)
{
	struct dns_reader rdata;
	struct dns_option option;

	if (!dns_record_is_of_root(record))
		return false;
	answer->opt = (uint16_t)record->start;
	answer->opt_end = (uint16_t)record->end;
	answer->rcode |= (uint16_t)(record->ttl >> 24 << 4);
	dns_record_rdata(&rdata, record, r);
	while (dns_option_read(&option, &rdata)) {
		if (option.code == DNS_OPT_EDE)
			read_ede(answer, &option);
	}
	return !rdata.failed;
}

/* One without even a code says nothing; it is not worth an answer's loss. */
static void
read_ede(struct dns_answer *answer, const struct dns_option *option)
{
	struct dns_ede *ede = &answer->ede[answer->nede];
	struct dns_reader r;

	if (answer->nede == DNS_EDES_MAX || option->len < 2)
		return;
	dns_reader_init(&r, option->data, option->len);
	ede->code = dns_read_u16(&r);
	ede->text_len = (uint16_t)dns_reader_left(&r);
	ede->text = dns_read_bytes(&r, ede->text_len);
	answer->nede++;
}

static bool
fits_question(const struct dns_answer *answer, const struct dns_query *query)
{
	const struct dns_question *q = &query->question;

	return q->name_len > 0 && q->name_len == answer->question.name_len &&
	    q->type == answer->question.type &&
	    q->class == answer->question.class &&
	    answer->answers == DNS_HEADER_LEN + q->name_len + 4;
}

/* As they are: pointers go back only, and what is before is as long. */
static void
write_records(struct dns_writer *w, bool whole, const void *from)
{
	const struct source *source = from;
	const struct dns_answer *answer = source->answer;
	size_t end = answer->end, len;
	const uint8_t *records;
	struct dns_reader r;

	if (!whole)
		end = answer->additional;
	else if (answer->opt != 0)
		end = answer->opt;
	dns_reader_init(&r, source->msg, end);
	dns_read_skip(&r, answer->answers);
	len = dns_reader_left(&r);
	records = dns_read_bytes(&r, len);
	if (records == NULL)
		w->failed = true;
	else
		dns_write_bytes(w, records, len);
	if (whole && answer->opt != 0 && answer->opt_end < answer->end)
		write_tail(w, source->msg, answer);
}

/* Records behind the OPT move, and so may what they point to. */
static void
write_tail(
    struct dns_writer *w, const uint8_t *msg, const struct dns_answer *answer)
{
	struct dns_reader r;
	struct dns_record record;

	dns_reader_init(&r, msg, answer->end);
	dns_read_skip(&r, answer->opt_end);
	while (!r.failed && !w->failed && dns_reader_left(&r) > 0) {
		dns_record_read(&record, &r);
		dns_record_expand(w, &record, &r);
	}
}
