/*
 * Data of an operator's own: the config's `local data` and the file that
 * `hosts` names, as records for the workers. Nothing here decides how they are
 * answered; a record that does not fit must never be made.
 */
#include <sys/stat.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dotproxy/log.h"
#include "priv/memfd.h"
#include "config.h"

#define HOSTS_MAX (1024 * 1024) /* bytes */
#define WIRE_MAX  CONF_ZONE_NAME_MAX
#define BAD_LINES 10 /* that are told of, of one file */
#define BLANKS	  " \t\r\f\v"

/* Records as they go to the workers, one behind the other. */
struct records {
	uint8_t *bytes;
	size_t len, size;
	uint32_t n, max;
};

static const struct type {
	const char *name;
	uint16_t number;
} types[] = { { "A", CONF_LOCAL_A }, { "AAAA", CONF_LOCAL_AAAA },
	{ "CNAME", CONF_LOCAL_CNAME }, { "PTR", CONF_LOCAL_PTR },
	{ "TXT", CONF_LOCAL_TXT } };

static size_t rdata_of(uint8_t *, uint16_t, const char *, const char **);
static void reverse_of(char *, size_t, const struct netaddr *);
static bool add(struct records *, uint16_t, uint32_t, const uint8_t *, size_t,
    const uint8_t *, size_t);
static const char *clash(const struct conf *);
static void print_text(const uint8_t *, size_t, FILE *);
static bool read_hosts(struct records *, const char *);
static bool take_hosts(struct records *, const char *, char *);
static const char *take_host(struct records *, char *);
static bool is_unspecified(const struct netaddr *);

const char *
config_local_add(struct conf *conf, const char *name, uint32_t ttl,
    const char *type, const char *value)
{
	struct records r = { conf->local, conf->local_len, sizeof(conf->local),
		conf->nlocal, CONF_LOCAL_MAX };
	uint8_t owner[WIRE_MAX], rdata[WIRE_MAX];
	const char *wrong = NULL;
	size_t i, len, owner_len;

	if ((owner_len = config_name_parse(owner, name)) == 0)
		return "expected a domain name";
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcasecmp(types[i].name, type) == 0)
			break;
	if (i == sizeof(types) / sizeof(types[0]))
		return "expected A, AAAA, CNAME, PTR or TXT after the name";
	if ((len = rdata_of(rdata, types[i].number, value, &wrong)) == 0)
		return wrong;
	if (!add(&r, types[i].number, ttl, owner, owner_len, rdata, len))
		return "too much local data: 1024 records, and 64 KiB in all; "
		       "more has room in a hosts file";
	if ((wrong = clash(conf)) != NULL) {
		memset(
		    conf->local + conf->local_len, 0, r.len - conf->local_len);
		return wrong;
	}
	conf->local_len = (uint32_t)r.len;
	conf->nlocal = r.n;
	return NULL;
}

void
config_local_print(const struct conf *conf, FILE *out)
{
	char text[NETADDR_TEXT];
	struct conf_record head;
	const uint8_t *p = conf->local, *rdata;
	struct netaddr a;
	uint32_t n;
	size_t i;

	for (n = 0; n < conf->nlocal; n++) {
		memcpy(&head, p, sizeof(head));
		p += sizeof(head);
		rdata = p + head.name_len;
		fprintf(out, "local data ");
		config_name_print(p, out);
		for (i = 0; types[i].number != head.type; i++)
			;
		fprintf(out, " ttl %u %s ", head.ttl, types[i].name);
		memset(&a, 0, sizeof(a));
		if (head.type == CONF_LOCAL_PTR ||
		    head.type == CONF_LOCAL_CNAME)
			config_name_print(rdata, out);
		else if (head.type == CONF_LOCAL_TXT)
			print_text(rdata + 1, rdata[0], out);
		else {
			a.family = head.type == CONF_LOCAL_A ? 4 : 6;
			a.bits = head.type == CONF_LOCAL_A ? 32 : 128;
			memcpy(a.bytes, rdata, head.rdata_len);
			fprintf(out, "%s", netaddr_text(&a, text));
		}
		fputc('\n', out);
		p = rdata + head.rdata_len;
	}
}

