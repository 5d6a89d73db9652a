/*
 * What a client is told: the header, its own question, the records, an OPT of
 * ours, and less of that where the client takes less. It must never write
 * beyond what the client or the buffer takes.
 */
#include "opt.h"
#include "tell.h"

/* How much of an answer is told. */
enum form { WHOLE, NO_ADDITIONAL, TRUNCATED };

static void write_form(struct dns_writer *, enum form, const struct dns_told *,
    const struct dns_query *, const struct dns_reply *);
static void write_header(struct dns_writer *, enum form,
    const struct dns_told *, const struct dns_query *);

void
dns_told_init(struct dns_told *told, uint16_t flags, uint16_t rcode)
{
	static const struct dns_ede other = { DNS_EDE_OTHER, 0, NULL };

	told->flags = flags;
	told->rcode = rcode;
	told->ancount = told->nscount = told->arcount = 0;
	told->records = NULL;
	told->from = NULL;
	told->nede = 0;
	/* What failed was between the upstream and us, BADVERS say. */
	if (rcode > 0xf) {
		told->rcode = DNS_SERVFAIL;
		dns_told_add(told, &other);
	}
}

void
dns_told_add(struct dns_told *told, const struct dns_ede *ede)
{
	if (told->nede < sizeof(told->ede) / sizeof(told->ede[0]))
		told->ede[told->nede++] = *ede;
}

size_t
dns_tell(uint8_t *buf, size_t cap, const struct dns_told *told,
    const struct dns_query *query, const struct dns_reply *reply)
{
	size_t limit = reply->limit;
	struct dns_writer w;
	int form;

	if (limit > DNS_MESSAGE_MAX)
		limit = DNS_MESSAGE_MAX;
	for (form = WHOLE; form <= TRUNCATED; form++) {
		dns_writer_init(&w, buf, cap < limit ? cap : limit);
		write_form(&w, (enum form)form, told, query, reply);
		if (!w.failed)
			return w.pos;
		/* Only the client's limit makes an answer shorter. */
		if (cap < limit)
			return 0;
	}
	return 0;
}

void
dns_tell_question(struct dns_writer *w, const struct dns_query *query)
{
	dns_write_bytes(w, query->question.name, query->question.name_len);
	dns_write_two(w, query->question.type, query->question.class);
}

static void
write_form(struct dns_writer *w, enum form form, const struct dns_told *told,
    const struct dns_query *query, const struct dns_reply *reply)
{
	write_header(w, form, told, query);
	dns_tell_question(w, query);
	if (form != TRUNCATED && told->records != NULL)
		told->records(w, form == WHOLE, told->from);
	if (query->edns)
		dns_opt_write(w, query, reply, DNS_NOERROR, told->ede,
		    told->nede, form == TRUNCATED);
}

static void
write_header(struct dns_writer *w, enum form form, const struct dns_told *told,
    const struct dns_query *query)
{
	uint16_t flags = told->flags & (DNS_AA | DNS_TC | DNS_RA);
	uint16_t arcount = query->edns;

	flags |= DNS_QR | (query->flags & (DNS_RD | DNS_CD)) | told->rcode;
	/* RFC 6840 5.8: for a client that knows what AD means. */
	if ((query->flags & DNS_AD) != 0 || query->dnssec_ok)
		flags |= told->flags & DNS_AD;
	if (form == TRUNCATED)
		flags |= DNS_TC;
	if (form == WHOLE)
		arcount = (uint16_t)(arcount + told->arcount);
	dns_write_two(w, query->id, flags);
	if (form == TRUNCATED)
		dns_write_four(w, 1, 0, 0, arcount);
	else
		dns_write_four(w, 1, told->ancount, told->nscount, arcount);
}
