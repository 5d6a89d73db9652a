# DNS cookies, with the clients that know them; and who is always blocked.
# shellcheck shell=sh

. "$(atf_get_srcdir)/common.sh"
. "$(atf_get_srcdir)/servers.sh"

# The cookie in dig's last answer, client's and server's; nothing: none.
cookie() {
	sed -n 's/^; COOKIE: \([0-9a-f]*\).*/\1/p' dig.out
}

testcase a_client_learns_its_cookie_and_is_known_by_it 30
a_client_learns_its_cookie_and_is_known_by_it_body() {
	start_ours
	answers NOERROR +cookie=0102030405060708 one.test.example
	first=$(cookie)
	case $first in
	010203040506070801000000????????????????????????) ;;
	*)	atf_fail "no cookie of ours: $first" ;;
	esac
	# A miss, a hit, an error and an answer of our own tell it.
	for name in one.test.example two.test.example localhost; do
		answers NOERROR "+cookie=$first" "$name"
		atf_check_equal "$first" "$(cookie)"
		grep -q 'COOKIE: .*(good)' dig.out || atf_fail "not good"
	done
	answers NOTIMP "+cookie=$first" +opcode=notify test.example
	atf_check_equal "$first" "$(cookie)"
	counts_to cookies_good 4
	# Over TCP, too; and nobody else's is good.
	answers NOERROR "+cookie=$first" +tcp one.test.example
	atf_check_equal "$first" "$(cookie)"
	answers NOERROR "+cookie=$first" -b 127.0.0.9 one.test.example
	[ "$(cookie)" != "$first" ] || atf_fail "anyone's"
	counts_to cookies_bad 1
	# Nothing of it went upstream.
	if grep -qi 0102030405060708 upstream.queries; then
		atf_fail "it was forwarded"
	fi
}

testcase kdig_learns_its_cookie 30 kdig
kdig_learns_its_cookie_body() {
	start_ours
	kdig @127.0.0.1 -p "$port" +cookie=1112131415161718 \
	    one.test.example >kdig.out || atf_fail "kdig"
	grep -i 'cookie.*1112131415161718' kdig.out ||
	    { cat kdig.out; atf_fail "no cookie"; }
}

testcase a_cookie_is_asked_for_without_a_question 30
a_cookie_is_asked_for_without_a_question_body() {
	start_ours
	# RFC 7873 5.4: an OPT of 12 bytes of options and no question.
	"$ask" -p "$port" \
	    12340100000000000000000100002904d000000000000c000a00080102030405060708 \
	    >out || atf_fail "ask"
	cat out
	grep -q 'rcode=0 .*counts=0/0/0/1' out || atf_fail "not NOERROR"
	# Half of one.
	"$ask" -p "$port" \
	    123401000000000000000001000029 >out || :
	grep -q 'rcode=1 ' out || { cat out; atf_fail "not FORMERR"; }
}

testcase who_needs_a_cookie_gets_no_answer_without 30
who_needs_a_cookie_gets_no_answer_without_body() {
	start_ours 'cookies require for { 127.0.0.8 127.0.1.0/24 }'
	answers NOERROR +nocookie one.test.example
	# dig comes again by itself: with the cookie that it was told ...
	answers NOERROR -b 127.0.0.8 +cookie one.test.example
	grep -q 'BADCOOKIE, retrying' dig.out || { cat dig.out; atf_fail "?"; }
	answers BADCOOKIE -b 127.0.0.8 +cookie +nobadcookie two.test.example
	# ... or, if it has none, by TCP.
	answers NOERROR -b 127.0.1.8 +nocookie one.test.example
	grep -q 'Truncated, retrying in TCP' dig.out ||
	    { cat dig.out; atf_fail "not told to come by TCP"; }
	answers NOERROR -b 127.0.0.8 +nocookie +tcp one.test.example
	counts_to queries_unproven 3
}

testcase no_cookies_means_none 30
no_cookies_means_none_body() {
	start_ours 'no cookies'
	answers NOERROR +cookie=0102030405060708 one.test.example
	atf_check_equal '' "$(cookie)"
	[ "$(counter cookies_good)" -eq 0 ] || atf_fail "one was good"
}