int
config_local_open(struct conf_local *local, const struct conf *conf)
{
	struct records r = { .max = CONF_LOCAL_MAX + CONF_HOSTS_MAX };
	int fd;

	r.size = conf->local_len +
	    CONF_HOSTS_MAX * (sizeof(struct conf_record) + 2 * WIRE_MAX);
	if ((r.bytes = malloc(r.size)) == NULL)
		fatal("local data");
	memcpy(r.bytes, conf->local, conf->local_len);
	r.len = conf->local_len;
	r.n = conf->nlocal;
	r.max = conf->nlocal + CONF_HOSTS_MAX;
	if (conf->hosts[0] != '\0' && !read_hosts(&r, conf->hosts)) {
		free(r.bytes);
		return -1;
	}
	if ((fd = memfd_copy("local", r.bytes, r.len)) == -1)
		log_warn("local data");
	free(r.bytes);
	local->size = (uint32_t)r.len;
	local->records = r.n;
	return fd;
}

/* Its length; 0: *wrong is what is wrong with it. */
static size_t
rdata_of(uint8_t *rdata, uint16_t type, const char *text, const char **wrong)
{
	struct netaddr a;
	size_t len = strlen(text);

	if (type == CONF_LOCAL_PTR || type == CONF_LOCAL_CNAME) {
		*wrong = type == CONF_LOCAL_PTR
		    ? "expected a domain name after PTR"
		    : "expected a domain name after CNAME";
		return config_name_parse(rdata, text);
	}
	if (type == CONF_LOCAL_TXT) {
		*wrong = "expected a text of at most 254 bytes after TXT";
		if (len > WIRE_MAX - 1)
			return 0;
		rdata[0] = (uint8_t)len;
		memcpy(rdata + 1, text, len);
		return len + 1;
	}
	*wrong = type == CONF_LOCAL_A ? "expected an IPv4 address after A"
				      : "expected an IPv6 address after AAAA";
	if (!netaddr_parse(&a, text) || a.scope != 0 ||
	    a.family != (type == CONF_LOCAL_A ? 4 : 6))
		return 0;
	len = a.family == 4 ? 4 : 16;
	memcpy(rdata, a.bytes, len);
	return len;
}

static bool
add(struct records *r, uint16_t type, uint32_t ttl, const uint8_t *name,
    size_t name_len, const uint8_t *rdata, size_t rdata_len)
{
	struct conf_record head = { type, (uint8_t)name_len, (uint8_t)rdata_len,
		ttl };
	size_t len = sizeof(head) + name_len + rdata_len;

	if (r->n == r->max || len > r->size - r->len)
		return false;
	memcpy(r->bytes + r->len, &head, sizeof(head));
	memcpy(r->bytes + r->len + sizeof(head), name, name_len);
	memcpy(r->bytes + r->len + sizeof(head) + name_len, rdata, rdata_len);
	r->len += len;
	r->n++;
	return true;
}

/* What is wrong with the record behind the last one, given those before. */
static const char *
clash(const struct conf *conf)
{
	const uint8_t *p = conf->local, *fresh = p + conf->local_len;
	struct conf_record head, it;
	size_t len;
	uint32_t n;

	memcpy(&it, fresh, sizeof(it));
	for (n = 0; n < conf->nlocal; n++, p += sizeof(head) + len) {
		memcpy(&head, p, sizeof(head));
		len = (size_t)head.name_len + head.rdata_len;
		if (head.name_len != it.name_len ||
		    memcmp(p + sizeof(head), fresh + sizeof(it), it.name_len) !=
			0)
			continue;
		if (head.type == it.type && head.rdata_len == it.rdata_len &&
		    memcmp(p + sizeof(head), fresh + sizeof(it), len) == 0)
			return "this local data is given twice";
		/* RFC 1034 3.6.2 */
		if (head.type == CONF_LOCAL_CNAME ||
		    it.type == CONF_LOCAL_CNAME)
			return "a name with a CNAME has nothing else";
		/* RFC 2181 5.2 */
		if (head.type == it.type && head.ttl != it.ttl)
			return "the records of a name and type have one ttl";
	}
	return NULL;
}

static void
print_text(const uint8_t *text, size_t len, FILE *out)
{
	size_t i;

	fputc('"', out);
	for (i = 0; i < len; i++) {
		if (text[i] == '"' || text[i] == '\\')
			fputc('\\', out);
		fputc(text[i], out);
	}
	fputc('"', out);
}

