/* Messages made by hand, for tests. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"

void
message_begin(struct message *m, uint16_t id, uint16_t flags)
{
	memset(m, 0, sizeof(*m));
	message_u16(m, id);
	message_u16(m, flags);
	m->len = 12;
}

void
message_count(struct message *m, int section, uint16_t n)
{
	m->b[4 + section * 2] = (uint8_t)(n >> 8);
	m->b[5 + section * 2] = (uint8_t)n;
}

void
message_u8(struct message *m, uint8_t v)
{
	message_bytes(m, &v, 1);
}

void
message_u16(struct message *m, uint16_t v)
{
	message_u8(m, (uint8_t)(v >> 8));
	message_u8(m, (uint8_t)v);
}

void
message_u32(struct message *m, uint32_t v)
{
	message_u16(m, (uint16_t)(v >> 16));
	message_u16(m, (uint16_t)v);
}

void
message_bytes(struct message *m, const void *p, size_t n)
{
	if (n > sizeof(m->b) - m->len)
		abort();
	if (n > 0)
		memcpy(m->b + m->len, p, n);
	m->len += n;
}

void
message_name(struct message *m, const char *name)
{
	size_t n;

	while (*name != '\0' && *name != '.') {
		n = strcspn(name, ".");
		message_u8(m, (uint8_t)n);
		message_bytes(m, name, n);
		name += n + (name[n] == '.');
	}
	message_u8(m, 0);
}

void
message_pointer(struct message *m, size_t to)
{
	message_u16(m, (uint16_t)(0xc000 | to));
}

static void
count_one(struct message *m, int section)
{
	message_count(m, section,
	    (uint16_t)((m->b[4 + section * 2] << 8 | m->b[5 + section * 2]) +
		1));
}

void
message_question(
    struct message *m, const char *name, uint16_t type, uint16_t class)
{
	message_name(m, name);
	message_u16(m, type);
	message_u16(m, class);
	count_one(m, 0);
}

void
message_record(struct message *m, int section, uint16_t type, uint32_t ttl)
{
	message_u16(m, type);
	message_u16(m, 1);
	message_u32(m, ttl);
	m->rdlength_at = m->len;
	message_u16(m, 0);
	count_one(m, section);
}

void
message_record_end(struct message *m)
{
	size_t n = m->len - m->rdlength_at - 2;

	m->b[m->rdlength_at] = (uint8_t)(n >> 8);
	m->b[m->rdlength_at + 1] = (uint8_t)n;
}

void
message_add(struct message *m, int section, const char *name, uint16_t type,
    const void *rdata, size_t n)
{
	message_name(m, name);
	message_record(m, section, type, 300);
	message_bytes(m, rdata, n);
	message_record_end(m);
}

void
message_opt(struct message *m, uint16_t size, uint32_t ttl)
{
	message_name(m, ".");
	message_record(m, 3, 41, ttl);
	m->b[m->len - 8] = (uint8_t)(size >> 8);
	m->b[m->len - 7] = (uint8_t)size;
}

void
message_option(struct message *m, uint16_t code, const void *data, size_t n)
{
	message_u16(m, code);
	message_u16(m, (uint16_t)n);
	message_bytes(m, data, n);
}

void
message_keep(const void *p, size_t len, const char *target)
{
	const char *dir = getenv("DOTPROXY_SEEDS");
	const uint8_t *b = p;
	uint64_t hash = 0xcbf29ce484222325;
	char path[4096];
	size_t i;
	FILE *f;

	if (dir == NULL || len > 4096)
		return;
	for (i = 0; i < len; i++)
		hash = (hash ^ b[i]) * 0x100000001b3;
	(void)snprintf(path, sizeof(path), "%s/%s/%016llx", dir, target,
	    (unsigned long long)hash);
	f = fopen(path, "w");
	if (f == NULL || fwrite(b, 1, len, f) != len || fclose(f) != 0)
		abort();
}
