# Whatever an upstream does, every question gets its answer: fresh ones, at a
# steady rate, through an upstream that misbehaves in one way.
# shellcheck shell=sh

. "$(atf_get_srcdir)/common.sh"
. "$(atf_get_srcdir)/servers.sh"

start_all() { # FAULT ...
	atf_require_prog "$upstream"
	pki
	up=$(free_port)
	port=$(free_port)
	start_misbehaving "$up" "$@"
	conf_for "$port" "$up"
	start_dotproxy
}

# The usual: 300 names, three a hundredth of a second; not one may be lost.
all_of() { # COUNT load's arguments
	_n=$1
	shift
	run_load -n "$_n" "$@"
	all_answered "$_n"
	expect_figure empty -eq 0
}

testcase an_upstream_that_behaves_answers_all 30 ss
an_upstream_that_behaves_answers_all_body() {
	start_all
	all_of 1000 -q 1000 -c 4 'n%.test.example'
	# Few connections, many questions in flight on each, no question twice.
	kill "$pid"
	# Some of them twice, if the machine is slow; and a probe or two.
	says 'queries=1[01][0-9][0-9] .*duplicates=0' upstream.log
}

testcase a_connection_closed_idle_costs_no_question 30 ss
a_connection_closed_idle_costs_no_question_body() {
	start_all --close-idle 100
	all_of 60 -q 8 'n%.test.example'
	counted upstream_closed
}

testcase a_connection_closed_idle_without_notice_costs_no_question 30 ss
a_connection_closed_idle_without_notice_costs_no_question_body() {
	start_all --close-idle 100 --no-notify
	all_of 60 -q 8 'n%.test.example'
	counted upstream_closed
}

testcase a_connection_closed_after_some_answers_costs_no_question 30 ss
a_connection_closed_after_some_answers_costs_no_question_body() {
	start_all --close-after 7 --delay 30
	all_of 300 -q 130 'n%.test.example'
	counted upstream_retried
}

testcase a_connection_reset_after_some_answers_costs_no_question 30 ss
a_connection_reset_after_some_answers_costs_no_question_body() {
	start_all --reset-after 7 --delay 30
	all_of 300 -q 130 'n%.test.example'
	counted upstream_retried
}

testcase half_an_answer_is_asked_for_again 30 ss
half_an_answer_is_asked_for_again_body() {
	start_all --half-after 7
	all_of 300 -q 300 'n%.test.example'
	counted upstream_retried
}

testcase a_connection_that_stalls_is_left 30 ss
a_connection_that_stalls_is_left_body() {
	start_all --stall-after 150
	all_of 300 -q 100 'n%.test.example'
	counted upstream_overdue
}

testcase late_answers_cost_no_question 30 ss
late_answers_cost_no_question_body() {
	start_all --late-every 5 1500
	all_of 300 -q 150 'n%.test.example'
}

testcase an_answer_with_another_id_does_not_count_and_the_right_one_does 30 ss
an_answer_with_another_id_does_not_count_and_the_right_one_does_body() {
	start_all --wrong-id-every 3
	all_of 300 -q 300 'n%.test.example'
	counted upstream_unasked
}

testcase an_answer_to_another_question_does_not_count_and_the_right_one_does 30 \
    ss
an_answer_to_another_question_does_not_count_and_the_right_one_does_body() {
	start_all --wrong-question-every 3
	all_of 300 -q 300 'n%.test.example'
	counted upstream_mismatched
}

testcase garbage_between_answers_costs_no_question 30 ss
garbage_between_answers_costs_no_question_body() {
	start_all --garbage-every 3
	all_of 300 -q 300 'n%.test.example'
	counted upstream_malformed
}

testcase a_stream_that_turns_to_garbage_is_left 30 ss
a_stream_that_turns_to_garbage_is_left_body() {
	start_all --garbage-stream 40
	all_of 300 -q 150 'n%.test.example'
}

testcase answers_out_of_order_find_their_questions 30 ss
answers_out_of_order_find_their_questions_body() {
	start_all --out-of-order
	all_of 1000 -q 1000 -c 4 'n%.test.example'
}

testcase answers_that_drip_are_put_together 30 ss
answers_that_drip_are_put_together_body() {
	start_all --drip
	all_of 150 -q 100 'n%.test.example'
}

