/* A real worker, asked over UDP. */
#include <atf-c.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"

static struct harness h;
static struct ipc_query q;
static struct dns_question question;
static uint8_t buf[DNS_MESSAGE_MAX];

#define CASE(name)                                                             \
	ATF_TC_WITHOUT_HEAD(name);                                             \
	ATF_TC_BODY(name, tc)

CASE(a_question_is_forwarded_and_its_answer_comes_back)
{
	size_t len;
	int fd;

	(void)tc;
	harness_up(&h);
	fd = client_connect(&h.socket[0]);
	client_ask(fd, IPC_UDP, 77, "Www.eXample.com.", 0);
	harness_question(&h, &q, &question);
	ATF_CHECK_EQ(DNS_TYPE_A, q.type);
	ATF_CHECK_EQ(DNS_ASK_RD, q.ask);
	ATF_CHECK_EQ(0, memcmp(question.name, "\3www\7example\3com", 17));
	harness_answer(&h, q.id, &question, 2);
	len = client_receive(fd, IPC_UDP, buf);
	ATF_CHECK_EQ(12 + 17 + 4 + 2 * 16, len);
	ATF_CHECK_EQ(77, message_id(buf));
	ATF_CHECK_EQ(DNS_NOERROR, message_rcode(buf));
	/* In the case it was asked in. */
	ATF_CHECK_EQ(0, memcmp(buf + 12, "\3Www\7eXample\3com", 17));
	harness_stop(&h);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, a_question_is_forwarded_and_its_answer_comes_back);
	return atf_no_error();
}
