/* The life of a question, with a clock of the test's and no socket. */
#include <atf-c.h>
#include <string.h>

#include "dotproxy/counter.h"
#include "unpriv/dns/reader.h"
#include "unpriv/worker/query.h"

#include "harness.h"

#define CASE(name)                                                             \
	ATF_TC_WITHOUT_HEAD(name);                                             \
	ATF_TC_BODY(name, tc)

#define START 1000 /* ms */

static struct query_table table;
static struct settings settings;
static struct query_client client;
static struct query_reply reply;
static uint8_t msg[512];
static size_t len;

static void
set_up(void)
{
	settings.udp_size = 1232;
	settings.nallow = 1;
	ATF_REQUIRE(netaddr_parse_prefix(&settings.allow[0], "127.0.0.0/8"));
	ATF_REQUIRE(netaddr_parse(&client.address, "127.0.0.1"));
	client.proto = IPC_UDP;
	client.object = 3;
	client.serial = 4;
	query_init(&table, START);
	query_present(&table);
	len = client_question(msg, 7, "Example.org.", 1232);
}

static enum query_fate
take(uint64_t now)
{
	return query_take(
	    &table, &settings, &client, msg, len, false, now, &reply);
}

/* As the channel would: what waits is batched, and the batch is sent. */
static uint32_t
flush(void)
{
	uint32_t n;

	ATF_REQUIRE_EQ(QUERY_ALL, query_fill(&table, &settings, START, &reply));
	n = table.batch.entries;
	ipc_batch_init(&table.batch, IPC_QUERIES);
	return n;
}

/* The id of the first question in the batch. */
static uint64_t
batched(struct dns_question *question)
{
	struct ipc_message m = { .type = IPC_QUERIES };
	const uint8_t *name;
	struct ipc_query q;
	size_t offset = 0;

	m.payload = table.batch.buffer.bytes + sizeof(struct ipc_header);
	m.len = table.batch.len;
	ATF_REQUIRE_EQ(1, ipc_query_next(&m, &offset, &q, &name));
	memcpy(question->name, name, q.name_len);
	question->name_len = q.name_len;
	question->type = q.type;
	question->class = q.class;
	return q.id;
}

static uint64_t
ask(struct dns_question *question, uint64_t now)
{
	uint64_t id;

	ATF_REQUIRE_EQ(QUERY_IN_FLIGHT, take(now));
	ATF_REQUIRE_EQ(QUERY_ALL, query_fill(&table, &settings, START, &reply));
	id = batched(question);
	ipc_batch_init(&table.batch, IPC_QUERIES);
	return id;
}

static int
answer_with(uint16_t rcode, uint64_t id, const struct dns_question *question)
{
	struct ipc_answer a = { .id = id, .kind = IPC_ANSWERED };
	struct dns_writer w;
	uint8_t buf[512];

	dns_writer_init(&w, buf, sizeof(buf));
	dns_write_u16(&w, 99);
	dns_write_u16(&w, DNS_QR | DNS_RD | DNS_RA | rcode);
	dns_write_u16(&w, 1);
	dns_write_u16(&w, 0);
	dns_write_u32(&w, 0);
	dns_write_bytes(&w, question->name, question->name_len);
	dns_write_u16(&w, question->type);
	dns_write_u16(&w, question->class);
	a.len = (uint16_t)w.pos;
	return query_answer(&table, &settings, &a, buf, START, &reply);
}

static int
answer(uint64_t id, const struct dns_question *question)
{
	return answer_with(DNS_NOERROR, id, question);
}

static void
expect_error(uint16_t rcode, uint16_t ede)
{
	ATF_CHECK_EQ(rcode, message_rcode(reply.bytes));
	ATF_CHECK_EQ(7, message_id(reply.bytes));
	ATF_CHECK_EQ(ede, message_ede(reply.bytes, reply.len));
	ATF_CHECK_EQ(3, reply.client.object);
}

