# The filter of each role is the one that was reviewed. After a change that is
# meant: make golden, and look at the difference.

compare() {
	here=$(atf_get_srcdir)
	why=$("$here/print_filter" --comparable) || atf_skip "$why"
	atf_check -o save:filter "$here/print_filter" "$1"
	atf_check diff -u "$here/$1.pfc" filter
}

atf_test_case filter_of_the_parent_is_the_one_reviewed
filter_of_the_parent_is_the_one_reviewed_body() {
	compare parent
}

atf_test_case filter_of_a_worker_is_the_one_reviewed
filter_of_a_worker_is_the_one_reviewed_body() {
	compare worker
}

atf_test_case filter_of_the_tls_process_is_the_one_reviewed
filter_of_the_tls_process_is_the_one_reviewed_body() {
	compare tls
}

atf_test_case filter_of_the_socks_process_is_the_one_reviewed
filter_of_the_socks_process_is_the_one_reviewed_body() {
	compare socks
}

atf_init_test_cases() {
	atf_add_test_case filter_of_the_parent_is_the_one_reviewed
	atf_add_test_case filter_of_a_worker_is_the_one_reviewed
	atf_add_test_case filter_of_the_tls_process_is_the_one_reviewed
	atf_add_test_case filter_of_the_socks_process_is_the_one_reviewed
}
