/*
 * Prints a config in its own language, with nothing left to a default: what
 * comes out must parse to the same config.
 */
#include <stdio.h>

#include "dotproxy/special.h"
#include "config.h"

static void print_zone(const struct conf *, const struct conf_zone *, FILE *);
static void
print_prefixes(const char *, const struct netaddr *, uint32_t, FILE *);
static void print_block(const struct conf_block *, FILE *);
static void print_upstream(const struct conf_upstream *, FILE *);
static void print_listen(const struct netaddr *, uint16_t, FILE *);
static void print_address(const char *, const struct netaddr *, FILE *);
static void print_scaled(
    const char *, uint32_t, const struct config_scale *, const char *, FILE *);
static void print_limit(const struct conf_limit *, FILE *);
static void print_special(const char *, uint32_t, FILE *);
static void print_way(const struct conf_upstream *, FILE *);
static void print_word(const char *, const char *, FILE *);
static void print_quoted(const char *, const char *, FILE *);

void
config_print(const struct conf *conf, FILE *out)
{
	uint32_t i;

	if (conf->workers == 0)
		fprintf(out, "# workers: one for each CPU\n");
	else
		fprintf(out, "workers %u\n", conf->workers);
	print_quoted("user", conf->user, out);
	print_quoted("chroot", conf->chroot, out);
	for (i = 0; i < conf->nlisten; i++)
		print_listen(&conf->listen[i], conf->listen_or[i], out);
	print_prefixes("allow from", conf->allow, conf->nallow, out);
	fprintf(out, "udp size %u\n", conf->udp_size);
	if (conf->cache_size == 0)
		fprintf(out, "no cache\n");
	else
		print_scaled(
		    "cache size", conf->cache_size, config_sizes, "\n", out);
	print_scaled("cache ttl min", conf->ttl_min, config_times, "", out);
	print_scaled(" max", conf->ttl_max, config_times, "", out);
	print_scaled(" negative", conf->ttl_negative, config_times, "\n", out);
	if (conf->stale == 0)
		fprintf(out, "no stale\n");
	else
		print_scaled(
		    "cache stale", conf->stale, config_times, "\n", out);
	print_special("special", conf->special, out);
	print_special("no special", SPECIAL_ALL & ~conf->special, out);
	config_local_print(conf, out);
	if (conf->hosts[0] != '\0')
		print_quoted("hosts", conf->hosts, out);
	print_limit(&conf->limit, out);
	fprintf(out, "%scookies\n", conf->cookies ? "" : "no ");
	print_prefixes(
	    "cookies require for", conf->cookies_for, conf->ncookies_for, out);
	print_block(&conf->block, out);
	if (conf->block_kernel)
		fprintf(out, "block kernel\n");
	print_prefixes("block", conf->blocked, conf->nblocked, out);
	fprintf(out, "tcp connections %u\n", conf->tcp_max);
	fprintf(out, "tcp connections each %u\n", conf->tcp_each);
	for (i = 0; i < conf->nupstream; i++)
		print_upstream(&conf->upstream[i], out);
	for (i = 0; i < conf->nzone; i++)
		print_zone(conf, &conf->zone[i], out);
}

static void
print_prefixes(
    const char *keyword, const struct netaddr *prefix, uint32_t n, FILE *out)
{
	char text[NETADDR_TEXT];
	uint32_t i;

	if (n == 0) /* a list cannot be empty */
		return;
	fprintf(out, "%s {\n", keyword);
	for (i = 0; i < n; i++)
		fprintf(out, "\t%s\n", netaddr_prefix_text(&prefix[i], text));
	fprintf(out, "}\n");
}

static void
print_block(const struct conf_block *block, FILE *out)
{
	if (block->after == 0) {
		fprintf(out, "no block\n");
		return;
	}
	fprintf(out, "block after %u", block->after);
	print_scaled(" over", block->over, config_times, "", out);
	print_scaled(" for", block->first, config_times, "", out);
	print_scaled(" max", block->max, config_times, "\n", out);
}

static void
print_zone(const struct conf *conf, const struct conf_zone *z, FILE *out)
{
	uint32_t i;

	fprintf(out, "forward ");
	if (z->name_len > 1) {
		fprintf(out, "zone ");
		config_name_print(z->name, out);
		fputc(' ', out);
	}
	fprintf(out, "to {\n");
	for (i = 0; i < z->nupstream; i++)
		fprintf(out, "\t\"%s\"\n", conf->upstream[z->upstream[i]].name);
	fprintf(out, "} policy %s\n", config_policies[z->policy]);
}