CASE(a_response_and_a_short_message_are_dropped)
{
	(void)tc;
	set_up();
	msg[2] |= 0x80;
	ATF_CHECK_EQ(QUERY_DROPPED, take(START));
	msg[2] &= 0x7f;
	len = 11;
	ATF_CHECK_EQ(QUERY_DROPPED, take(START));
	ATF_CHECK_EQ(2, counter_value[COUNTER_queries_dropped]);
	ATF_CHECK_EQ(0, table.nused);
}

CASE(each_question_that_may_not_be_asked_is_answered_at_once)
{
	(void)tc;
	set_up();
	msg[2] |= 4 << 3; /* NOTIFY */
	ATF_CHECK_EQ(QUERY_ANSWERED, take(START));
	ATF_CHECK_EQ(DNS_NOTIMP, message_rcode(reply.bytes));
	ATF_CHECK(!reply.was_in_flight);
	len = client_question(msg, 7, "example.org.", 1232);
	len--;
	ATF_CHECK_EQ(QUERY_ANSWERED, take(START));
	ATF_CHECK_EQ(DNS_FORMERR, message_rcode(reply.bytes));
	len = client_question(msg, 7, "example.org.", 1232);
	msg[len - 5] = 1; /* EDNS version */
	ATF_CHECK_EQ(QUERY_ANSWERED, take(START));
	ATF_CHECK_EQ(DNS_BADVERS & 0xf, message_rcode(reply.bytes));
	len = client_question(msg, 7, "example.org.", 0);
	msg[len - 3] = DNS_TYPE_AXFR;
	ATF_CHECK_EQ(QUERY_ANSWERED, take(START));
	ATF_CHECK_EQ(DNS_REFUSED, message_rcode(reply.bytes));
	ATF_CHECK_EQ(1, counter_value[COUNTER_queries_notimp]);
	ATF_CHECK_EQ(1, counter_value[COUNTER_queries_formerr]);
	ATF_CHECK_EQ(1, counter_value[COUNTER_queries_badvers]);
	ATF_CHECK_EQ(1, counter_value[COUNTER_queries_refused_type]);
	ATF_CHECK_EQ(0, table.nused);
}

CASE(a_question_that_was_cut_off_is_formerr_even_if_it_reads_well)
{
	(void)tc;
	set_up();
	ATF_CHECK_EQ(QUERY_ANSWERED,
	    query_take(
		&table, &settings, &client, msg, len, true, START, &reply));
	expect_error(DNS_FORMERR, DNS_EDE_NONE);
}

CASE(a_client_outside_of_allow_from_is_refused_and_told_why)
{
	(void)tc;
	set_up();
	ATF_REQUIRE(netaddr_parse(&client.address, "192.0.2.1"));
	ATF_CHECK_EQ(QUERY_ANSWERED, take(START));
	expect_error(DNS_REFUSED, DNS_EDE_PROHIBITED);
	/* Also one who sends what is wrong in itself. */
	msg[2] |= 4 << 3;
	ATF_CHECK_EQ(QUERY_ANSWERED, take(START));
	ATF_CHECK_EQ(DNS_REFUSED, message_rcode(reply.bytes));
	ATF_CHECK_EQ(2, counter_value[COUNTER_queries_refused_client]);
	ATF_CHECK_EQ(0, counter_value[COUNTER_queries_notimp]);
}

CASE(an_answer_finds_the_client_that_asked)
{
	struct dns_question question;
	uint64_t id;

	(void)tc;
	set_up();
	id = ask(&question, START);
	ATF_CHECK_EQ(0, memcmp(question.name, "\7example\3org", 13));
	ATF_CHECK_EQ(1, answer(id, &question));
	ATF_CHECK(reply.was_in_flight);
	ATF_CHECK_EQ(3, reply.client.object);
	ATF_CHECK_EQ(4, reply.client.serial);
	ATF_CHECK_EQ(7, message_id(reply.bytes));
	ATF_CHECK_EQ(0, memcmp(reply.bytes + 12, "\7Example\3org", 13));
	ATF_CHECK_EQ(0, table.nused);
}

