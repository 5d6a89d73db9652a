# Two upstreams, and the network to the one that is asked is gone for a while:
# what is asked is answered all the same, whatever the policy.
# shellcheck shell=sh

. "$(atf_get_srcdir)/common.sh"
. "$(atf_get_srcdir)/servers.sh"
. "$(atf_get_srcdir)/apart.sh"

# 2,000 questions a second. How long that lasts is told by what they are asked:
# so no time is in it.
nothing_is_lost() { # POLICY
	atf_require_prog "$upstream"
	pki
	net_up
	start_far 1
	start_far 2
	start_near "$1"
	answers NOERROR first.test.example

	run_load -n 8000 -q 2000 -c 4 'n%.test.example' &
	asker=$!
	must 10 one_was_asked 1000
	one=1 other=2
	[ "$(asked 1)" -ge 1000 ] || one=2 other=1
	cut_off "$one"
	must 10 was_asked "$other" $(($(asked "$other") + 2000))
	before=$(asked "$one")
	mend "$one"
	wait "$asker"
	all_answered 8000
}

one_was_asked() {
	was_asked 1 "$1" || was_asked 2 "$1"
}

was_asked() { # NUMBER QUESTIONS
	[ "$(asked "$1")" -ge "$2" ]
}

# It is asked until it is.
comes_back() { # NUMBER
	answers NOERROR "again$(now_ms).test.example"
	was_asked "$1" $((before + 1))
}

as=root testcase an_upstream_cut_off_costs_no_question_by_failover 60 ip nsenter unshare
an_upstream_cut_off_costs_no_question_by_failover_body() {
	nothing_is_lost failover
	atf_check_equal 1 "$one"
	must 20 comes_back 1
}

as=root testcase an_upstream_cut_off_costs_no_question_of_the_fastest 60 ip nsenter \
    unshare
an_upstream_cut_off_costs_no_question_of_the_fastest_body() {
	nothing_is_lost fastest
}

as=root testcase an_upstream_cut_off_costs_no_question_by_turns 60 ip nsenter unshare
an_upstream_cut_off_costs_no_question_by_turns_body() {
	nothing_is_lost round-robin
	must 20 comes_back "$one"
}

as=root testcase an_upstream_cut_off_costs_no_question_in_a_race 60 ip nsenter unshare
an_upstream_cut_off_costs_no_question_in_a_race_body() {
	nothing_is_lost race
	must 20 comes_back "$one"
}

as=root testcase with_both_cut_off_questions_are_answered_once_the_network_is_back 60 \
    ip nsenter unshare
with_both_cut_off_questions_are_answered_once_the_network_is_back_body() {
	atf_require_prog "$upstream"
	pki
	net_up
	start_far 1
	start_far 2
	start_near failover
	answers NOERROR first.test.example
	cut_off 1
	cut_off 2
	answers SERVFAIL nobody.test.example
	in_answer 'EDE: (22|23) '
	mend 1
	mend 2
	must 10 is_answered NOERROR "again$(now_ms).test.example"
}

atf_init_test_cases() {
	atf_add_test_case an_upstream_cut_off_costs_no_question_by_failover
	atf_add_test_case an_upstream_cut_off_costs_no_question_of_the_fastest
	atf_add_test_case an_upstream_cut_off_costs_no_question_by_turns
	atf_add_test_case an_upstream_cut_off_costs_no_question_in_a_race
	atf_add_test_case \
	    with_both_cut_off_questions_are_answered_once_the_network_is_back
}