static void
print_limit(const struct conf_limit *l, FILE *out)
{
	if (l->rate == 0)
		fprintf(out, "limit off\n");
	else
		fprintf(out, "limit rate %u burst %u prefix %u prefix6 %u\n",
		    l->rate, l->burst, l->prefix, l->prefix6);
	fprintf(out,
	    l->hit_cost == 1000 ? "limit hit cost 1\n"
				: "limit hit cost 0.%03u\n",
	    l->hit_cost);
	fprintf(out, "limit slip %u\n", l->slip);
	print_scaled("limit memory", l->memory, config_sizes, "\n", out);
	if (l->nexempt == 0)
		fprintf(out, "no limit exempt\n");
	print_prefixes("limit exempt", l->exempt, l->nexempt, out);
	if (l->zone_rate == 0)
		fprintf(out, "no limit zone\n");
	else
		fprintf(out, "limit zone rate %u burst %u labels %u\n",
		    l->zone_rate, l->zone_burst, l->zone_labels);
	fprintf(out, "amplification max %u\n", l->amplification);
}

static void
print_special(const char *keyword, uint32_t set, FILE *out)
{
	unsigned int i;

	if (set == 0)
		return;
	fprintf(out, "%s {", keyword);
	for (i = 0; i < SPECIALS; i++)
		if ((set & 1u << i) != 0)
			fprintf(out, " %s", special_word((enum special)i));
	fprintf(out, " }\n");
}

static void
print_upstream(const struct conf_upstream *up, FILE *out)
{
	char text[CONFIG_PIN_TEXT];
	uint32_t i;

	fprintf(
	    out, "upstream \"%s\" %s{\n", up->name, up->plain ? "plain " : "");
	for (i = 0; i < up->naddress; i++)
		print_address("\taddress", &up->address[i], out);
	if (up->host[0] != '\0')
		print_quoted("\tname", up->host, out);
	if (up->ca[0] != '\0')
		print_quoted("\tca", up->ca, out);
	for (i = 0; i < up->npin; i++)
		print_quoted("\tpin", config_pin_text(up->pin[i], text), out);
	print_way(up, out);
	fprintf(out, "}\n");
}

static void
print_way(const struct conf_upstream *up, FILE *out)
{
	char text[NETADDR_TEXT];

	if (up->socks.family != 0) {
		fprintf(out,
		    up->socks.family == 4 ? "\tvia socks5 %s:%u"
					  : "\tvia socks5 [%s]:%u",
		    netaddr_text(&up->socks, text), up->socks.port);
		if (up->socks_user[0] != '\0') {
			print_word(" user", up->socks_user, out);
			print_word(" password", up->socks_password, out);
		}
		fputc('\n', out);
	}
	if (up->interface[0] != '\0')
		print_quoted("\tinterface", up->interface, out);
	if (up->source4.family != 0)
		fprintf(out, "\tsource %s\n", netaddr_text(&up->source4, text));
	if (up->source6.family != 0)
		fprintf(out, "\tsource %s\n", netaddr_text(&up->source6, text));
}

static void
print_listen(const struct netaddr *a, uint16_t other, FILE *out)
{
	char text[NETADDR_TEXT];

	fprintf(out, "listen on %s", netaddr_port_text(a, text));
	if (other != 0)
		fprintf(out, " or %u", other);
	fputc('\n', out);
}

static void
print_address(const char *keyword, const struct netaddr *a, FILE *out)
{
	char text[NETADDR_TEXT];

	fprintf(out, "%s %s\n", keyword, netaddr_port_text(a, text));
}

/* With the largest letter that leaves a whole number. */
static void
print_scaled(const char *keyword, uint32_t n, const struct config_scale *scale,
    const char *end, FILE *out)
{
	const struct config_scale *best = NULL;

	for (; scale->letter != '\0'; scale++)
		if (scale->by > 1 && n != 0 && n % scale->by == 0)
			best = scale;
	if (best == NULL)
		fprintf(out, "%s %u%s", keyword, n, end);
	else
		fprintf(
		    out, "%s %u%c%s", keyword, n / best->by, best->letter, end);
}

static void
print_quoted(const char *keyword, const char *text, FILE *out)
{
	print_word(keyword, text, out);
	fputc('\n', out);
}

static void
print_word(const char *keyword, const char *text, FILE *out)
{
	fprintf(out, "%s \"", keyword);
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
	fputc('"', out);
}