CASE(an_answer_to_another_question_is_servfail)
{
	struct dns_question question;
	uint64_t id;

	(void)tc;
	set_up();
	id = ask(&question, START);
	question.name[1] = 'f';
	ATF_CHECK_EQ(1, answer(id, &question));
	expect_error(DNS_SERVFAIL, DNS_EDE_INVALID_DATA);
	ATF_CHECK_EQ(1, counter_value[COUNTER_answers_bad]);
}

/* How many more the client may ask after one of ten that became so. */
static uint32_t
left_after(int rcode)
{
	static _Alignas(64) uint8_t memory[CONF_LIMIT_MEMORY_MIN];
	const struct conf_limit conf = { .rate = 1,
		.burst = 10,
		.prefix = 32,
		.prefix6 = 56,
		.memory = sizeof(memory),
		.zone_burst = 1,
		.zone_labels = 1 };
	struct guard *guard = &table.guard;
	struct dns_question question;
	uint32_t n = 0;
	uint64_t id;

	set_up();
	memset(memory, 0, sizeof(memory));
	guard_init(guard, &conf, memory);
	guard_find(guard, &client.address, false, &client.limit);
	ATF_REQUIRE_EQ(GUARD_TAKE, guard_udp(guard, &client.limit, START));
	id = ask(&question, START);
	if (rcode >= 0)
		ATF_CHECK_EQ(1, answer_with((uint16_t)rcode, id, &question));
	else
		ATF_CHECK(query_expire(
		    &table, &settings, START + QUERY_TIMEOUT_MS, &reply));
	while (guard_udp(guard, &client.limit, START) == GUARD_TAKE &&
	    guard->over == 0) {
		guard_charge_miss(guard, &client.limit);
		n++;
	}
	guard->on = false;
	return n;
}

CASE(what_does_not_exist_or_fails_costs_two_questions_more)
{
	(void)tc;
	ATF_CHECK_EQ(9, left_after(DNS_NOERROR));
	ATF_CHECK_EQ(7, left_after(DNS_NXDOMAIN));
	ATF_CHECK_EQ(7, left_after(DNS_SERVFAIL));
	/* That nobody answers is not its doing. */
	ATF_CHECK_EQ(9, left_after(-1));
}

CASE(a_failure_of_the_upstreams_is_passed_on_with_its_reason)
{
	struct ipc_answer a = { .kind = IPC_FAILED, .len = 4, .ede = 23 };
	struct dns_question question;

	(void)tc;
	set_up();
	a.id = ask(&question, START);
	ATF_CHECK_EQ(1,
	    query_answer(
		&table, &settings, &a, (const uint8_t *)"gone", START, &reply));
	expect_error(DNS_SERVFAIL, DNS_EDE_NETWORK_ERROR);
	ATF_CHECK_EQ(1, counter_value[COUNTER_queries_failed]);
}

CASE(a_second_answer_to_the_same_question_is_late)
{
	struct dns_question question;
	uint64_t id, other;

	(void)tc;
	set_up();
	id = ask(&question, START);
	ATF_CHECK_EQ(1, answer(id, &question));
	ATF_CHECK_EQ(0, answer(id, &question));
	/* The slot is used again: the old id is still nobody's. */
	other = ask(&question, START);
	ATF_CHECK_EQ(id & UINT32_MAX, other & UINT32_MAX);
	ATF_CHECK_EQ(0, answer(id, &question));
	ATF_CHECK_EQ(1, table.nused);
	ATF_CHECK_EQ(1, answer(other, &question));
	ATF_CHECK_EQ(2, counter_value[COUNTER_answers_late]);
}

