# What is answered here, whatever upstreams do: there is none in these cases,
# so a question that leaves is told SERVFAIL.
# shellcheck shell=sh

. "$(atf_get_srcdir)/common.sh"

start_with() { # the config's lines
	pki
	port=$(free_port)
	up=$(free_port)
	configure_with "$@"
	start_dotproxy
}

configure_with() {
	{
		printf '%s\n' "$@"
		upstream_block ours "$up"
		echo 'forward to "ours"'
	} | conf "$port"
}

reload_with() {
	configure_with "$@"
	kill -HUP "$dotproxy"
}

short() { # dig's arguments: what +short says
	q +short "$@"
}

testcase special_names_are_answered_without_an_upstream 30
special_names_are_answered_without_an_upstream_body() {
	start_with
	atf_check_equal 127.0.0.1 "$(short localhost A)"
	atf_check_equal ::1 "$(short a.LOCALHOST AAAA)"
	atf_check_equal 127.0.0.1 "$(short +tcp localhost A)"
	atf_check_equal localhost. "$(short -x 127.0.0.1)"
	answers NXDOMAIN duckduckgo.onion
	in_answer 'flags: qr aa rd ra;'
	in_answer 'SOA'
	answers NXDOMAIN a.invalid
	answers NXDOMAIN -x 192.168.1.1
	answers NXDOMAIN -x fd00::1
	answers NXDOMAIN printer.home.arpa
	answers NOERROR _dns.resolver.arpa TYPE64
	in_answer 'ANSWER: 0'
	answers NOERROR zone.example ANY
	in_answer 'HINFO.*RFC8482'
	answers SERVFAIL use-application-dns.net
	answers SERVFAIL a.test
	counts_to special_answers 11
}

testcase special_names_are_switched_by_a_reload 40
special_names_are_switched_by_a_reload_body() {
	start_with
	answers NXDOMAIN a.onion
	answers SERVFAIL a.test
	reload_with 'no special onion' 'special test'
	must 10 is_answered NXDOMAIN a.test
	answers SERVFAIL a.onion
}

testcase local_data_is_answered_and_a_reload_changes_it 40
local_data_is_answered_and_a_reload_changes_it_body() {
	start_with 'local data "nas.home.arpa" A 192.0.2.1' \
	    'local data "nas.home.arpa" A 192.0.2.2' \
	    'local data "nas.home.arpa" AAAA 2001:db8::1' \
	    'local data "zone.example" TXT "one \"two\""' \
	    'local data "1.2.0.192.in-addr.arpa" PTR nas.home.arpa'
	atf_check_equal '192.0.2.1 192.0.2.2' "$(short NAS.home.arpa A | xargs)"
	atf_check_equal 2001:db8::1 "$(short +tcp nas.home.arpa AAAA)"
	atf_check_equal '"one \"two\""' "$(short zone.example TXT)"
	atf_check_equal nas.home.arpa. "$(short -x 192.0.2.1)"
	answers NOERROR nas.home.arpa TXT
	in_answer 'ANSWER: 0, AUTHORITY: 1'
	answers NOERROR nas.home.arpa ANY
	in_answer 'ANSWER: 2'
	answers NXDOMAIN printer.home.arpa
	answers SERVFAIL below.zone.example
	reload_with 'local data "nas.home.arpa" A 192.0.2.3'
	must 10 is_short 192.0.2.3 nas.home.arpa A
	answers NOERROR nas.home.arpa AAAA
	in_answer 'ANSWER: 0'
	answers SERVFAIL zone.example TXT
}

is_short() { # text dig's arguments
	_text=$1
	shift
	[ "$(short "$@")" = "$_text" ]
}

testcase local_data_has_a_ttl_and_a_cname_is_followed 40
local_data_has_a_ttl_and_a_cname_is_followed_body() {
	start_with 'local data "nas.home.arpa" ttl 1h A 192.0.2.1' \
	    'local data "www.home.arpa" ttl 7 CNAME nas.home.arpa' \
	    'local data "far.home.arpa" CNAME far.example'
	answers NOERROR www.home.arpa A
	in_answer '^www.home.arpa.[[:space:]]*7[[:space:]]IN[[:space:]]CNAME'
	in_answer '^nas.home.arpa.[[:space:]]*3600[[:space:]]IN[[:space:]]A'
	answers NOERROR www.home.arpa AAAA
	in_answer 'ANSWER: 1, AUTHORITY: 1'
	in_answer '^nas.home.arpa.[[:space:]]*300[[:space:]]IN[[:space:]]SOA'
	answers NOERROR far.home.arpa A
	in_answer 'ANSWER: 1, AUTHORITY: 0'
	in_answer '^far.home.arpa.[[:space:]]*300[[:space:]]IN[[:space:]]CNAME'
}

