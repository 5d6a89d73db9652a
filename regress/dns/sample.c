/* Answers that several tests begin with. */
#include <string.h>

#include "sample.h"
#include "unpriv/dns/dns.h"

void
sample_begin(struct message *m, uint16_t flags)
{
	message_begin(m, 0x5555, flags);
	message_question(m, SAMPLE_NAME, 1, 1);
}

void
sample_opt(struct message *m, uint32_t ttl)
{
	message_opt(m, 4096, ttl);
	message_record_end(m);
}

void
sample_text(struct message *m, int section, size_t strings)
{
	uint8_t text[256];

	memset(text, 'x', sizeof(text));
	text[0] = 255;
	message_pointer(m, 12);
	message_record(m, section, 16, 60);
	while (strings-- > 0)
		message_bytes(m, text, sizeof(text));
	message_record_end(m);
}

void
sample_ede(struct message *m, uint16_t code, const char *text)
{
	uint8_t data[512] = { (uint8_t)(code >> 8), (uint8_t)code };

	memcpy(data + 2, text, strlen(text));
	message_option(m, DNS_OPT_EDE, data, 2 + strlen(text));
}

/* RDATA that is right for its type; P stands for a pointer to the question. */
static const struct {
	uint16_t type;
	size_t len;
	const char *rdata;
} rdatas[SAMPLE_RDATAS] = { { 2, 5, "\2nsP" }, { 3, 2, "P" }, { 4, 2, "P" },
	{ 5, 2, "P" }, { 6, 27, "\2nsPPaaaabbbbccccddddeeee" }, { 7, 2, "P" },
	{ 8, 2, "P" }, { 9, 2, "P" }, { 12, 2, "P" }, { 14, 4, "PP" },
	{ 15, 4, "00P" }, { 17, 4, "PP" }, { 18, 4, "00P" }, { 21, 4, "00P" },
	{ 24, 24, "000000000000000000Pabcd" }, { 26, 6, "00PP" },
	{ 30, 4, "Pab" }, { 33, 8, "000000P" }, { 35, 12, "0000\1s\0\2!!P" } };

/* A record of that type, `more` bytes longer than its RDATA or shorter. */
void
sample_rdata(struct message *m, int section, size_t i, int more)
{
	const char *p = rdatas[i].rdata;
	size_t end;

	message_pointer(m, 12);
	message_record(m, section, rdatas[i].type, 60);
	end = m->len + rdatas[i].len;
	while (m->len < end) {
		if (*p == 'P')
			message_pointer(m, 12);
		else
			message_u8(m, (uint8_t)*p);
		p++;
	}
	m->len = (size_t)((long)m->len + more);
	message_record_end(m);
}

uint16_t
sample_type(size_t i)
{
	return rdatas[i].type;
}