/*
 * hosts(5).
 */

static bool
read_hosts(struct records *r, const char *path)
{
	struct stat st;
	char *text = NULL;
	bool good = false;
	ssize_t n;
	int fd;

	/* A pipe would keep us waiting for its writer. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd == -1 || fstat(fd, &st) == -1)
		log_warn("hosts %s: cannot be opened", path);
	else if (!S_ISREG(st.st_mode) || st.st_size > HOSTS_MAX)
		log_warnx("hosts %s: not a file of at most 1 MiB", path);
	/* Whoever may write it chooses where its names lead. */
	else if (!config_may_trust("hosts ", path, &st))
		;
	else if ((text = malloc(HOSTS_MAX + 1)) == NULL)
		fatal("hosts");
	else if ((n = read(fd, text, HOSTS_MAX)) == -1)
		log_warn("hosts %s: cannot be read", path);
	else {
		text[n] = '\0';
		good = take_hosts(r, path, text);
	}
	free(text);
	if (fd != -1)
		(void)close(fd);
	return good;
}

static bool
take_hosts(struct records *r, const char *path, char *text)
{
	unsigned int line = 0, bad = 0;
	const char *wrong;
	char *one;

	while ((one = strsep(&text, "\n")) != NULL) {
		line++;
		one[strcspn(one, "#")] = '\0';
		if ((wrong = take_host(r, one)) == NULL)
			continue;
		if (r->n == r->max) {
			log_warnx("hosts %s:%u: more than %u records", path,
			    line, CONF_HOSTS_MAX);
			return false;
		}
		if (++bad <= BAD_LINES)
			log_warnx(
			    "hosts %s:%u: %s: left out", path, line, wrong);
	}
	if (bad > BAD_LINES)
		log_warnx("hosts %s: %u lines are left out", path, bad);
	return true;
}

/* A line: an address, the name it has, and others. What is wrong, or NULL. */
static const char *
take_host(struct records *r, char *line)
{
	uint8_t name[WIRE_MAX], owner[WIRE_MAX];
	const char *wrong = NULL;
	char reverse[80], *word;
	struct netaddr a;
	size_t len;
	bool first = true;

	while ((word = strsep(&line, BLANKS)) != NULL && *word == '\0')
		;
	if (word == NULL)
		return NULL;
	if (!netaddr_parse(&a, word) || a.scope != 0)
		return "expected an IP address";
	while ((word = strsep(&line, BLANKS)) != NULL) {
		if (*word == '\0')
			continue;
		if ((len = config_name_parse(name, word)) == 0) {
			wrong = "a name that is none";
			continue;
		}
		if (!add(r, a.family == 4 ? CONF_LOCAL_A : CONF_LOCAL_AAAA,
			CONF_LOCAL_TTL, name, len, a.bytes,
			a.family == 4 ? 4 : 16))
			return "no room";
		if (first && !is_unspecified(&a)) {
			reverse_of(reverse, sizeof(reverse), &a);
			if (!add(r, CONF_LOCAL_PTR, CONF_LOCAL_TTL, owner,
				config_name_parse(owner, reverse), name, len))
				return "no room";
		}
		first = false;
	}
	return wrong != NULL || !first ? wrong : "expected a name";
}

/* 0.0.0.0 is where names are sent that are to lead nowhere. */
static bool
is_unspecified(const struct netaddr *a)
{
	static const uint8_t zeroes[16];

	return memcmp(a->bytes, zeroes, sizeof(zeroes)) == 0;
}

/* RFC 1035 3.5, RFC 3596 2.5. */
static void
reverse_of(char *text, size_t size, const struct netaddr *a)
{
	size_t used = 0;
	int i;

	if (a->family == 4) {
		(void)snprintf(text, size, "%u.%u.%u.%u.in-addr.arpa",
		    a->bytes[3], a->bytes[2], a->bytes[1], a->bytes[0]);
		return;
	}
	for (i = 15; i >= 0; i--)
		used += (size_t)snprintf(text + used, size - used, "%x.%x.",
		    a->bytes[i] & 0xf, a->bytes[i] >> 4);
	(void)snprintf(text + used, size - used, "ip6.arpa");
}