testcase checking_a_config_opens_the_files_it_names 20
checking_a_config_opens_the_files_it_names_body() {
	pki
	port=$(free_port)
	up=$(free_port)
	configure_with "hosts \"$PWD/hosts\""
	check() {
		"$OBJ/dotproxy" -n -f dotproxy.conf >checked 2>&1
	}
	! check || atf_fail "a hosts file that is not there passed"
	atf_check -o match:'hosts .*/hosts: cannot be opened' cat checked
	echo '192.0.2.1 one.example' >hosts
	check || atf_fail "$(cat checked)"
	atf_check -o match:'configuration OK' cat checked
	ca=$(sed -n 's/^[[:space:]]*ca "\(.*\)"/\1/p' dotproxy.conf)
	chmod g+w "$ca"
	! check || atf_fail "a file that others may write passed"
	atf_check -o match:'ca .*: others than its owner may write it' cat checked
	chmod g-w "$ca"
	echo nothing >"$ca"
	! check || atf_fail "a file without a certificate passed"
	atf_check -o match:'there is no certificate in it' cat checked
}

testcase a_hosts_file_is_answered_and_read_again_at_a_reload 40
a_hosts_file_is_answered_and_read_again_at_a_reload_body() {
	cat >hosts <<-END
	# a comment
	192.0.2.7	box.example box	# two names
	2001:db8::7 BOX.example

	0.0.0.0 nowhere.example
	192.0.2.999 bad.example
	192.0.2.8 bad..example good.example
	END
	chmod 644 hosts
	start_with "hosts \"$PWD/hosts\""
	says 'hosts .*/hosts:6: expected an IP address: left out'
	says 'hosts .*/hosts:7: a name that is none: left out'
	atf_check_equal 192.0.2.7 "$(short box.example A)"
	atf_check_equal 192.0.2.7 "$(short box A)"
	atf_check_equal 2001:db8::7 "$(short box.example AAAA)"
	atf_check_equal box.example. "$(short -x 192.0.2.7)"
	atf_check_equal box.example. "$(short -x 2001:db8::7)"
	atf_check_equal 0.0.0.0 "$(short nowhere.example A)"
	atf_check_equal 192.0.2.8 "$(short good.example A)"
	echo '192.0.2.9 box.example' >hosts
	kill -HUP "$dotproxy"
	must 10 is_short 192.0.2.9 box.example A
	# A worker that starts anew has it too.
	kill -9 "$(child worker)"
	must 10 is_short 192.0.2.9 box.example A
	chmod 666 hosts
	kill -HUP "$dotproxy"
	says 'hosts .*chmod go-w'
	says 'not reloaded: the config from before stays'
	must 10 is_short 192.0.2.9 box.example A
}

testcase a_hosts_file_has_its_bound 40
a_hosts_file_has_its_bound_body() {
	seq -f '0.0.0.0 n%.0f.example' 4096 >hosts
	start_with "hosts \"$PWD/hosts\""
	atf_check_equal 0.0.0.0 "$(short n1.example A)"
	atf_check_equal 0.0.0.0 "$(short n4096.example A)"
	echo '0.0.0.0 one.more' >>hosts
	kill -HUP "$dotproxy"
	says 'hosts:4097: more than 4096 records'
	says 'not reloaded'
	port=$(free_port)
	configure_with "hosts \"$PWD/none/hosts\""
	no_start 'hosts .*/none/hosts: cannot be opened'
}

atf_init_test_cases() {
	atf_add_test_case checking_a_config_opens_the_files_it_names
	atf_add_test_case local_data_has_a_ttl_and_a_cname_is_followed
	atf_add_test_case local_data_is_answered_and_a_reload_changes_it
	atf_add_test_case a_hosts_file_is_answered_and_read_again_at_a_reload
	atf_add_test_case a_hosts_file_has_its_bound
	atf_add_test_case special_names_are_answered_without_an_upstream
	atf_add_test_case special_names_are_switched_by_a_reload
}
