/*
 * Limits of clients, of the config file. Nothing is set by halves: what is
 * refused leaves the config as it was.
 */
#include <string.h>

#include "parse.h"

/* "0", "1" or "0.", and up to three digits behind the point. */
void
set_hit_cost(struct parser *p, struct word w)
{
	const char *text = w.text;
	char digits[4] = "000";
	size_t len = strlen(text);
	uint32_t n;

	if (strcmp(text, "0") == 0 || strcmp(text, "1") == 0)
		p->conf->limit.hit_cost = text[0] == '1' ? 1000 : 0;
	else if (strncmp(text, "0.", 2) == 0 && len > 2 && len <= 5) {
		memcpy(digits, text + 2, len - 2);
		if (parse_number(digits, 0, 999, &n))
			p->conf->limit.hit_cost = n;
		else
			complain(p, w, "expected " A_COST);
	} else
		complain(p, w, "expected " A_COST);
}

/* In whole parts of the least: the size is a bound, so rounded down. */
void
set_limit_memory(struct parser *p, struct word w)
{
	uint32_t *n = &p->conf->limit.memory;

	set_scaled(p, n, w, config_sizes, CONF_LIMIT_MEMORY_MIN,
	    CONF_LIMIT_MEMORY_MAX, A_MEMORY);
	*n -= *n % CONF_LIMIT_MEMORY_MIN;
}

/* The file's own, in the place of the defaults. */
void
begin_exempt(struct parser *p, struct word w)
{
	struct conf_limit *l = &p->conf->limit;

	if (p->seen.no_exempt != 0)
		complain(p, w, "line %d says that none is exempt",
		    p->seen.no_exempt);
	if (!p->own_exempt) {
		l->nexempt = 0;
		memset(l->exempt, 0, sizeof(l->exempt));
	}
	p->own_exempt = true;
	begin_prefixes(p, l->exempt, &l->nexempt, CONF_LIMIT_EXEMPT_MAX);
}

void
no_exempt(struct parser *p, struct word w)
{
	if (!once(p, w, &p->seen.no_exempt))
		return;
	if (p->own_exempt)
		complain(p, w, "there are exempt prefixes, too");
	p->conf->limit.nexempt = 0;
	memset(p->conf->limit.exempt, 0, sizeof(p->conf->limit.exempt));
}