CASE(an_id_that_was_never_given_out_breaks_the_rules)
{
	struct dns_question question;
	uint64_t id;

	(void)tc;
	set_up();
	id = ask(&question, START);
	ATF_CHECK_EQ(-1, answer(id + 1, &question));
	ATF_CHECK_EQ(-1, answer(id + ((uint64_t)1 << 32), &question));
	ATF_CHECK_EQ(-1, answer(UINT64_MAX, &question));
	ATF_CHECK_EQ(1, table.nused);
}

CASE(a_question_without_an_answer_is_servfail_in_time)
{
	(void)tc;
	/* Many clients wait for five seconds. */
	ATF_CHECK(QUERY_TIMEOUT_MS < 5000);
	set_up();
	ATF_CHECK_EQ(QUERY_IN_FLIGHT, take(START));
	ATF_CHECK_EQ(QUERY_IN_FLIGHT, take(START + 100));
	(void)flush();
	ATF_CHECK(!query_expire(
	    &table, &settings, START + QUERY_TIMEOUT_MS - 1, &reply));
	ATF_CHECK(
	    query_expire(&table, &settings, START + QUERY_TIMEOUT_MS, &reply));
	expect_error(DNS_SERVFAIL, DNS_EDE_NO_REACHABLE);
	ATF_CHECK(
	    !query_expire(&table, &settings, START + QUERY_TIMEOUT_MS, &reply));
	ATF_CHECK_EQ(1, table.nused);
	ATF_CHECK(query_expire(
	    &table, &settings, START + QUERY_TIMEOUT_MS + 100, &reply));
	ATF_CHECK_EQ(2, counter_value[COUNTER_queries_timeout]);
}

/* Until there is an answer or none: so long it takes its place upstream. */
CASE(what_waits_for_strangers_is_counted_until_it_leaves_the_table)
{
	static const struct dns_query query;
	struct dns_question question;
	uint64_t id, other;

	(void)tc;
	set_up();
	id = ask(&question, START);
	client.stranger = true;
	other = ask(&question, START);
	(void)ask(&question, START + 100);
	ATF_CHECK_EQ(2, table.nstrangers);
	ATF_CHECK_EQ(1, answer(id, &question));
	ATF_CHECK_EQ(2, table.nstrangers);
	ATF_CHECK_EQ(1, answer(other, &question));
	ATF_CHECK_EQ(1, table.nstrangers);
	ATF_CHECK(query_expire(
	    &table, &settings, START + QUERY_TIMEOUT_MS + 100, &reply));
	ATF_CHECK_EQ(0, table.nstrangers);
	/* The place of a stranger is anyone's, and the cache's. */
	query_slot_free(&table, query_slot_new(&table, &query, START));
	ATF_CHECK_EQ(0, table.nstrangers);
}

CASE(a_full_table_sheds_and_has_room_again_after_an_answer)
{
	struct dns_question question;
	uint64_t id;
	int i;

	(void)tc;
	set_up();
	id = ask(&question, START);
	for (i = 1; i < QUERY_MAX; i++)
		(void)ask(&question, START);
	ATF_CHECK_EQ(QUERY_ANSWERED, take(START));
	expect_error(DNS_SERVFAIL, DNS_EDE_OTHER);
	ATF_CHECK_EQ(1, counter_value[COUNTER_queries_shed]);
	ATF_CHECK_EQ(1, answer(id, &question));
	ATF_CHECK_EQ(QUERY_IN_FLIGHT, take(START));
	ATF_CHECK_EQ(QUERY_ANSWERED, take(START));
	for (i = 0; i < QUERY_MAX; i++)
		ATF_REQUIRE(query_stop(&table, &settings, START, &reply));
	ATF_CHECK(!query_stop(&table, &settings, START, &reply));
	ATF_CHECK_EQ(0, table.nwaiting);
}

