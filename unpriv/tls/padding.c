/*
 * Taking padding off. What is left must be as well formed as what came.
 */
#include "padding.h"
#include "unpriv/dns/reader.h"

size_t
padding_strip(uint8_t *msg, size_t len, const struct dns_answer *answer)
{
	struct dns_reader r;
	struct dns_writer w;
	size_t at, rdlength_at, rdata, last = 0;
	uint16_t code = 0, n;

	if (answer->opt == 0 || answer->opt_end != len)
		return len;
	dns_reader_init(&r, msg, len);
	dns_read_skip(&r, answer->opt);
	/* RFC 6891 6.1.2: root, type, size, TTL, RDLENGTH, options. */
	dns_read_skip(&r, 1 + 2 + 2 + 4);
	rdlength_at = r.pos;
	dns_read_skip(&r, 2);
	rdata = r.pos;
	while (!r.failed && dns_reader_left(&r) > 0) {
		at = r.pos;
		code = dns_read_u16(&r);
		n = dns_read_u16(&r);
		dns_read_skip(&r, n);
		last = at;
	}
	if (r.failed || last == 0 || code != DNS_OPT_PADDING)
		return len;
	dns_writer_init(&w, &msg[rdlength_at], 2);
	dns_write_u16(&w, (uint16_t)(last - rdata));
	return last;
}
