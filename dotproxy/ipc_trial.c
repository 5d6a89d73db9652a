/*
 * What a trial found, as it may come from a process that strangers have talked
 * to: nothing of it may be shown to anyone before it has been here.
 * For the parent alone.
 */
#include "ipc.h"

static bool is_text(const char *, size_t);
static bool cert_is_valid(const struct ipc_trial_cert *);

bool
ipc_trial_is_valid(const struct ipc_trial *t)
{
	uint32_t i;

	if (t->ncert > IPC_TRIAL_CERTS ||
	    !is_text(t->version, sizeof(t->version)) ||
	    !is_text(t->cipher, sizeof(t->cipher)) ||
	    !is_text(t->failure, sizeof(t->failure)))
		return false;
	for (i = 0; i < t->ncert; i++)
		if (!cert_is_valid(&t->cert[i]))
			return false;
	/* Whatever is well has answered. */
	return t->failure[0] != '\0' || t->answer != IPC_TRIAL_NONE;
}

static bool
cert_is_valid(const struct ipc_trial_cert *c)
{
	return c->ends >= 0 && c->ends <= IPC_TRIAL_ENDS_MAX &&
	    c->pinned <= 1 && c->zero == 0 &&
	    is_text(c->subject, sizeof(c->subject));
}

static bool
is_text(const char *s, size_t size)
{
	if (!ipc_string_is_valid(s, size))
		return false;
	for (; *s != '\0'; s++)
		if (*s < ' ' || *s > '~')
			return false;
	return true;
}
