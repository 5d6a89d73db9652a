# An upstream that is not the one that was configured: no byte of a question
# reaches it, the client has SERVFAIL with a reason in time, and the log says
# what is wrong.
# shellcheck shell=sh

. "$(atf_get_srcdir)/common.sh"
. "$(atf_get_srcdir)/servers.sh"

# The server uses server.pem of ca, for dns.example, unless told otherwise.
prepare() {
	atf_require_prog "$upstream"
	pki
	up=$(free_port)
	port=$(free_port)
}

configure() { # LINE ... of the upstream
	{
		upstream_block ours "$up" "$@"
		echo 'forward to "ours"'
	} | conf "$port"
}

# refused PATTERN: as the log has it; nothing was asked of the upstream.
refused() {
	start_dotproxy
	fails_and_says_why
	says "$1"
	[ ! -s upstream.queries ] || ! grep -q 'test\.example' upstream.queries ||
	    { cat upstream.queries; atf_fail "it was asked"; }
	kill "$dotproxy"
	must 5 is_gone "$dotproxy"
}

fails_and_says_why() {
	answers SERVFAIL question.test.example A
	in_answer 'EDE: (22|23) '
	answers SERVFAIL +tcp another.test.example A
	in_answer 'EDE: (22|23) '
}

testcase a_wrong_pin_is_refused_and_the_right_one_of_the_log_serves 40 ss
a_wrong_pin_is_refused_and_the_right_one_of_the_log_serves_body() {
	prepare
	start_misbehaving "$up"
	pki_ca stranger
	configure 'name "dns.example"' "ca \"$PWD/ca.pem\"" \
	    "pin \"$(pin_of stranger)\""
	start_dotproxy
	fails_and_says_why
	says 'no pin matched'
	! grep -q 'test\.example' upstream.queries || atf_fail "it was asked"
	says 'pin "sha256/'
	grep -o 'pin "sha256/.*"' dotproxy.log | sort -u >pins
	cat pins
	grep -qF "$(pin_of server)" pins || atf_fail "the leaf is not told"
	grep -qF "$(pin_of ca)" pins || atf_fail "the root is not told"
	# Pasted as they stand.
	while read -r line; do
		configure 'name "dns.example"' "ca \"$PWD/ca.pem\"" "$line"
		kill -HUP "$dotproxy"
		must 8 is_answered NOERROR "n$(now_ms).example"
		configure 'name "dns.example"' "ca \"$PWD/ca.pem\"" \
		    "pin \"$(pin_of stranger)\""
		kill -HUP "$dotproxy"
		must 8 is_answered SERVFAIL "n$(now_ms).example"
	done <pins
}

testcase a_root_pin_matches_although_roots_are_not_sent 30 ss
a_root_pin_matches_although_roots_are_not_sent_body() {
	prepare
	start_misbehaving "$up"
	configure 'name "dns.example"' "ca \"$PWD/ca.pem\"" \
	    "pin \"$(pin_of ca)\""
	start_dotproxy
	answers NOERROR question.test.example A
	# With a pin, the name may be left out.
	configure "ca \"$PWD/ca.pem\"" "pin \"$(pin_of server)\""
	kill -HUP "$dotproxy"
	says ': reloaded'
	answers NOERROR n2.test.example A
}

testcase a_pinned_intermediate_beside_the_leaf_of_another_ca_is_refused 40 ss
a_pinned_intermediate_beside_the_leaf_of_another_ca_is_refused_body() {
	prepare
	pki_ca other
	pki_ca middle other
	pki_cert honest middle dns.example
	# Both are trusted; the pinned one is only sent along.
	cat ca.pem other.pem >both.pem
	cat server.pem middle.pem >chain.pem
	tls_pem=chain.pem start_misbehaving "$up"
	configure 'name "dns.example"' "ca \"$PWD/both.pem\"" \
	    "pin \"$(pin_of middle)\""
	refused 'no pin matched'
	# The same pin, where it is part of the chain.
	kill "$pid"
	must 5 is_gone "$pid"
	cat honest.pem middle.pem >chain.pem
	tls_pem=chain.pem tls_key=honest.key start_misbehaving "$up"
	log=again.log start_dotproxy
	answers NOERROR question.test.example A
}

testcase a_wrong_name_is_refused 30 ss
a_wrong_name_is_refused_body() {
	prepare
	start_misbehaving "$up"
	configure 'name "dns.other.example"' "ca \"$PWD/ca.pem\""
	refused 'wrong name'
}

testcase an_expired_certificate_is_refused 30 ss
an_expired_certificate_is_refused_body() {
	prepare
	not_after=20210101000000Z pki_cert old ca dns.example
	tls_pem=old.pem tls_key=old.key start_misbehaving "$up"
	configure 'name "dns.example"' "ca \"$PWD/ca.pem\""
	refused 'expired'
}

testcase a_certificate_that_is_not_yet_valid_is_refused 30 ss
a_certificate_that_is_not_yet_valid_is_refused_body() {
	prepare
	not_before=20390101000000Z pki_cert new ca dns.example
	tls_pem=new.pem tls_key=new.key start_misbehaving "$up"
	configure 'name "dns.example"' "ca \"$PWD/ca.pem\""
	refused 'not yet valid'
}

