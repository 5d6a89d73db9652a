/* An empty answer with TC set; see cut.h. It must never get longer than what it
 * answers. */
#include <string.h>

#include "cut.h"
#include "dns.h"
#include "reader.h"

size_t
dns_cut(uint8_t *msg, size_t len)
{
	/* QDCOUNT is 1, of anything else there is none. */
	static const uint8_t counts[8] = { 0, 1 };
	uint8_t name[DNS_NAME_MAX], name_len;
	struct dns_reader r;
	uint16_t flags;

	dns_reader_init(&r, msg, len);
	dns_read_skip(&r, 2);
	flags = dns_read_u16(&r);
	if ((flags & DNS_QR) != 0 || DNS_OPCODE(flags) != DNS_OPCODE_QUERY ||
	    dns_read_u16(&r) != 1)
		return 0;
	dns_read_skip(&r, 6);
	dns_read_name(&r, name, &name_len, false);
	dns_read_skip(&r, 4);
	if (r.failed)
		return 0;
	flags = DNS_QR | DNS_TC | (flags & (DNS_RD | DNS_CD)) | DNS_RA;
	msg[2] = (uint8_t)(flags >> 8);
	msg[3] = (uint8_t)flags;
	memcpy(msg + 4, counts, sizeof(counts));
	return DNS_HEADER_LEN + (size_t)name_len + 4;
}