CASE(a_tls_process_that_does_not_keep_up_has_a_backlog_of_fixed_size)
{
	enum query_filled filled;
	uint32_t sent = 0;
	int i;

	(void)tc;
	set_up();
	for (i = 0; i < QUERY_BACKLOG; i++)
		ATF_REQUIRE_EQ(QUERY_IN_FLIGHT, take(START));
	ATF_CHECK_EQ(QUERY_ANSWERED, take(START));
	expect_error(DNS_SERVFAIL, DNS_EDE_OTHER);
	/* A batch that could not be sent waits again, all of it. */
	ATF_CHECK_EQ(QUERY_FULL, query_fill(&table, &settings, START, &reply));
	ATF_CHECK(table.batch.len >= IPC_BATCH_LEN);
	ATF_CHECK(table.nwaiting < QUERY_BACKLOG);
	query_unsend(&table);
	ATF_CHECK_EQ(QUERY_BACKLOG, table.nwaiting);
	do {
		filled = query_fill(&table, &settings, START, &reply);
		sent += table.batch.entries;
		ipc_batch_init(&table.batch, IPC_QUERIES);
	} while (filled == QUERY_FULL);
	ATF_CHECK_EQ(QUERY_ALL, filled);
	ATF_CHECK_EQ(QUERY_BACKLOG, sent);
	ATF_CHECK_EQ(QUERY_IN_FLIGHT, take(START));
}

CASE(what_a_tls_process_took_with_it_is_asked_of_the_next)
{
	struct dns_question question;
	uint64_t id, first;

	(void)tc;
	set_up();
	first = ask(&question, START);
	(void)ask(&question, START);
	ATF_CHECK_EQ(1, answer(first, &question));
	(void)ask(&question, START + 1);
	query_absent(&table, START + 1);
	/* One more waits for the next one to come. */
	ATF_CHECK_EQ(QUERY_IN_FLIGHT, take(START + 2));
	query_present(&table);
	ATF_CHECK_EQ(QUERY_ALL, query_fill(&table, &settings, START, &reply));
	ATF_CHECK_EQ(3, table.batch.entries);
	id = batched(&question);
	ipc_batch_init(&table.batch, IPC_QUERIES);
	ATF_CHECK_EQ(1, answer(id, &question));
	ATF_CHECK_EQ(2, table.nused);
}

CASE(a_question_that_ends_two_tls_processes_is_given_up)
{
	struct dns_question question;

	(void)tc;
	set_up();
	(void)ask(&question, START);
	query_absent(&table, START);
	query_present(&table);
	ATF_CHECK_EQ(1, flush());
	query_absent(&table, START);
	ATF_CHECK_EQ(QUERY_IN_FLIGHT, take(START));
	query_present(&table);
	ATF_CHECK_EQ(
	    QUERY_GIVEN_UP, query_fill(&table, &settings, START, &reply));
	expect_error(DNS_SERVFAIL, DNS_EDE_OTHER);
	ATF_CHECK(reply.was_in_flight);
	/* The other one goes its way. */
	ATF_CHECK_EQ(1, flush());
	ATF_CHECK_EQ(1, table.nused);
}

CASE(a_batch_that_was_not_sent_does_not_count_as_a_try)
{
	int i;

	(void)tc;
	set_up();
	ATF_CHECK_EQ(QUERY_IN_FLIGHT, take(START));
	for (i = 0; i < 2 * QUERY_SENDS_MAX; i++) {
		ATF_CHECK_EQ(
		    QUERY_ALL, query_fill(&table, &settings, START, &reply));
		ATF_CHECK_EQ(1, table.batch.entries);
		query_unsend(&table);
	}
	ATF_CHECK_EQ(1, flush());
}