testcase one_of_two_equal_questions_lost_by_the_upstream_is_not_lost 30 ss
one_of_two_equal_questions_lost_by_the_upstream_is_not_lost_body() {
	start_all --reuse-loss --delay 100
	# From many sockets, the same few names again and again.
	run_load -n 400 -q 400 -c 16 'same.test.example'
	all_answered 400
	kill "$pid"
	says 'duplicates=0' upstream.log
}

testcase servfail_of_an_upstream_is_an_answer 30 ss
servfail_of_an_upstream_is_an_answer_body() {
	start_all --servfail-every 3
	run_load -n 300 -q 300 'n%.test.example'
	expect_figure answered -eq 300
	expect_figure lost -eq 0
	[ $(($(figure noerror) + $(figure servfail))) -eq 300 ] ||
	    atf_fail "neither NOERROR nor SERVFAIL"
	# What it says, and not that it was waited for in vain.
	counts_to queries_timeout 0
	counts_to queries_failed 0
}

testcase answers_of_64_kib_go_through_whole 40 ss
answers_of_64_kib_go_through_whole_body() {
	start_all
	run_load -t -n 200 -q 100 -c 4 -T 16 'n%.big-65000.test.example'
	all_answered 200
	expect_figure truncated -eq 0
	expect_figure closed -eq 0
	# Over UDP they are truncated, not lost.
	run_load -n 200 -q 200 -T 16 'u%.big-65000.test.example'
	all_answered 200
	expect_figure truncated -eq 200
}

testcase an_upstream_that_answers_nothing_is_servfail 30 ss
an_upstream_that_answers_nothing_is_servfail_body() {
	start_all --stall-all
	# How soon is told by the tests of the pool and of a query, whose clock
	# is their own.
	run_load -n 300 -q 150 -w 20000 'n%.test.example'
	expect_figure answered -eq 300
	expect_figure servfail -eq 300
	expect_figure lost -eq 0
	answers SERVFAIL why.test.example
	in_answer 'EDE: (22|23) '
}

testcase an_upstream_that_takes_no_more_connections_is_lived_with 30 ss
an_upstream_that_takes_no_more_connections_is_lived_with_body() {
	start_all --refuse-after 1
	all_of 300 -q 300 'n%.test.example'
}

testcase a_second_upstream_serves_when_the_first_stalls 40 ss
a_second_upstream_serves_when_the_first_stalls_body() {
	atf_require_prog "$upstream"
	pki
	up=$(free_port)
	second=$(free_port)
	port=$(free_port)
	start_misbehaving "$up" --stall-all
	in_background second.log "$upstream" -c server.pem -k server.key \
	    -p "$second" -t 120
	must 5 listens "$second"
	{
		upstream_block one "$up"
		upstream_block two "$second"
		echo 'forward to { "one" "two" }'
	} | conf "$port"
	start_dotproxy
	all_of 300 -q 100 'n%.test.example'
}

testcase tls_1_2_serves_too 30 ss
tls_1_2_serves_too_body() {
	start_all --tls12 --close-after 50
	all_of 300 -q 300 'n%.test.example'
}

# The rows of `make bench-faults`: one upstream, and its fault at the rate of a
# house; how long that takes is the bench's to say.
row() { # FAULT ...
	start_all "$@"
	all_of 400 -q 200 'n%.test.example'
}

testcase row_connections_closed_idle_for_2_ms 40 ss
row_connections_closed_idle_for_2_ms_body() {
	row --close-idle 2
}

testcase row_connections_closed_after_10_answers 40 ss
row_connections_closed_after_10_answers_body() {
	row --close-after 10
}

testcase row_connections_reset_after_10_answers 40 ss
row_connections_reset_after_10_answers_body() {
	row --reset-after 10
}

testcase row_connections_torn_in_the_11th_answer 40 ss
row_connections_torn_in_the_11th_answer_body() {
	row --half-after 10
}

testcase row_every_50th_answer_is_3_s_late 40 ss
row_every_50th_answer_is_3_s_late_body() {
	row --late-every 50 3000
}

testcase row_every_20th_answer_has_a_wrong_id_first 40 ss
row_every_20th_answer_has_a_wrong_id_first_body() {
	row --wrong-id-every 20
}

