/*
 * Log lines of a child. One that floods the log must lose its own lines only.
 */
#include <syslog.h>

#include "ipc_log.h"
#include "dotproxy/log.h"

bool
ipc_log_take(struct ipc_log_limit *limit, const struct ipc_message *m,
    const char *name, uint64_t now)
{
	const struct ipc_log *head = m->payload;
	uint32_t priority = head->priority;

	if (priority < LOG_CRIT || priority > LOG_DEBUG)
		return false;
	if (!bucket_take(&limit->bucket, now, IPC_LOG_BURST, IPC_LOG_RATE)) {
		counter_inc(ipc_log_dropped);
		limit->dropped++;
		return true;
	}
	if (limit->dropped != 0)
		log_warnx("%s: %llu log lines dropped: too many", name,
		    (unsigned long long)limit->dropped);
	limit->dropped = 0;
	if (priority != LOG_DEBUG || log_is_verbose())
		log_foreign((int)priority, name,
		    (const char *)m->payload + sizeof(*head),
		    m->len - sizeof(*head));
	return true;
}