CASE(without_a_tls_process_for_long_questions_are_shed_at_once)
{
	(void)tc;
	set_up();
	query_absent(&table, START);
	ATF_CHECK_EQ(QUERY_IN_FLIGHT, take(START + QUERY_ABSENT_MS - 1));
	ATF_CHECK_EQ(QUERY_ANSWERED, take(START + QUERY_ABSENT_MS));
	expect_error(DNS_SERVFAIL, DNS_EDE_NOT_READY);
	query_present(&table);
	ATF_CHECK_EQ(QUERY_IN_FLIGHT, take(START + QUERY_ABSENT_MS));
	/* The next one that goes is waited for as long. */
	query_absent(&table, START + 9000);
	ATF_CHECK_EQ(QUERY_IN_FLIGHT, take(START + 9000 + QUERY_ABSENT_MS - 1));
	ATF_CHECK_EQ(QUERY_ANSWERED, take(START + 9000 + QUERY_ABSENT_MS));
}

CASE(a_question_that_expires_while_it_waits_is_not_asked)
{
	(void)tc;
	set_up();
	query_absent(&table, START);
	ATF_CHECK_EQ(QUERY_IN_FLIGHT, take(START));
	ATF_CHECK_EQ(QUERY_IN_FLIGHT, take(START + 1));
	ATF_CHECK(
	    query_expire(&table, &settings, START + QUERY_TIMEOUT_MS, &reply));
	query_present(&table);
	ATF_CHECK_EQ(1, flush());
	ATF_CHECK_EQ(0, table.nwaiting);
}

CASE(an_answer_to_what_only_waits_is_not_taken)
{
	struct dns_question question;
	uint64_t id;

	(void)tc;
	set_up();
	id = ask(&question, START);
	query_absent(&table, START);
	query_present(&table);
	ATF_CHECK_EQ(0, answer(id, &question));
	ATF_CHECK_EQ(1, table.nused);
	ATF_CHECK_EQ(1, flush());
	ATF_CHECK_EQ(1, answer(id, &question));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, a_response_and_a_short_message_are_dropped);
	ATF_TP_ADD_TC(
	    tp, each_question_that_may_not_be_asked_is_answered_at_once);
	ATF_TP_ADD_TC(
	    tp, a_question_that_was_cut_off_is_formerr_even_if_it_reads_well);
	ATF_TP_ADD_TC(
	    tp, a_client_outside_of_allow_from_is_refused_and_told_why);
	ATF_TP_ADD_TC(tp, an_answer_finds_the_client_that_asked);
	ATF_TP_ADD_TC(tp, an_answer_to_another_question_is_servfail);
	ATF_TP_ADD_TC(
	    tp, what_does_not_exist_or_fails_costs_two_questions_more);
	ATF_TP_ADD_TC(
	    tp, a_failure_of_the_upstreams_is_passed_on_with_its_reason);
	ATF_TP_ADD_TC(tp, a_second_answer_to_the_same_question_is_late);
	ATF_TP_ADD_TC(tp, an_id_that_was_never_given_out_breaks_the_rules);
	ATF_TP_ADD_TC(tp, a_question_without_an_answer_is_servfail_in_time);
	ATF_TP_ADD_TC(
	    tp, what_waits_for_strangers_is_counted_until_it_leaves_the_table);
	ATF_TP_ADD_TC(
	    tp, a_full_table_sheds_and_has_room_again_after_an_answer);
	ATF_TP_ADD_TC(tp,
	    a_tls_process_that_does_not_keep_up_has_a_backlog_of_fixed_size);
	ATF_TP_ADD_TC(tp, what_a_tls_process_took_with_it_is_asked_of_the_next);
	ATF_TP_ADD_TC(tp, a_question_that_ends_two_tls_processes_is_given_up);
	ATF_TP_ADD_TC(tp, a_batch_that_was_not_sent_does_not_count_as_a_try);
	ATF_TP_ADD_TC(
	    tp, without_a_tls_process_for_long_questions_are_shed_at_once);
	ATF_TP_ADD_TC(tp, a_question_that_expires_while_it_waits_is_not_asked);
	ATF_TP_ADD_TC(tp, an_answer_to_what_only_waits_is_not_taken);
	return atf_no_error();
}