testcase row_every_20th_answer_has_a_wrong_id_only 40 ss
row_every_20th_answer_has_a_wrong_id_only_body() {
	row --wrong-id-every 20 --instead
}

testcase row_every_20th_answer_has_a_wrong_question_first 40 ss
row_every_20th_answer_has_a_wrong_question_first_body() {
	row --wrong-question-every 20
}

testcase row_every_20th_answer_has_a_wrong_question_only 40 ss
row_every_20th_answer_has_a_wrong_question_only_body() {
	row --wrong-question-every 20 --instead
}

testcase row_connections_stall_after_20_answers 40 ss
row_connections_stall_after_20_answers_body() {
	row --stall-after 20
}

testcase row_connections_stall_in_the_11th_answer 40 ss
row_connections_stall_in_the_11th_answer_body() {
	row --half-stall-after 10
}

testcase row_every_20th_answer_is_servfail 40 ss
row_every_20th_answer_is_servfail_body() {
	row --servfail-every 20
}

# All of it hangs, more than once: then what has been asked too often already
# must not fail, nor what its connection dies under as it wakes.
testcase row_upstream_pauses_for_400_ms 40 ss
row_upstream_pauses_for_400_ms_body() {
	row --pause-every 150 400
}

testcase row_upstream_pauses_and_resets_after_10_answers 40 ss
row_upstream_pauses_and_resets_after_10_answers_body() {
	row --pause-every 150 400 --reset-after 10
}

testcase row_upstream_pauses_and_stalls_after_20_answers 40 ss
row_upstream_pauses_and_stalls_after_20_answers_body() {
	row --pause-every 150 400 --stall-after 20
}

atf_init_test_cases() {
	atf_add_test_case an_upstream_that_behaves_answers_all
	atf_add_test_case a_connection_closed_idle_costs_no_question
	atf_add_test_case \
	    a_connection_closed_idle_without_notice_costs_no_question
	atf_add_test_case \
	    a_connection_closed_after_some_answers_costs_no_question
	atf_add_test_case a_connection_reset_after_some_answers_costs_no_question
	atf_add_test_case half_an_answer_is_asked_for_again
	atf_add_test_case a_connection_that_stalls_is_left
	atf_add_test_case late_answers_cost_no_question
	atf_add_test_case \
	    an_answer_with_another_id_does_not_count_and_the_right_one_does
	atf_add_test_case \
	    an_answer_to_another_question_does_not_count_and_the_right_one_does
	atf_add_test_case garbage_between_answers_costs_no_question
	atf_add_test_case a_stream_that_turns_to_garbage_is_left
	atf_add_test_case answers_out_of_order_find_their_questions
	atf_add_test_case answers_that_drip_are_put_together
	atf_add_test_case \
	    one_of_two_equal_questions_lost_by_the_upstream_is_not_lost
	atf_add_test_case servfail_of_an_upstream_is_an_answer
	atf_add_test_case answers_of_64_kib_go_through_whole
	atf_add_test_case \
	    an_upstream_that_answers_nothing_is_servfail
	atf_add_test_case \
	    an_upstream_that_takes_no_more_connections_is_lived_with
	atf_add_test_case a_second_upstream_serves_when_the_first_stalls
	atf_add_test_case tls_1_2_serves_too
	atf_add_test_case row_connections_closed_idle_for_2_ms
	atf_add_test_case row_connections_closed_after_10_answers
	atf_add_test_case row_connections_reset_after_10_answers
	atf_add_test_case row_connections_torn_in_the_11th_answer
	atf_add_test_case row_every_50th_answer_is_3_s_late
	atf_add_test_case row_every_20th_answer_has_a_wrong_id_first
	atf_add_test_case row_every_20th_answer_has_a_wrong_id_only
	atf_add_test_case row_every_20th_answer_has_a_wrong_question_first
	atf_add_test_case row_every_20th_answer_has_a_wrong_question_only
	atf_add_test_case row_connections_stall_after_20_answers
	atf_add_test_case row_connections_stall_in_the_11th_answer
	atf_add_test_case row_every_20th_answer_is_servfail
	atf_add_test_case row_upstream_pauses_for_400_ms
	atf_add_test_case row_upstream_pauses_and_resets_after_10_answers
	atf_add_test_case row_upstream_pauses_and_stalls_after_20_answers
}