testcase an_unknown_ca_is_refused_also_where_its_key_is_pinned 40 ss
an_unknown_ca_is_refused_also_where_its_key_is_pinned_body() {
	prepare
	pki_ca other
	start_misbehaving "$up"
	configure 'name "dns.example"' "ca \"$PWD/other.pem\""
	refused 'unknown CA'
	configure 'name "dns.example"' "ca \"$PWD/other.pem\"" \
	    "pin \"$(pin_of server)\""
	log=pinned.log
	start_dotproxy
	fails_and_says_why
	says 'unknown CA' pinned.log
	! grep -q 'test\.example' upstream.queries || atf_fail "it was asked"
	kill "$dotproxy"
	must 5 is_gone "$dotproxy"
	# The system's roots, when no other are named.
	[ -r /etc/ssl/certs/ca-certificates.crt ] || return 0
	configure 'name "dns.example"'
	log=system.log
	start_dotproxy
	fails_and_says_why
	says 'unknown CA' system.log
}

testcase a_ca_file_without_a_certificate_trusts_nobody 30 ss
a_ca_file_without_a_certificate_trusts_nobody_body() {
	prepare
	start_misbehaving "$up"
	{
		echo "-----BEGIN CERTIFICATE-----"
		echo "this is no certificate"
		echo "-----END CERTIFICATE-----"
	} >none.pem
	configure 'name "dns.example"' "ca \"$PWD/none.pem\"" \
	    "pin \"$(pin_of server)\""
	refused 'upstream "ours": there is no certificate in its CA'
}

testcase a_server_that_speaks_no_tls_hears_no_question 30 ss
a_server_that_speaks_no_tls_hears_no_question_body() {
	prepare
	in_background sink.log "$sink" tcp "$up" "220 not TLS at all"
	must 5 listens "$up"
	configure 'name "dns.example"' "ca \"$PWD/ca.pem\""
	start_dotproxy
	fails_and_says_why
	says 'upstream "ours" at 127\.0\.0\.1.*: (TLS failure|reset|closed)'
	grep -q connected sink.log || atf_fail "it was not even tried"
}

testcase an_upstream_that_is_gone_is_told_as_refused 30 ss
an_upstream_that_is_gone_is_told_as_refused_body() {
	prepare
	configure 'name "dns.example"' "ca \"$PWD/ca.pem\""
	start_dotproxy
	fails_and_says_why
	says 'upstream "ours" at 127\.0\.0\.1 port [0-9]*: connection refused'
	# It comes back, and is found without a restart.
	start_misbehaving "$up"
	must 5 is_answered NOERROR back.test.example A
}

testcase a_handshake_that_stalls_is_told_as_timed_out 40 ss
a_handshake_that_stalls_is_told_as_timed_out_body() {
	prepare
	in_background sink.log "$sink" tcp "$up"
	must 5 listens "$up"
	configure 'name "dns.example"' "ca \"$PWD/ca.pem\""
	start_dotproxy
	run_load -n 20 -q 20 'n%.test.example'
	expect_figure servfail -eq 20
	says 'upstream "ours" at 127\.0\.0\.1.*: timed out'
}

testcase the_second_upstream_serves_while_the_first_is_refused 40 ss
the_second_upstream_serves_while_the_first_is_refused_body() {
	prepare
	start_misbehaving "$up"
	{
		upstream_block first "$up" 'name "dns.other.example"' \
		    "ca \"$PWD/ca.pem\""
		upstream_block gone "$(free_port)"
		upstream_block ours "$up"
		echo 'forward to { "first" "gone" "ours" }'
	} | conf "$port"
	start_dotproxy
	run_load -n 100 -q 100 'n%.test.example'
	all_answered 100
	says 'upstream "first" at .*wrong name'
	says 'upstream "gone" at .*refused'
}

testcase nothing_of_a_question_is_ever_sent_in_the_clear 30 ss
nothing_of_a_question_is_ever_sent_in_the_clear_body() {
	prepare
	# A server that would take plain DNS over TCP.
	in_background sink.log "$sink" tcp "$up"
	must 5 listens "$up"
	configure 'name "dns.example"' "ca \"$PWD/ca.pem\""
	start_dotproxy
	fails_and_says_why
	grep -q 'received [0-9]* bytes of TLS' sink.log ||
	    { cat sink.log; atf_fail "not a ClientHello"; }
	! grep -q 'something else' sink.log || atf_fail "not a ClientHello"
}

atf_init_test_cases() {
	atf_add_test_case \
	    a_wrong_pin_is_refused_and_the_right_one_of_the_log_serves
	atf_add_test_case a_root_pin_matches_although_roots_are_not_sent
	atf_add_test_case \
	    a_pinned_intermediate_beside_the_leaf_of_another_ca_is_refused
	atf_add_test_case a_wrong_name_is_refused
	atf_add_test_case an_expired_certificate_is_refused
	atf_add_test_case a_certificate_that_is_not_yet_valid_is_refused
	atf_add_test_case an_unknown_ca_is_refused_also_where_its_key_is_pinned
	atf_add_test_case a_ca_file_without_a_certificate_trusts_nobody
	atf_add_test_case a_server_that_speaks_no_tls_hears_no_question
	atf_add_test_case an_upstream_that_is_gone_is_told_as_refused
	atf_add_test_case a_handshake_that_stalls_is_told_as_timed_out
	atf_add_test_case the_second_upstream_serves_while_the_first_is_refused
	atf_add_test_case nothing_of_a_question_is_ever_sent_in_the_clear
}
