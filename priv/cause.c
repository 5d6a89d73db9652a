/* Why a process is no more: only words, nothing is decided here. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "cause.h"
#include "dotproxy/sandbox.h"

const char *
cause_text(int status, uint32_t refused, char buf[CAUSE_TEXT])
{
	int sig = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	char call[SANDBOX_TEXT];

	if (sig == SIGSYS && refused != 0)
		(void)snprintf(buf, CAUSE_TEXT,
		    "killed by its seccomp filter: it called %s (system call "
		    "%u), which it must never do",
		    sandbox_call_name(refused - 1, call), refused - 1);
	else if (sig == SIGSYS)
		(void)snprintf(buf, CAUSE_TEXT,
		    "killed by its seccomp filter (SIGSYS); the kernel's audit "
		    "log, type=1326, has the system call");
	else if (sig != 0)
		(void)snprintf(buf, CAUSE_TEXT, "killed by signal %d (%s)", sig,
		    strsignal(sig));
	else
		(void)snprintf(buf, CAUSE_TEXT, "exited with status %d",
		    WEXITSTATUS(status));
	return buf;
}