testcase a_cookie_outlives_a_worker_and_a_reload_but_not_a_broken_one 60
a_cookie_outlives_a_worker_and_a_reload_but_not_a_broken_one_body() {
	workers=1
	start_ours
	answers NOERROR +cookie=0102030405060708 one.test.example
	first=$(cookie)
	kill -HUP "$dotproxy"
	must 5 grep -q reloaded dotproxy.log
	answers NOERROR "+cookie=$first" one.test.example
	atf_check_equal "$first" "$(cookie)"
	kill -9 "$(worker_pid)" || atf_fail "no worker"
	must 5 grep -q 'starting again' dotproxy.log
	must 5 is_answered NOERROR one.test.example
	answers NOERROR "+cookie=$first" one.test.example
	atf_check_equal "$first" "$(cookie)"
	# What calls what it must not is taken for broken into.
	kill -SYS "$(worker_pid)" || atf_fail "no worker"
	must 5 grep -q 'seccomp' dotproxy.log
	must 5 is_answered NOERROR one.test.example
	answers NOERROR "+cookie=$first" one.test.example
	[ "$(cookie)" != "$first" ] || atf_fail "the secret is the same"
}

worker_pid() {
	ps -o pid=,args= --ppid "$dotproxy" |
	    awk '$2 ~ /dotproxy-worker$/ { print $1 }'
}

testcase a_blocked_prefix_gets_nothing_until_a_reload 40
a_blocked_prefix_gets_nothing_until_a_reload_body() {
	start_ours 'block { 127.0.2.0/24 ::1 }'
	answers NOERROR one.test.example
	q -b 127.0.2.7 +tries=1 +time=1 one.test.example >out && atf_fail "UDP"
	q -b 127.0.2.7 +tcp +tries=1 +time=1 one.test.example >out &&
	    atf_fail "TCP"
	answers NOERROR -b 127.0.3.7 one.test.example
	counts_to blocked_udp 1
	counted tcp_blocked
	sed -i '/^block {/d' dotproxy.conf
	kill -HUP "$dotproxy"
	must 5 grep -q reloaded dotproxy.log
	must 5 is_answered NOERROR -b 127.0.2.7 one.test.example
}

testcase who_floods_is_blocked_but_for_tcp_and_a_cookie 40
who_floods_is_blocked_but_for_tcp_and_a_cookie_body() {
	workers=1
	start_ours 'no limit exempt' 'limit rate 20 burst 20' \
	    'block after 50 over 10s for 4s max 8s'
	answers NOERROR -b 127.0.0.9 +cookie=0102030405060708 one.test.example
	known=$(cookie)
	"$load" -p "$port" -b 127.0.0.9 -n 400 -q 400 -c 4 -w 200 \
	    'flood%.test.example' >flood.out 2>&1 || :
	must 5 grep -q '127\.0\.0\.9 is blocked over UDP for 4 s' dotproxy.log
	# Others do not notice, and who is forged gets in.
	answers NOERROR -b 127.0.0.10 one.test.example
	answers NOERROR -b 127.0.0.9 +tcp one.test.example
	answers NOERROR -b 127.0.0.9 "+cookie=$known" one.test.example
	must 10 grep -q '127\.0\.0\.9 is blocked no more' dotproxy.log
	must 5 is_answered NOERROR -b 127.0.0.9 one.test.example
	[ $(($(counter blocked_udp) + $(counter blocked_cut))) -ge 50 ] ||
	    atf_fail "not counted"
	counts_to blocks 1
}

atf_init_test_cases() {
	atf_add_test_case who_floods_is_blocked_but_for_tcp_and_a_cookie
	atf_add_test_case a_client_learns_its_cookie_and_is_known_by_it
	atf_add_test_case kdig_learns_its_cookie
	atf_add_test_case a_cookie_is_asked_for_without_a_question
	atf_add_test_case who_needs_a_cookie_gets_no_answer_without
	atf_add_test_case no_cookies_means_none
	atf_add_test_case \
	    a_cookie_outlives_a_worker_and_a_reload_but_not_a_broken_one
	atf_add_test_case a_blocked_prefix_gets_nothing_until_a_reload
}
